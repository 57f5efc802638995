"""Dates of follow-ups against an independent reference, for every treatment day of twenty years."""

from calendar import monthrange
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.timepoints import (
    PlannedFollowUp,
    Timepoint,
    add_months,
    day_number,
    in_window,
    plan,
    recall_at_enrolment,
)

TIMEPOINTS = (
    Timepoint(1, 16, 44),
    Timepoint(3, 61, 121),
    Timepoint(6, 138, 228),
    Timepoint(12, 305, 425),
    Timepoint(24, 640, 820),
)
START_DAYS = [date(2020, 1, 1) + timedelta(days=n) for n in range(7305)]


def reference_due(day: date, months: int) -> date:
    """Walk month by month on the calendar, then back from a day that does not exist."""
    year, month = day.year, day.month
    for _ in range(months):
        month += 1
        if month == 13:
            year, month = year + 1, 1
    for day_of_month in range(day.day, 0, -1):
        try:
            return date(year, month, day_of_month)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def test_due_days_agree_with_the_reference_for_every_start_day_of_twenty_years():
    assert START_DAYS[-1] == date(2039, 12, 31)
    for day in START_DAYS:
        for planned in plan(day, TIMEPOINTS):
            assert planned.due_on == reference_due(day, planned.month)


def test_every_due_day_lies_inside_its_window_and_windows_never_overlap():
    for day in START_DAYS:
        planned = plan(day, TIMEPOINTS)
        assert all(one.opens_on < one.due_on < one.closes_on < one.link_ends_on for one in planned)
        assert all(a.closes_on < b.opens_on for a, b in pairwise(planned))


def test_chaining_would_go_wrong_on_225_of_7305_start_days():
    steps = (1, 2, 3, 6, 12)

    def chained(day: date) -> date:
        for step in steps:
            day = add_months(day, step)
        return day

    assert sum(chained(day) != add_months(day, 24) for day in START_DAYS) == 225


@pytest.mark.parametrize(
    ("day", "months", "due"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 3, date(2024, 4, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 24, date(2026, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 12, 31), 0, date(2024, 12, 31)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 1, 15), -3, date(2023, 10, 15)),
    ],
)
def test_months_are_clamped_to_the_last_day(day: date, months: int, due: date):
    assert add_months(day, months) == due


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.integers(-240, 240))
def test_the_month_is_exact_and_the_day_as_near_as_the_month_allows(day: date, months: int):
    due = add_months(day, months)
    assert (due.year - day.year) * 12 + due.month - day.month == months
    assert due.day == min(day.day, monthrange(due.year, due.month)[1])


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)), st.integers(0, 240), st.integers(0, 240))
def test_a_later_treatment_is_never_due_earlier(day: date, later: int, months: int):
    assert add_months(day, months) <= add_months(day + timedelta(days=later), months)


def test_the_plan_of_a_leap_day():
    first, *_, last = plan(date(2024, 2, 29), TIMEPOINTS)
    assert first == PlannedFollowUp(
        month=1,
        due_on=date(2024, 3, 29),
        opens_on=date(2024, 3, 16),
        closes_on=date(2024, 4, 13),
        link_ends_on=date(2024, 5, 13),
    )
    assert (last.month, last.due_on) == (24, date(2026, 2, 28))


def test_both_ends_of_a_window_count():
    treated_on, month_1 = date(2024, 1, 10), TIMEPOINTS[0]
    counted = [day for day in range(60) if in_window(treated_on, month_1, _after(treated_on, day))]
    assert counted == list(range(16, 45))
    assert day_number(treated_on, _after(treated_on, 44)) == 44


def _after(day: date, days: int) -> date:
    return day + timedelta(days=days)


def test_enrolment_asks_about_the_three_months_before_treatment():
    assert recall_at_enrolment(date(2024, 5, 31)) == date(2024, 2, 29)
