"""Reaching out: follow-ups are opened when their day comes, closed when their window ends."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import outbox
from registry.actions.outbox import NewLetter
from registry.db import take
from registry.models import FollowUp, OutboxEmail
from registry.protocols import Protocol
from registry.queries import outreach, protocols, sending_hours
from registry.queries.outreach import Stop
from registry.settings import Settings
from surveys.lifecycle import FollowUpState, OutboxState, call_on
from surveys.timepoints import last_civil_day

BATCH = 200
NEW_LINK_PAUSE = timedelta(hours=1)
TOO_OLD = "a newer one was due when it was begun"


def queue_due(
    session: Session, *, settings: Settings, by: str, at: datetime, limit: int = BATCH
) -> int:
    """Open follow-ups whose local day has come and write their invitations; how many were taken.

    Who may not be mailed gets none, and the row says why. After a pause only the newest of a
    patient's is begun; the others are missed, with that reason.
    """
    due = _take_due(session, at, limit)
    if not due:
        return 0
    stops = outreach.stops(session, {one.patient_id for one in due})
    newest = _newest_due(session, due, at)
    for one in due:
        _settle(one, stops.get(one.patient_id), newest[one.patient_id], at)
    invited = [
        one for one in due if one.state == FollowUpState.OPEN and one.patient_id not in stops
    ]
    trail = [_entry("follow_up.begun", one) for one in due]
    new = _invitations(session, invited, settings, at)
    outbox.put(session, new, settings=settings, trail=trail, by=by, at=at)
    return len(due)


def _take_due(session: Session, at: datetime, limit: int) -> Sequence[FollowUp]:
    ready = outreach.on_local_day(
        session,
        (FollowUp.state == FollowUpState.PLANNED)
        & (FollowUp.month > 0)
        & (FollowUp.due_on <= last_civil_day(at)),
        at,
        lambda today: and_(FollowUp.due_on <= today, FollowUp.closes_on >= today),
    )
    if ready is None:
        return []
    return take(
        session,
        FollowUp,
        ready,
        order_by=FollowUp.due_on,
        limit=limit,
        state=FollowUpState.OPEN,
        state_reason=None,
        opened_at=at,
    )


def _newest_due(session: Session, due: Sequence[FollowUp], at: datetime) -> dict[int, date]:
    """The newest day that has come, per patient, whatever batch it falls in."""
    mine = FollowUp.patient_id.in_({one.patient_id for one in due})
    come = outreach.on_local_day(session, mine, at, lambda today: FollowUp.due_on <= today)
    if come is None:
        return {}
    rows = session.execute(
        select(FollowUp.patient_id, func.max(FollowUp.due_on))
        .where(come, FollowUp.state.in_((FollowUpState.PLANNED, FollowUpState.OPEN)))
        .group_by(FollowUp.patient_id)
    )
    return {row[0]: row[1] for row in rows}


def _settle(one: FollowUp, stop: Stop | None, newest: date, at: datetime) -> None:
    if stop is not None and stop.is_final:
        one.state, one.state_reason, one.ended_at = FollowUpState.CANCELLED, stop.reason, at
    elif one.due_on < newest:
        one.state, one.state_reason, one.ended_at = FollowUpState.MISSED, TOO_OLD, at
    elif stop is not None:
        one.state_reason = f"no letter: {stop.reason.removeprefix('no letters: ')}"
        one.call_on = outreach.local_day(one.zone, at)


def _invitations(
    session: Session, invited: Sequence[FollowUp], settings: Settings, at: datetime
) -> list[NewLetter]:
    had = outreach.letter_numbers(session, [one.id for one in invited])
    patients = {one.patient_id for one in invited}
    hours = sending_hours.of_patients(session, patients, settings, at)
    invited_at = _last_invitations(session, patients)
    rules = protocols.of_patients(session, patients)
    new = []
    for one in invited:
        # begun again after a corrected treatment date: its first number is taken
        number = outbox.free_number(had[one.id]) if 0 in had[one.id] else 0
        rule = rules[one.patient_id]
        soonest = _soonest(one, invited_at.get(one.patient_id), rule, at)
        send_at = sending_hours.send_at(one, hours, soonest)
        one.call_on = _call_on(one, rule, outreach.local_day(one.zone, send_at))
        new.append(NewLetter(one, "invitation", number, send_at))
    return new


def _last_invitations(session: Session, patient_ids: Iterable[int]) -> dict[int, datetime]:
    """When the last invitation of each patient went out, or will."""
    rows = session.execute(
        select(
            OutboxEmail.patient_id,
            func.max(func.coalesce(OutboxEmail.dated_at, OutboxEmail.next_attempt_at)),
        )
        .where(
            OutboxEmail.patient_id.in_(patient_ids),
            OutboxEmail.kind == "invitation",
            OutboxEmail.state.not_in((OutboxState.CANCELLED, OutboxState.FAILED)),
        )
        .group_by(OutboxEmail.patient_id)
    )
    return {patient_id or 0: at for patient_id, at in rows}


def _soonest(one: FollowUp, before: datetime | None, rule: Protocol, at: datetime) -> datetime:
    """Now, or as many days after the patient's invitation before as the protocol wants."""
    if before is None:
        return at
    zone = outreach.zone_of(one.zone)
    day = before.astimezone(zone).date() + timedelta(days=rule.sending.invitation_gap_days)
    return max(at, datetime.combine(day, time(), zone))


