"""What a patient decides at the door, or tells the clinic: a new link, when and how often to be
written to, no more letters, leaving. Each is recorded.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import endings
from registry.actions.endings import AWAITED
from registry.actions.facts import Problem, Unusable
from registry.models import FollowUp, MailHold, MailPreference, OutboxEmail
from registry.queries import preferences as queries
from registry.queries import protocols, returned, surveys
from registry.queries.surveys import Standing
from surveys.lifecycle import FollowUpState

NEW_LINK_EVERY = timedelta(hours=1)


class Asked(StrEnum):
    """What became of asking for a new link."""

    SENT = "sent"
    TOO_OFTEN = "too_often"
    NOTHING_WAITS = "nothing"
    NO_LETTERS = "stopped"


def ask_for_link(session: Session, follow_up_id: int, *, by: str, at: datetime) -> Asked:
    """Ask for a letter with a new link to the address on file, for the newest questionnaire that
    this patient can answer. A worker makes it. Nothing is asked for within an hour of the last
    time, where no questionnaire can be answered, or for somebody who wanted no more letters.
    """
    patient_id = session.get_one(FollowUp, follow_up_id).patient_id
    follow_ups = returned.lock_follow_ups(session, patient_id)
    opened = [one for one in follow_ups if one.opened_at is not None]
    for follow_up in sorted(opened, key=lambda one: one.month, reverse=True):
        on = surveys.local_day(follow_up, at)
        if follow_up.month and surveys.standing(follow_up, on) is Standing.ANSWERABLE:
            return _ask(session, follow_up, by=by, at=at)
    return Asked.NOTHING_WAITS


def _ask(session: Session, follow_up: FollowUp, *, by: str, at: datetime) -> Asked:
    if queries.is_stopped(session, follow_up.patient_id):
        return Asked.NO_LETTERS
    if follow_up.link_asked_at and at - follow_up.link_asked_at < NEW_LINK_EVERY:
        return Asked.TOO_OFTEN
    follow_up.link_asked_at = at
    audit.record(
        session,
        by=by,
        at=at,
        action="link.asked",
        subject=f"patient:{follow_up.patient_id}",
        changes={"month": follow_up.month},
    )
    return Asked.SENT


def stop_mail(session: Session, follow_up_id: int, *, by: str, at: datetime) -> None:
    """No more letters to this patient, those that wait included; the clinic may call at once about
    what is open. A second call changes nothing.
    """
    follow_up = session.get_one(FollowUp, follow_up_id)
    patient_id = follow_up.patient_id
    returned.lock_follow_ups(session, patient_id)
    if queries.is_stopped(session, patient_id):
        return
    today = surveys.local_day(follow_up, at)
    session.add(
        MailHold(
            patient_id=patient_id,
            kind="unsubscribed",
            since=today,
            recorded_at=at,
            recorded_by=by,
        )
    )
    _cancel(session, OutboxEmail.patient_id == patient_id, "unsubscribed", at)
    session.execute(
        update(FollowUp)
        .where(
            FollowUp.patient_id == patient_id,
            FollowUp.month > 0,
            FollowUp.state == FollowUpState.OPEN.value,
        )
        .values(call_on=today, state_reason="no letter: unsubscribed")
    )
    audit.record(session, by=by, at=at, action="mail.stopped", subject=f"patient:{patient_id}")


def _cancel(session: Session, which: ColumnElement[bool], reason: str, at: datetime) -> None:
    session.execute(
        update(OutboxEmail)
        .where(which, OutboxEmail.state.in_(("queued", "leased")))
        .values(state="cancelled", state_reason=reason, ended_at=at)
    )


def snooze(
    session: Session, patient_id: int, on: date, hour: int, *, by: str, at: datetime
) -> FollowUp:
    """Be reminded on that day from that hour on, and not before. The clinic's call waits as well.

    Raises Unusable for a day on which no reminder can be asked for.
    """
    follow_up = _lock_newest(session, patient_id)
    if follow_up is None:
        raise Unusable([Problem("day", "nothing waits for answers now")])
    if on not in queries.days_of(follow_up, at):
        raise Unusable([Problem("day", "choose one of the days in the list")])
    protocol = protocols.in_force(session).protocol
    rule = protocol.by_month.get(follow_up.month)
    follow_up.snoozed_on, follow_up.snoozed_hour, follow_up.remind_on = on, hour, on
    call_on = on + timedelta(days=rule.reminders.call_after if rule else 1)
    follow_up.call_on = max(call_on, follow_up.call_on or call_on)
    mine = OutboxEmail.follow_up_id == follow_up.id
    _cancel(session, mine, "the patient asked for another day", at)
    changes = {"month": follow_up.month, "day": on, "hour": hour}
    audit.record_of_patient(session, patient_id, "reminder.snoozed", changes, by=by, at=at)
    return follow_up


def _lock_newest(session: Session, patient_id: int) -> FollowUp | None:
    newest = queries.newest_open(session, patient_id)
    if newest is None:
        return None
    locked = session.get_one(FollowUp, newest.id, with_for_update=True, populate_existing=True)
    return locked if locked.state == FollowUpState.OPEN.value else None


def choose_times(
    session: Session, patient_id: int, hour: int | None, zone: str, *, by: str, at: datetime
) -> None:
    """Letters from that local hour on (None: in the protocol's hours), in that zone. Choosing what
    holds already changes nothing. Raises Unusable for an hour or a zone that there is none of.
    """
    if hour is not None and hour not in queries.HOURS:
        raise Unusable([Problem("hour", "choose one of the hours in the list")])
    if zone not in available_timezones():
        raise Unusable([Problem("zone", "choose one of the places in the list")])
    kept = _kept(session, patient_id, by, at)
    rows = session.scalars(
        select(FollowUp)
        .where(FollowUp.patient_id == patient_id, FollowUp.state.in_(AWAITED))
        .order_by(FollowUp.id)
        .with_for_update()
    ).all()
    changes: dict[str, Any] = {} if kept.hour == hour else {"hour": (kept.hour, hour)}
    moved = [row for row in rows if row.zone != zone]
    if moved:
        changes["zone"] = (moved[0].zone, zone)
    for row in moved:
        row.zone = zone
    _change(session, kept, changes, by=by, at=at, hour=hour)


def choose_reminders(
    session: Session, patient_id: int, fewer: bool, *, by: str, at: datetime
) -> None:
    """One reminder of each questionnaire at most, or all of the protocol's."""
    kept = _kept(session, patient_id, by, at)
    changes = {} if kept.fewer == fewer else {"fewer": (kept.fewer, fewer)}
    _change(session, kept, changes, by=by, at=at, fewer=fewer)


def keep_all(
    session: Session,
    patient_id: int,
    *,
    zone: str,
    reminders: str,
    hour: int | None = None,
    day: date | None = None,
    part: str | None = None,
    stop: bool = False,
    by: str,
    at: datetime,
) -> None:
    """All choices at once, as the clinic enters them. `reminders`: all, fewer. Raises Unusable."""
    if day is not None and part is None:
        raise Unusable([Problem("part", "choose a time of that day")])
    choose_times(session, patient_id, hour, zone, by=by, at=at)
    choose_reminders(session, patient_id, reminders == "fewer", by=by, at=at)
    if day is not None and part is not None:
        snooze(session, patient_id, day, queries.PARTS_OF_DAY[part], by=by, at=at)
    if stop:
        first = select(FollowUp.id).where(FollowUp.patient_id == patient_id).limit(1)
        stop_mail(session, session.scalars(first).one(), by=by, at=at)


def _kept(session: Session, patient_id: int, by: str, at: datetime) -> MailPreference:
    found = session.get(MailPreference, patient_id, with_for_update=True)
    if found is not None:
        return found
    return MailPreference(patient_id=patient_id, fewer=False, changed_at=at, changed_by=by)


def _change(
    session: Session,
    kept: MailPreference,
    changes: dict[str, Any],
    *,
    by: str,
    at: datetime,
    **new: Any,
) -> None:
    if not changes:
        return
    for name, value in new.items():
        setattr(kept, name, value)
    kept.changed_at, kept.changed_by = at, by
    session.add(kept)
    audit.record_of_patient(session, kept.patient_id, "preferences.changed", changes, by=by, at=at)


def leave(session: Session, follow_up_id: int, why: str | None, *, by: str, at: datetime) -> None:
    """Leave the registry, at the patient's own word. A second call changes nothing."""
    follow_up = session.get_one(FollowUp, follow_up_id)
    returned.lock_follow_ups(session, follow_up.patient_id)
    on = surveys.local_day(follow_up, at)
    endings.withdraw(session, follow_up.patient_id, on, scope="registry", why=why, by=by, at=at)
