"""Reminders: by the protocol's rule per time-point, from the day the first letter went out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import outbox
from registry.actions.outbox import NewLetter
from registry.actions.outreach import BATCH
from registry.db import take
from registry.models import FollowUp, OutboxEmail, Patient
from registry.queries import outreach, protocols
from registry.settings import Settings
from surveys.lifecycle import (
    FollowUpState,
    OutboxState,
    Reminder,
    ReminderRule,
    reminder_refusal,
    reminders,
)
from surveys.timepoints import last_civil_day

IN_FLIGHT = frozenset({OutboxState.QUEUED, OutboxState.LEASED, OutboxState.HANDOVER})
MAY_HAVE_ARRIVED = frozenset({OutboxState.SENT, OutboxState.PARKED})
PASSED_OVER = "a later one was due as well"


@dataclass(frozen=True, slots=True)
class _Post:
    """What has gone out for one follow-up, as far as reminders care."""

    numbers: frozenset[int]
    mailed_on: tuple[date, ...]
    in_flight: bool


def remind_due(
    session: Session, *, settings: Settings, by: str, at: datetime, limit: int = BATCH
) -> int:
    """Write the reminders whose local day has come, and the day to think of the next; how many
    follow-ups were looked at.

    Nothing goes to who has answered or gets no letters, none within the rule's gap of another
    letter, none after the window; of several that are due the newest. What is dropped is kept with
    its reason.
    """
    due = _take_due(session, at, limit)
    if not due:
        return 0
    # a statement of its own: the rows are locked now, so it sees what other workers wrote
    post = _post(session, due)
    stops = outreach.stops(session, {one.patient_id for one in due})
    new: list[NewLetter] = []
    for one in due:
        if one.patient_id not in stops:
            new += _think(session, one, post[one.id], settings, at)
    trail = [audit.Entry("outbox", "reminders.planned", {"follow_ups": [one.id for one in due]})]
    outbox.put(session, new, settings=settings, trail=trail, by=by, at=at)
    return len(due)


def _take_due(session: Session, at: datetime, limit: int) -> Sequence[FollowUp]:
    ready = outreach.on_local_day(
        session,
        (FollowUp.state == FollowUpState.OPEN) & (FollowUp.remind_on <= last_civil_day(at)),
        at,
        lambda today: FollowUp.remind_on <= today,
    )
    if ready is None:
        return []
    return take(session, FollowUp, ready, order_by=FollowUp.remind_on, limit=limit, remind_on=None)


def _post(session: Session, due: Sequence[FollowUp]) -> dict[int, _Post]:
    letters: dict[int, list[OutboxEmail]] = {one.id: [] for one in due}
    rows = session.scalars(select(OutboxEmail).where(OutboxEmail.follow_up_id.in_(letters)))
    for row in rows:
        letters[row.follow_up_id or 0].append(row)
    return {one.id: _summary(letters[one.id], one.zone) for one in due}


def _summary(letters: Sequence[OutboxEmail], zone: str) -> _Post:
    dated = [one.dated_at for one in letters if one.state in MAY_HAVE_ARRIVED and one.dated_at]
    return _Post(
        numbers=frozenset(one.number for one in letters),
        mailed_on=tuple(sorted(outreach.local_day(zone, at) for at in dated)),
        in_flight=any(one.state in IN_FLIGHT for one in letters),
    )


def _think(
    session: Session, one: FollowUp, post: _Post, settings: Settings, at: datetime
) -> Iterator[NewLetter]:
    """The reminders of one follow-up that are due; sets the day of the next."""
    rule = _rule(session, one)
    today = outreach.local_day(one.zone, at)
    if post.in_flight:
        # also the first letter may be on its way just now: look again when it has arrived
        one.remind_on = today + timedelta(days=1)
        return
    if rule is None or not post.mailed_on:
        return
    ahead = [
        reminder
        for reminder in reminders(rule, post.mailed_on[0], one.closes_on)
        if reminder.number not in post.numbers
    ]
    due = [reminder for reminder in ahead if reminder.on <= today]
    one.remind_on = min((other.on for other in ahead if other.on > today), default=None)
    send_at = outreach.send_at(session, one, settings, at)
    on = outreach.local_day(one.zone, send_at)
    for reminder in due:
        dropped = _dropped(reminder, due[-1], rule, on, post, one)
        yield NewLetter(one, "reminder", reminder.number, send_at, dropped)


def _dropped(
    reminder: Reminder, newest: Reminder, rule: ReminderRule, on: date, post: _Post, one: FollowUp
) -> str | None:
    if reminder is not newest:
        return reminder.dropped or PASSED_OVER
    return reminder.dropped or reminder_refusal(rule, on, post.mailed_on[-1], one.closes_on)


def _rule(session: Session, one: FollowUp) -> ReminderRule | None:
    patient = session.get_one(Patient, one.patient_id)
    timepoint = protocols.of_id(session, patient.protocol_id).protocol.by_month.get(one.month)
    return timepoint.reminders if timepoint else None
