"""When a follow-up is due, opens and closes: civil dates, counted from the day of treatment."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

RECALL_BEFORE_ENROLMENT_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Timepoint:
    """A time-point in months and its window in inclusive days since treatment."""

    month: int
    opens_day: int
    closes_day: int


@dataclass(frozen=True, slots=True)
class PlannedFollowUp:
    """The civil dates of one follow-up; the link works up to and including its last day."""

    month: int
    due_on: date
    opens_on: date
    closes_on: date
    link_ends_on: date


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later, or the last day of a shorter month.

    Count from the anchor every time: a chain of steps drifts (31 January, 29 February, 29 March).
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def day_number(treated_on: date, day: date) -> int:
    """Whole days since treatment; the day of treatment is day 0."""
    return (day - treated_on).days


def plan_one(treated_on: date, timepoint: Timepoint, link_days: int = 30) -> PlannedFollowUp:
    """The dates of one time-point; the link outlives the window by `link_days`."""
    closes_on = treated_on + timedelta(days=timepoint.closes_day)
    return PlannedFollowUp(
        month=timepoint.month,
        due_on=add_months(treated_on, timepoint.month),
        opens_on=treated_on + timedelta(days=timepoint.opens_day),
        closes_on=closes_on,
        link_ends_on=closes_on + timedelta(days=link_days),
    )


def plan(
    treated_on: date, timepoints: Iterable[Timepoint], link_days: int = 30
) -> tuple[PlannedFollowUp, ...]:
    """The dates of every time-point for a treatment day, in the order given."""
    return tuple(plan_one(treated_on, timepoint, link_days) for timepoint in timepoints)


def in_window(treated_on: date, timepoint: Timepoint, day: date) -> bool:
    """Whether an answer of that day counts for the time-point (both ends of the window do)."""
    return timepoint.opens_day <= day_number(treated_on, day) <= timepoint.closes_day


def recall_at_enrolment(treated_on: date) -> date:
    """The date that "since …" questions ask from at enrolment: three months before treatment."""
    return add_months(treated_on, -RECALL_BEFORE_ENROLMENT_MONTHS)


def last_civil_day(at: datetime) -> date:
    """The latest date that anybody on earth writes at that instant (UTC+14)."""
    return (at + timedelta(hours=14)).date()