def _call_on(one: FollowUp, protocol: Protocol, invited_on: date) -> date | None:
    rule = protocol.by_month.get(one.month)
    return call_on(rule.reminders, invited_on) if rule else None


def close_windows(session: Session, *, by: str, at: datetime, limit: int = BATCH) -> int:
    """Mark unanswered follow-ups as missed once their window has ended; how many."""
    ready = outreach.on_local_day(
        session,
        FollowUp.state.in_((FollowUpState.PLANNED, FollowUpState.OPEN))
        & (FollowUp.closes_on < last_civil_day(at)),
        at,
        lambda today: FollowUp.closes_on < today,
    )
    if ready is None:
        return 0
    reason = case(
        (FollowUp.state == FollowUpState.OPEN, "no answers were sent in its window"),
        else_="its window ended before it was begun",
    )
    closed = take(
        session,
        FollowUp,
        ready,
        order_by=FollowUp.closes_on,
        limit=limit,
        state=FollowUpState.MISSED,
        state_reason=reason,
        ended_at=at,
    )
    if closed:
        trail = [_entry("follow_up.missed", one) for one in closed]
        audit.record_many(session, trail, by=by, at=at)
    return len(closed)


def new_links(
    session: Session, *, settings: Settings, by: str, at: datetime, limit: int = BATCH
) -> int:
    """Write the letters with new links that were asked for; how many were asked for.

    The letter goes to the address on file, at once. None is written to somebody who gets no
    letters, for what can no longer be answered, or within an hour of the one before.
    """
    unseen = or_(FollowUp.link_made_at.is_(None), FollowUp.link_made_at < FollowUp.link_asked_at)
    asked = take(
        session,
        FollowUp,
        and_(FollowUp.link_asked_at.is_not(None), unseen),
        order_by=FollowUp.link_asked_at,
        limit=limit,
        link_made_at=FollowUp.link_asked_at,
    )
    if not asked:
        return 0
    stops = outreach.stops(session, {one.patient_id for one in asked})
    had = outreach.letter_numbers(session, [one.id for one in asked])
    new: list[NewLetter] = []
    trail: list[audit.Entry] = []
    for one in asked:
        refusal = _link_refusal(session, one, stops.get(one.patient_id), at)
        if refusal:
            trail.append(_entry("link.refused", one, refusal))
        else:
            number = outbox.free_number(had[one.id])
            new.append(NewLetter(one, "new_link", number, at))
    outbox.put(session, new, settings=settings, trail=trail, by=by, at=at)
    return len(asked)


def _link_refusal(
    session: Session, follow_up: FollowUp, stop: Stop | None, at: datetime
) -> str | None:
    if stop is not None:
        return stop.reason
    if not outreach.is_answerable(follow_up, outreach.local_day(follow_up.zone, at)):
        return "it can no longer be answered"
    recent = session.scalar(
        select(func.count(OutboxEmail.id)).where(
            OutboxEmail.follow_up_id == follow_up.id,
            OutboxEmail.kind == "new_link",
            OutboxEmail.queued_at > at - NEW_LINK_PAUSE,
            OutboxEmail.state.not_in((OutboxState.CANCELLED, OutboxState.FAILED)),
        )
    )
    return "one was made within the hour" if recent else None


def _entry(action: str, one: FollowUp, reason: str | None = None) -> audit.Entry:
    changes = {"month": one.month, "state": one.state}
    return audit.Entry(f"patient:{one.patient_id}", action, changes, reason or one.state_reason)
