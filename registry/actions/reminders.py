"""Reminders: by the protocol's rule per time-point, from the day the first letter went out, and on
the day that the patient asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import outbox
from registry.actions.outbox import NewLetter
from registry.actions.outreach import BATCH
from registry.db import take
from registry.models import FollowUp, MailPreference, OutboxEmail
from registry.protocols import Protocol
from registry.queries import outreach, protocols, sending_hours
from registry.queries.sending_hours import Hours
from registry.settings import Settings
from surveys.lifecycle import (
    FollowUpState,
    OutboxState,
    Reminder,
    ReminderRule,
    call_on,
    reminder_refusal,
    reminders,
)
from surveys.timepoints import last_civil_day

IN_FLIGHT = frozenset({OutboxState.QUEUED, OutboxState.LEASED, OutboxState.HANDOVER})
MAY_HAVE_ARRIVED = frozenset({OutboxState.SENT, OutboxState.PARKED})
PASSED_OVER = "a later one was due as well"
FEWER = "the patient asked for fewer reminders"
ANOTHER_DAY = "the patient asked for another day"


@dataclass(frozen=True, slots=True)
class _Post:
    """What has gone out for one follow-up, and to its patient last, as far as reminders care."""

    numbers: frozenset[int]
    mailed_on: tuple[date, ...]
    last_on: date
    in_flight: bool


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What holds for the patients of a batch: protocol, hours, and who wants fewer reminders."""

    protocols: Mapping[int, Protocol]
    hours: Hours
    fewer: frozenset[int]

    def rule(self, one: FollowUp) -> ReminderRule | None:
        """How its time-point reminds."""
        timepoint = self.protocols[one.patient_id].by_month.get(one.month)
        return timepoint.reminders if timepoint else None


def remind_due(
    session: Session, *, settings: Settings, by: str, at: datetime, limit: int = BATCH
) -> int:
    """Write the reminders whose local day has come, and the day to think of the next; how many
    follow-ups were looked at.

    Nothing goes to who has answered or gets no letters, none within the rule's gap of another
    letter, none after the window; of several that are due the newest; before the day that the
    patient asked for, none. What is dropped is kept with its reason.
    """
    due = _take_due(session, at, limit)
    if not due:
        return 0
    # a statement of its own: the rows are locked now, so it sees what other workers wrote
    post = _post(session, due)
    patients = {one.patient_id for one in due}
    stops = outreach.stops(session, patients)
    wishes = _wishes(session, patients, settings, at)
    new: list[NewLetter] = []
    for one in due:
        if one.patient_id not in stops:
            new += _think(one, post[one.id], wishes, at)
    trail = [audit.Entry("outbox", "reminders.planned", {"follow_ups": [one.id for one in due]})]
    outbox.put(session, new, settings=settings, trail=trail, by=by, at=at)
    return len(due)


def _wishes(session: Session, patients: Iterable[int], settings: Settings, at: datetime) -> _Wishes:
    fewer = session.scalars(
        select(MailPreference.patient_id).where(
            MailPreference.patient_id.in_(patients), MailPreference.fewer
        )
    )
    return _Wishes(
        protocols.of_patients(session, patients),
        sending_hours.of_patients(session, patients, settings, at),
        frozenset(fewer),
    )


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
    letters: dict[int, list[OutboxEmail]] = {one.patient_id: [] for one in due}
    rows = session.scalars(select(OutboxEmail).where(OutboxEmail.patient_id.in_(letters)))
    for row in rows:
        letters[row.patient_id or 0].append(row)
    return {one.id: _summary(letters[one.patient_id], one) for one in due}


def _summary(letters: Sequence[OutboxEmail], one: FollowUp) -> _Post:
    mine = [letter for letter in letters if letter.follow_up_id == one.id]
    return _Post(
        numbers=frozenset(letter.number for letter in mine),
        mailed_on=_days(mine, one.zone),
        last_on=max(_days(letters, one.zone), default=date.min),
        in_flight=any(letter.state in IN_FLIGHT for letter in mine),
    )


def _days(letters: Iterable[OutboxEmail], zone: str) -> tuple[date, ...]:
    dated = [one.dated_at for one in letters if one.state in MAY_HAVE_ARRIVED and one.dated_at]
    return tuple(sorted(outreach.local_day(zone, at) for at in dated))


def _think(one: FollowUp, post: _Post, wishes: _Wishes, at: datetime) -> Iterator[NewLetter]:
    """The reminders of one follow-up that are due; sets the days of the next and of the call."""
    rule, today = wishes.rule(one), outreach.local_day(one.zone, at)
    if post.in_flight:
        # also the first letter may be on its way just now: look again when it has arrived
        one.remind_on = today + timedelta(days=1)
        return
    if rule is None or not post.mailed_on:
        return
    one.call_on = max(call_on(rule, post.mailed_on[0]), one.call_on or date.min)
    if one.snoozed_on is not None and today < one.snoozed_on:
        one.remind_on = one.snoozed_on
        return
    ahead = [
        reminder
        for reminder in reminders(rule, post.mailed_on[0], one.closes_on)
        if reminder.number not in post.numbers
    ]
    due = [reminder for reminder in ahead if reminder.on <= today]
    one.remind_on = min((other.on for other in ahead if other.on > today), default=None)
    if one.snoozed_on is not None:
        yield from _asked_for(one, due, post, wishes, at)
    else:
        yield from _by_rule(one, due, post, wishes, at)


def _asked_for(
    one: FollowUp, due: Sequence[Reminder], post: _Post, wishes: _Wishes, at: datetime
) -> Iterator[NewLetter]:
    """The reminder of the day that the patient chose, in place of those that came due till then."""
    one.snoozed_on = None
    send_at = sending_hours.asked_for_at(one, wishes.hours, at)
    for reminder in due:
        yield NewLetter(one, "reminder", reminder.number, send_at, ANOTHER_DAY)
    number = outbox.free_number(post.numbers)
    late = outreach.local_day(one.zone, send_at) > one.closes_on
    yield NewLetter(one, "reminder", number, send_at, "after the window" if late else None)


def _by_rule(
    one: FollowUp, due: Sequence[Reminder], post: _Post, wishes: _Wishes, at: datetime
) -> Iterator[NewLetter]:
    rule = wishes.rule(one)
    is_sparing = one.patient_id in wishes.fewer
    wanted = [reminder for reminder in due if not is_sparing or reminder.number == 1]
    send_at = sending_hours.send_at(one, wishes.hours, at)
    on = outreach.local_day(one.zone, send_at)
    for reminder in due:
        dropped = reminder.dropped
        if reminder not in wanted:
            dropped = dropped or FEWER
        elif reminder is not wanted[-1]:
            dropped = dropped or PASSED_OVER
        elif rule is not None:
            dropped = dropped or reminder_refusal(rule, on, post.last_on, one.closes_on)
        yield NewLetter(one, "reminder", reminder.number, send_at, dropped)
