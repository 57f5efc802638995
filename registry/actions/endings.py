"""Death and withdrawal: nobody is written to any more, in the same transaction."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session, load_only

from registry import audit
from registry.actions import plans
from registry.actions.facts import Problem, Unusable
from registry.errors import DomainError
from registry.models import Death, FollowUp, OutboxEmail, Withdrawal, known
from registry.models.writing import stamp, supersede
from registry.queries.courses import first_course
from surveys.lifecycle import OUTBOX_MOVES, FollowUpState, OutboxState, sources
from surveys.timepoints import last_civil_day

AWAITED = (FollowUpState.PLANNED.value, FollowUpState.OPEN.value)
WAITING = tuple(
    state.value
    for state in sorted(
        sources(OUTBOX_MOVES, OutboxState.CANCELLED) - {OutboxState.PARKED, OutboxState.FAILED}
    )
)
SCOPES = ("contact", "registry")
Ending = TypeVar("Ending", Death, Withdrawal)


class NoEnding(DomainError):
    """There is no death or withdrawal to correct."""


class EndingKnown(DomainError):
    """A death is recorded already: correct it instead."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What an ending called off: months of follow-ups, and how many letters."""

    months: tuple[int, ...] = ()
    letters: int = 0


def record_death(
    session: Session,
    patient_id: int,
    died_on: date,
    *,
    cause: str | None = None,
    by: str,
    at: datetime,
) -> Stopped:
    """Record a death and call off what was planned. What was answered stays.

    Raises Unusable for an impossible day, EndingKnown for a second death.
    """
    _refuse_day(session, patient_id, "died_on", died_on, at)
    if _current(session, Death, patient_id) is not None:
        raise EndingKnown("This patient's death is recorded already. Correct its date instead.")
    session.add(Death(patient_id=patient_id, died_on=died_on, cause=cause, **stamp(by, at)))
    stopped = _stop(session, patient_id, plans.DIED, at)
    changes = {"died_on": died_on, "cause": cause, "stopped": stopped}
    audit.record_of_patient(session, patient_id, "patient.died", changes, by=by, at=at)
    return stopped


def withdraw(
    session: Session,
    patient_id: int,
    withdrawn_on: date,
    *,
    scope: str = "registry",
    why: str | None = None,
    by: str,
    at: datetime,
) -> Stopped:
    """Record that a patient wants no contact, or leaves the registry, and call off what was
    planned. What was answered stays. The same or less a second time changes nothing.

    Reads no clinical table, so that the patient door may call it.
    """
    if scope not in SCOPES:
        raise Unusable([Problem("scope", f"{scope} is none of: {', '.join(SCOPES)}")])
    if withdrawn_on > last_civil_day(at):
        raise Unusable([Problem("withdrawn_on", f"{withdrawn_on} lies in the future")])
    before = _withdrawal(session, patient_id)
    if before is not None and (before.scope == scope or before.scope == "registry"):
        return Stopped()
    told = {"withdrawn_on": withdrawn_on, "scope": scope, "why": why}
    version = {"patient_id": patient_id, **told, **stamp(by, at)}
    if before is not None:
        before.superseded_at = at
        session.flush()  # the index knows one current version
        version |= {"fact_key": before.fact_key, "reason": "leaves the registry"}
    session.add(Withdrawal(**version))
    stopped = _stop(session, patient_id, plans.WITHDREW, at)
    changes = {**told, "stopped": stopped}
    audit.record_of_patient(session, patient_id, "patient.withdrew", changes, by=by, at=at)
    return stopped


def record_withdrawal(
    session: Session,
    patient_id: int,
    withdrawn_on: date,
    *,
    scope: str = "registry",
    why: str | None = None,
    by: str,
    at: datetime,
) -> Stopped:
    """`withdraw` as staff enter it: the day may not lie before the treatment either."""
    _refuse_day(session, patient_id, "withdrawn_on", withdrawn_on, at)
    return withdraw(session, patient_id, withdrawn_on, scope=scope, why=why, by=by, at=at)


def correct_death(
    session: Session, patient_id: int, died_on: date, *, reason: str, by: str, at: datetime
) -> None:
    """Another day of death, with the reason. Raises NoEnding, Unusable."""
    death = _present(session, Death, patient_id)
    _refuse_day(session, patient_id, "died_on", died_on, at)
    changes = {"died_on": (death.died_on, died_on)}
    supersede(session, death, reason=reason, by=by, at=at, died_on=died_on)
    audit.record_of_patient(
        session, patient_id, "death.corrected", changes, by=by, at=at, reason=reason
    )


