"""A corrected treatment date: the plan before and after, applied without sending anything again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.actions.endings import WAITING
from registry.actions.facts import Problem, Unusable, before_birth
from registry.actions.plans import PlanLine
from registry.models import (
    Administration,
    Death,
    Demographics,
    FollowUp,
    OutboxEmail,
    Patient,
    Response,
    ResponseStatus,
    Withdrawal,
    known,
)
from registry.models.writing import supersede
from registry.queries import identities, protocols
from registry.queries.courses import first_course
from registry.vault import Vault
from surveys.lifecycle import ANSWERED, FollowUpState, OutboxState
from surveys.timepoints import PlannedFollowUp, last_civil_day

TOO_LATE = "its window ended before the treatment date was corrected"
_S = FollowUpState


@dataclass(frozen=True, slots=True)
class Change:
    """One follow-up before and after; `is_sent_again`: False where its letters went out already
    and none follows.
    """

    before: PlanLine
    after: PlanLine
    is_sent_again: bool


@dataclass(frozen=True, slots=True)
class _Move:
    """A follow-up's row with the dates and the state that it gets."""

    row: FollowUp
    dates: PlannedFollowUp
    state: FollowUpState
    reason: str | None

    @property
    def change(self) -> Change:
        row, dates = self.row, self.dates
        before = PlanLine(
            row.month, row.due_on, row.opens_on, row.closes_on, row.state, row.state_reason
        )
        after = PlanLine(
            dates.month, dates.due_on, dates.opens_on, dates.closes_on, self.state, self.reason
        )
        return Change(before, after, row.opened_at is None or self.state is _S.PLANNED)


def preview_treatment_date(
    session: Session,
    patient_id: int,
    treated_on: date,
    *,
    vault: Vault | None = None,
    by: str,
    at: datetime,
) -> list[Change]:
    """What `correct_treatment_date` would do to the plan; writes nothing. Raises Unusable."""
    _refuse_day(session, patient_id, treated_on, vault, at)
    return [move.change for move in _moves(session, patient_id, treated_on, at)]


def correct_treatment_date(
    session: Session,
    patient_id: int,
    treated_on: date,
    *,
    vault: Vault | None = None,
    reason: str,
    by: str,
    at: datetime,
) -> list[Change]:
    """Another day 0: the course gets a new version, the follow-ups new dates. Raises Unusable.

    Answers stay with their time-point. Letters that wait for a follow-up which is not open any
    more are cancelled; none that went out is sent again while its follow-up stays open.
    With a `vault` the day is held against the birth date, without one against the age.
    """
    _refuse_day(session, patient_id, treated_on, vault, at)
    course = first_course(session, patient_id)
    moves = _moves(session, patient_id, treated_on, at, lock=True)
    changes = [move.change for move in moves]
    before = course.started_on
    supersede(session, course, reason=reason, by=by, at=at, started_on=treated_on)
    _move_administration(session, patient_id, before, treated_on, reason=reason, by=by, at=at)
    for move in moves:
        _apply(session, move, before, treated_on, at)
    audit.record(
        session,
        by=by,
        at=at,
        action="treatment_date.corrected",
        subject=f"patient:{patient_id}",
        changes={"treated_on": (before, treated_on)},
        reason=reason,
    )
    return changes


def _moves(
    session: Session, patient_id: int, treated_on: date, at: datetime, *, lock: bool = False
) -> list[_Move]:
    patient = session.get_one(Patient, patient_id)
    protocol = protocols.of_id(session, patient.protocol_id).protocol
    planned = {one.month: one for one in protocol.plan(treated_on)}
    wanted = (
        select(FollowUp)
        .where(FollowUp.patient_id == patient_id, FollowUp.month.in_(planned))
        .order_by(FollowUp.month)
    )
    rows = session.scalars(wanted.with_for_update() if lock else wanted)
    answered, mailed = _answered_on(session, patient_id), _mailed(session, patient_id)
    return [_move(row, planned[row.month], answered, row.id in mailed, at) for row in rows]


def _move(
    row: FollowUp,
    dates: PlannedFollowUp,
    answered: Mapping[int, date],
    is_mailed: bool,
    at: datetime,
) -> _Move:
    today = at.astimezone(ZoneInfo(row.zone)).date()
    state = FollowUpState(row.state)
    if state in ANSWERED:
        in_time = answered.get(row.month, dates.closes_on) <= dates.closes_on
        return _Move(row, dates, _S.ANSWERED if in_time else _S.ANSWERED_LATE, row.state_reason)
    if state is _S.CANCELLED:
        return _Move(row, dates, state, row.state_reason)
    if dates.closes_on < today:
        reason = row.state_reason if state is _S.MISSED else TOO_LATE
        return _Move(row, dates, _S.MISSED, reason)
    # begun, but none of its letters may have arrived: the new day is waited for
    stays = row.opened_at is not None and (is_mailed or dates.due_on <= today)
    if stays and dates.opens_on <= today:
        return _Move(row, dates, _S.OPEN, row.state_reason if state is _S.OPEN else None)
    return _Move(row, dates, _S.PLANNED, None)


