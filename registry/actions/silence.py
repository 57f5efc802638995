"""Silence that meets a closing window: an alert for the clinic, closed again once it is settled."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from registry import audit
from registry.db import take
from registry.models import Alert, FollowUp
from registry.queries import outreach, protocols, worklists
from registry.queries.worklists import SILENCE
from surveys.lifecycle import FollowUpState
from surveys.timepoints import last_civil_day

BATCH = 200
# built once: they run with every look at the windows; building them costs more than running them
UNTOLD = ~exists().where(Alert.follow_up_id == FollowUp.id, Alert.kind == SILENCE)
UNDECLINED = ~worklists.declined()
OVER = and_(
    Alert.kind == SILENCE,
    Alert.closed_at.is_(None),
    ~exists().where(
        FollowUp.id == Alert.follow_up_id, FollowUp.state == FollowUpState.OPEN, UNDECLINED
    ),
)
SETTLED = "settled by itself: the questionnaire waits no longer"


def watch(session: Session, *, by: str, at: datetime, limit: int = BATCH) -> int:
    """Alert the clinics to questionnaires that nobody answered and whose window closes soon, and
    close the alerts whose questionnaire was answered or is over; how many of both.
    """
    silent = _silent(session, at, limit)
    raised = [_alert(one, by, at) for one in silent]
    session.add_all(raised)
    settled = _settle(session, by, at, limit)
    trail = [_entry("alert.raised", one) for one in raised]
    trail += [_entry("alert.closed", one) for one in settled]
    if trail:
        audit.record_many(session, trail, by=by, at=at)
    return len(trail)


def _silent(session: Session, at: datetime, limit: int) -> list[FollowUp]:
    rules = protocols.in_force(session).protocol.timepoints
    days = {rule.month: timedelta(days=rule.reminders.alert_before_close) for rule in rules}
    longest = max(days.values(), default=timedelta(0))
    ready = outreach.on_local_day(
        session,
        and_(
            FollowUp.state == FollowUpState.OPEN,
            FollowUp.closes_on <= last_civil_day(at) + longest,
            UNTOLD,
            UNDECLINED,
        ),
        at,
        lambda today: _closes_soon(days, today),
    )
    if ready is None:
        return []
    wanted = select(FollowUp).where(ready).order_by(FollowUp.closes_on, FollowUp.id).limit(limit)
    rows = session.scalars(wanted.with_for_update(skip_locked=True, of=FollowUp)).all()
    # a statement of its own: the rows are locked now, so it sees what other workers wrote
    told = session.scalars(
        select(Alert.follow_up_id).where(
            Alert.kind == SILENCE, Alert.follow_up_id.in_([row.id for row in rows])
        )
    ).all()
    return [row for row in rows if row.id not in told]


def _closes_soon(days: Mapping[int, timedelta], today: date) -> ColumnElement[bool]:
    return or_(
        *(
            and_(FollowUp.month == month, FollowUp.closes_on <= today + ahead)
            for month, ahead in days.items()
        )
    )


def _alert(one: FollowUp, by: str, at: datetime) -> Alert:
    zone = outreach.zone_of(one.zone)
    ends_at = datetime.combine(one.closes_on + timedelta(days=1), time(), zone)
    day = f"{one.closes_on.day} {one.closes_on:%B %Y}"
    return Alert(
        patient_id=one.patient_id,
        site_id=one.site_id,
        follow_up_id=one.id,
        kind=SILENCE,
        message=f"No answer to month {one.month}, and its window closes on {day}",
        due_at=ends_at.astimezone(UTC),
        recorded_at=at,
        recorded_by=by,
    )


def _settle(session: Session, by: str, at: datetime, limit: int) -> Sequence[Alert]:
    return take(
        session,
        Alert,
        OVER,
        order_by=Alert.id,
        limit=limit,
        closed_at=at,
        closed_by=by,
        closed_with=SETTLED,
    )


def _entry(action: str, one: Alert) -> audit.Entry:
    changes = {"alert": one.kind, "follow_up": one.follow_up_id}
    return audit.Entry(f"patient:{one.patient_id}", action, changes)