def correct_withdrawal(
    session: Session, patient_id: int, withdrawn_on: date, *, reason: str, by: str, at: datetime
) -> None:
    """Another day of withdrawal, with the reason. Raises NoEnding, Unusable."""
    withdrawal = _present(session, Withdrawal, patient_id)
    _refuse_day(session, patient_id, "withdrawn_on", withdrawn_on, at)
    changes = {"withdrawn_on": (withdrawal.withdrawn_on, withdrawn_on)}
    supersede(session, withdrawal, reason=reason, by=by, at=at, withdrawn_on=withdrawn_on)
    audit.record_of_patient(
        session, patient_id, "withdrawal.corrected", changes, by=by, at=at, reason=reason
    )


def undo_death(
    session: Session, patient_id: int, *, reason: str, by: str, at: datetime
) -> tuple[int, ...]:
    """The death was recorded by mistake; gives the months that are asked again. NoEnding."""
    death = _present(session, Death, patient_id)
    death.superseded_at = at
    months = _resume(session, patient_id, plans.DIED, at)
    changes = {"died_on": (death.died_on, None), "resumed": months}
    audit.record_of_patient(
        session, patient_id, "death.undone", changes, by=by, at=at, reason=reason
    )
    return months


def undo_withdrawal(
    session: Session, patient_id: int, *, reason: str, by: str, at: datetime
) -> tuple[int, ...]:
    """The patient did not withdraw; gives the months that are asked again. Raises NoEnding."""
    withdrawal = _present(session, Withdrawal, patient_id)
    withdrawal.superseded_at = at
    months = _resume(session, patient_id, plans.WITHDREW, at)
    changes = {"withdrawn_on": (withdrawal.withdrawn_on, None), "resumed": months}
    audit.record_of_patient(
        session, patient_id, "withdrawal.undone", changes, by=by, at=at, reason=reason
    )
    return months


def _stop(session: Session, patient_id: int, why: str, at: datetime) -> Stopped:
    months = session.scalars(
        update(FollowUp)
        .where(FollowUp.patient_id == patient_id, FollowUp.state.in_(AWAITED))
        .values(state=FollowUpState.CANCELLED.value, state_reason=why, ended_at=at)
        .returning(FollowUp.month)
    ).all()
    letters = session.scalars(
        update(OutboxEmail)
        .where(OutboxEmail.patient_id == patient_id, OutboxEmail.state.in_(WAITING))
        .values(state=OutboxState.CANCELLED.value, state_reason=why, ended_at=at)
        .returning(OutboxEmail.id)
    ).all()
    return Stopped(tuple(sorted(months)), len(letters))


def _resume(session: Session, patient_id: int, why: str, at: datetime) -> tuple[int, ...]:
    """Plan again what this ending called off, unless another ending stands or its window is over.

    One that was open is open again: its letters went out and are not sent a second time.
    """
    session.flush()
    if _current(session, Death, patient_id) or _current(session, Withdrawal, patient_id):
        return ()
    rows = session.scalars(
        select(FollowUp)
        .where(
            FollowUp.patient_id == patient_id,
            FollowUp.state == FollowUpState.CANCELLED.value,
            FollowUp.state_reason == why,
        )
        .with_for_update()
    )
    resumed = []
    for row in rows:
        if row.closes_on >= at.astimezone(ZoneInfo(row.zone)).date():
            state = FollowUpState.OPEN if row.opened_at else FollowUpState.PLANNED
            row.state, row.state_reason, row.ended_at = state.value, None, None
            resumed.append(row.month)
    return tuple(sorted(resumed))


def _current(session: Session, model: type[Ending], patient_id: int) -> Ending | None:
    return session.scalars(
        select(model).where(model.patient_id == patient_id, known(model))
    ).one_or_none()


def _withdrawal(session: Session, patient_id: int) -> Withdrawal | None:
    """The current one as far as the patient door may read it: not in whose words, nor whose."""
    columns = (Withdrawal.patient_id, Withdrawal.scope, Withdrawal.fact_key)
    return session.scalars(
        select(Withdrawal)
        .where(Withdrawal.patient_id == patient_id, known(Withdrawal))
        .options(load_only(*columns, Withdrawal.superseded_at, raiseload=True))
    ).one_or_none()


def _present(session: Session, model: type[Ending], patient_id: int) -> Ending:
    ending = _current(session, model, patient_id)
    if ending is None:
        raise NoEnding(f"No {model.__tablename__} is recorded, so there is none to correct.")
    return ending


def _refuse_day(session: Session, patient_id: int, field: str, day: date, at: datetime) -> None:
    treated_on = first_course(session, patient_id).started_on
    if day > last_civil_day(at):
        raise Unusable([Problem(field, f"{day} lies in the future")])
    if day < treated_on:
        raise Unusable([Problem(field, f"{day} is before the treatment on {treated_on}")])