def _apply(session: Session, move: _Move, before: date, treated_on: date, at: datetime) -> None:
    row, dates = move.row, move.dates
    was = row.state
    row.due_on, row.opens_on = dates.due_on, dates.opens_on
    row.closes_on, row.link_ends_on = dates.closes_on, dates.link_ends_on
    is_from_day_0 = row.recall_from == before
    row.recall_from = treated_on if is_from_day_0 else max(row.recall_from, treated_on)
    row.state, row.state_reason = move.state.value, move.reason
    if move.state is _S.PLANNED:
        row.opened_at, row.ended_at, row.remind_on = None, None, None
        row.call_on, row.snoozed_on = None, None
    elif move.state is _S.OPEN:
        row.ended_at = None
        # its window is another one: which reminders still fit is thought about anew
        row.remind_on = at.astimezone(ZoneInfo(row.zone)).date()
        if row.snoozed_on is not None:
            row.snoozed_on = min(row.snoozed_on, row.closes_on)
    elif was != move.state:
        row.ended_at = at
    if move.state is not _S.OPEN:
        session.execute(
            update(OutboxEmail)
            .where(OutboxEmail.follow_up_id == row.id, OutboxEmail.state.in_(WAITING))
            .values(
                state=OutboxState.CANCELLED.value,
                state_reason="the treatment date was corrected",
                ended_at=at,
            )
        )


def _mailed(session: Session, patient_id: int) -> set[int]:
    """The follow-ups of which a letter may have arrived."""
    return set(
        session.scalars(
            select(OutboxEmail.follow_up_id)
            .where(OutboxEmail.patient_id == patient_id, OutboxEmail.dated_at.is_not(None))
            .where(OutboxEmail.follow_up_id.is_not(None))
        )
    )


def _answered_on(session: Session, patient_id: int) -> dict[int, date]:
    """The day of each sent response, by month."""
    rows = session.execute(
        select(ResponseStatus.month, ResponseStatus.answered_on)
        .join(Response, Response.id == ResponseStatus.response_id)
        .where(
            Response.patient_id == patient_id,
            ResponseStatus.submitted_at.is_not(None),
            known(ResponseStatus),
        )
        .order_by(ResponseStatus.answered_on.desc())
    )
    return {row.month: row.answered_on for row in rows}


def _move_administration(
    session: Session,
    patient_id: int,
    before: date,
    treated_on: date,
    *,
    reason: str,
    by: str,
    at: datetime,
) -> None:
    """The administration of day 0 is given on day 0."""
    rows = session.scalars(
        select(Administration).where(
            Administration.patient_id == patient_id,
            Administration.course_number == 1,
            Administration.given_on == before,
            known(Administration),
        )
    )
    for row in rows.all():
        supersede(session, row, reason=reason, by=by, at=at, given_on=treated_on)


def _refuse_day(
    session: Session, patient_id: int, treated_on: date, vault: Vault | None, at: datetime
) -> None:
    found = []
    unborn = _before_birth(session, patient_id, treated_on, vault)
    if unborn:
        found.append(Problem("treated_on", unborn))
    if treated_on > last_civil_day(at):
        found.append(Problem("treated_on", f"{treated_on} lies in the future"))
    died_on = session.scalar(
        select(Death.died_on).where(Death.patient_id == patient_id, known(Death))
    )
    if died_on is not None and treated_on > died_on:
        found.append(Problem("treated_on", f"{treated_on} is after the death on {died_on}"))
    left_on = session.scalar(
        select(Withdrawal.withdrawn_on).where(
            Withdrawal.patient_id == patient_id, known(Withdrawal)
        )
    )
    if left_on is not None and treated_on > left_on:
        found.append(Problem("treated_on", f"{treated_on} is after the withdrawal on {left_on}"))
    if found:
        raise Unusable(found)


def _before_birth(
    session: Session, patient_id: int, treated_on: date, vault: Vault | None
) -> str | None:
    born = identities.person_of(session, vault, patient_id).birth_date if vault else None
    age = session.scalar(
        select(Demographics.age).where(Demographics.patient_id == patient_id, known(Demographics))
    )
    return before_birth(treated_on, born, age, first_course(session, patient_id).started_on)
