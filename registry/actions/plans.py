"""The plan of follow-ups: which rows an enrolment makes, and in which state they begin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from registry.protocols import Protocol
from registry.protocols.model import Group
from surveys.lifecycle import FollowUpState
from surveys.timepoints import PlannedFollowUp

DIED, WITHDREW = "the patient died", "the patient withdrew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the plan of one patient depends on.

    `ended`: why there is nothing to ask any more. `mailing`: whether a follow-up whose day has
    passed may still be sent. `before`: what came too late, for the reason of what was missed.
    """

    patient_id: int
    site_id: int
    treated_on: date
    zone: str
    language: str
    sex: str | None
    age: int | None
    consent_version: str | None
    ended: str | None = None
    mailing: bool = True
    before: str = "enrolment"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One line of the plan, as the clinic sees it."""

    month: int
    due_on: date
    opens_on: date
    closes_on: date
    state: str
    state_reason: str | None


def rows(protocol: Protocol, case: Circumstances, at: datetime) -> Iterator[dict[str, Any]]:
    """The follow-ups of one patient as rows to insert.

    None is begun whose window has ended; of those whose day has passed only the newest is.
    """
    today = at.astimezone(ZoneInfo(case.zone)).date()
    planned = protocol.plan(case.treated_on)
    newest = newest_due(planned, today)
    for one in planned:
        state, reason = first_state(one, today, newest, case)
        yield {
            "patient_id": case.patient_id,
            "site_id": case.site_id,
            "month": one.month,
            "due_on": one.due_on,
            "opens_on": one.opens_on,
            "closes_on": one.closes_on,
            "link_ends_on": one.link_ends_on,
            "recall_from": case.treated_on,
            "zone": case.zone,
            "language": case.language,
            "instrument_code": protocol.instrument.code,
            "instrument_version": str(protocol.instrument.version),
            "consent_version": case.consent_version,
            "context": context(protocol.groups, case.sex, case.age, one.month),
            "state": state.value,
            "state_reason": reason,
            "ended_at": None if state is FollowUpState.PLANNED else at,
        }


def newest_due(planned: Iterable[PlannedFollowUp], today: date) -> int | None:
    """The month of the newest follow-up whose day has come; None before the first."""
    return max((one.month for one in planned if one.due_on <= today), default=None)


def first_state(
    one: PlannedFollowUp, today: date, newest: int | None, case: Circumstances
) -> tuple[FollowUpState, str | None]:
    """The state that a new follow-up begins in, and why."""
    if one.closes_on < today:
        return FollowUpState.MISSED, f"its window ended before {case.before}"
    if case.ended:
        return FollowUpState.CANCELLED, case.ended
    if one.due_on <= today and one.month != newest:
        return FollowUpState.MISSED, f"due before {case.before}, and a newer one is due"
    if one.due_on <= today and not case.mailing:
        return FollowUpState.MISSED, f"due before {case.before}, and not to be mailed"
    return FollowUpState.PLANNED, None


def context(
    groups: Iterable[Group], sex: str | None, age: int | None, month: int
) -> dict[str, bool]:
    """Which groups of questions fit; unknown sex or age fits. `age`: years at treatment."""
    years = None if age is None else age + month // 12
    return {
        group.code: (sex is None or sex in group.sexes)
        and (years is None or group.from_age <= years <= group.to_age)
        for group in groups
    }


def line(row: dict[str, Any]) -> PlanLine:
    """What the clinic sees of one row."""
    return PlanLine(
        row["month"],
        row["due_on"],
        row["opens_on"],
        row["closes_on"],
        row["state"],
        row["state_reason"],
    )
