"""What needs doing at some sites: alerts, events to look at, calls, addresses; and the post."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, and_, exists, func, select, true
from sqlalchemy.orm import Session

from registry.errors import NotFound
from registry.models import (
    Alert,
    Disposition,
    FollowUp,
    MailHold,
    OutboxEmail,
    Patient,
    ReportedEvent,
    TaskOwner,
    known,
)
from registry.queries.outreach import local_day, zone_of
from surveys.lifecycle import FollowUpState, OutboxState
from surveys.timepoints import last_civil_day

MOST = 500
SERIOUS_WITHIN = timedelta(hours=24)
EVENT_WITHIN = timedelta(days=7)
ADDRESS_WITHIN = timedelta(days=7)
CALL_OFF = ("refused", "other")
SILENCE = "silence"  # the kind of alert that a closing window raises


class Kind(StrEnum):
    """What kind of thing is to be done."""

    ALERT = "alert"
    EVENT = "event"
    CALL = "call"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do for one patient. `key`: alert id, event key, month or kind of hold.

    `what` says what happened, `facts` what else to know; `since` is when it came up, `by` the
    deadline, `owner` the address of whoever has taken it on.
    """

    kind: Kind
    patient: Patient
    key: str
    what: str
    facts: str
    since: datetime
    by: datetime
    owner: str | None = None
    is_serious: bool = False

    @property
    def number(self) -> str:
        """The patient's study number."""
        return self.patient.study_number


@dataclass(frozen=True, slots=True)
class PostToday:
    """Letters of these sites: sent today, still to go, refused in the last week, unclear."""

    sent: int
    waiting: int
    refused: int
    parked: int


Sites = Collection[int] | None


def tasks(session: Session, sites: Sites, at: datetime) -> list[Task]:
    """Everything to do at these sites (None: at all): what is overdue first, then day by day, and
    what is serious before the rest; at most 500 of a kind.
    """
    found = _found(session, _at(sites), at)
    return sorted(
        found, key=lambda task: (_day(task, at), not task.is_serious, task.by, task.number)
    )


def task(session: Session, patient_id: int, kind: str, key: str, at: datetime) -> Task:
    """One thing to do for that patient. Raises NotFound once it is done."""
    for one in _found(session, Patient.id == patient_id, at):
        if (one.kind, one.key) == (kind, key):
            return one
    raise NotFound("This is not on the worklist any more: somebody has done it.")


def owners(session: Session, patient_id: int) -> dict[tuple[str, str], str]:
    """Who has last taken on what of this patient: address by kind and key."""
    rows = session.scalars(select(TaskOwner).where(TaskOwner.patient_id == patient_id))
    return {(row.kind, row.key): row.taken_by for row in rows}


def _found(session: Session, those: ColumnElement[bool], at: datetime) -> list[Task]:
    found = [
        *_alerts(session, those),
        *_events(session, those),
        *_calls(session, those, at),
        *_addresses(session, those),
    ]
    owners = {
        (row.patient_id, row.kind, row.key): row
        for row in session.scalars(
            select(TaskOwner).join(Patient, Patient.id == TaskOwner.patient_id).where(those)
        )
    }
    return [_owned(one, owners.get((one.patient.id, one.kind, one.key))) for one in found]


def _owned(task: Task, owner: TaskOwner | None) -> Task:
    """The task with who has it; who had an earlier one of the same name does not count."""
    if owner is None or owner.taken_at < task.since:
        return task
    return replace(task, owner=owner.taken_by)


def _day(task: Task, at: datetime) -> int:
    """What is overdue first, then day by day."""
    return max((task.by - at).days, -1)


def counts(found: Collection[Task]) -> Mapping[Kind, int]:
    """How many of each kind."""
    return {kind: sum(task.kind is kind for task in found) for kind in Kind}


def _at(sites: Sites) -> ColumnElement[bool]:
    return true() if sites is None else Patient.site_id.in_(sites)


def _alerts(session: Session, those: ColumnElement[bool]) -> Iterator[Task]:
    rows = session.execute(
        select(Alert, Patient, FollowUp.month)
        .join(Patient, Patient.id == Alert.patient_id)
        .outerjoin(FollowUp, FollowUp.id == Alert.follow_up_id)
        .where(Alert.closed_at.is_(None), those)
        .order_by(Alert.due_at)
        .limit(MOST)
    )
    for alert, patient, month in rows:
        facts = "Nobody has acknowledged it." if alert.acknowledged_at is None else "Acknowledged."
        is_silence = alert.kind == SILENCE
        yield Task(
            kind=Kind.ALERT,
            patient=patient,
            key=str(alert.id),
            what=f"Alert: {alert.message}",
            facts=facts if month is None or is_silence else f"Answered at month {month}. {facts}",
            since=alert.recorded_at,
            by=alert.due_at,
            is_serious=not is_silence,
        )


def _events(session: Session, those: ColumnElement[bool]) -> Iterator[Task]:
    rows = session.execute(
        select(ReportedEvent, Patient)
        .join(Patient, Patient.id == ReportedEvent.patient_id)
        .where(ReportedEvent.state == "waiting", known(ReportedEvent), those)
        .order_by(ReportedEvent.serious.desc(), ReportedEvent.recorded_at)
        .limit(MOST)
    )
    for event, patient in rows:
        hospital = " Was in hospital." if event.in_hospital else ""
        yield Task(
            kind=Kind.EVENT,
            patient=patient,
            key=event.fact_key,
            what=f"Event: “{event.term}”",
            facts=f"The patient's words.{hospital}",
            since=event.recorded_at,
            by=event.recorded_at + (SERIOUS_WITHIN if event.serious else EVENT_WITHIN),
            is_serious=event.serious,
        )


def declined() -> ColumnElement[bool]:
    """SQL condition on follow-ups: somebody has said that this one will stay unanswered."""
    return exists().where(
        Disposition.patient_id == FollowUp.patient_id,
        Disposition.month == FollowUp.month,
        Disposition.code.in_(CALL_OFF),
        known(Disposition),
    )


def _silent(
    session: Session, those: ColumnElement[bool], at: datetime
) -> Sequence[Row[FollowUp, Patient]]:
    """Open follow-ups, with the patient, whose day of a call has come anywhere on earth."""
    return session.execute(
        select(FollowUp, Patient)
        .join(Patient, Patient.id == FollowUp.patient_id)
        .where(
            FollowUp.state == FollowUpState.OPEN,
            FollowUp.month > 0,
            FollowUp.call_on <= last_civil_day(at),
            ~declined(),
            those,
        )
        .order_by(FollowUp.call_on)
        .limit(MOST)
    ).all()


def is_call_due(follow_up: FollowUp, at: datetime) -> bool:
    """Whether silence has become a call, on the patient's calendar."""
    is_open = follow_up.state == FollowUpState.OPEN and follow_up.month > 0
    day = follow_up.call_on
    return is_open and day is not None and day <= local_day(follow_up.zone, at)


def _calls(session: Session, those: ColumnElement[bool], at: datetime) -> Iterator[Task]:
    """Silent patients from the rule's day on; those who get no letter from the first."""
    rows = [row for row in _silent(session, those, at) if is_call_due(row.FollowUp, at)]
    tried = _tried(session, [row.FollowUp.patient_id for row in rows])
    for follow_up, patient in rows:
        has_letter = not (follow_up.state_reason or "").startswith("no letter")
        yield Task(
            kind=Kind.CALL,
            patient=patient,
            key=str(follow_up.month),
            what=f"Call: no answer to month {follow_up.month}",
            facts=_call_facts(
                follow_up, tried.get((follow_up.patient_id, follow_up.month), []), has_letter
            ),
            since=follow_up.opened_at or at,
            by=_end_of_day(follow_up),
        )


def _call_facts(follow_up: FollowUp, tried: Sequence[str], has_letter: bool) -> str:
    closes = f"{follow_up.closes_on.day} {follow_up.closes_on:%B %Y}"
    how = "" if has_letter else f"{(follow_up.state_reason or '').capitalize()}. "
    times = len(tried)
    called = f"Tried {'once' if times == 1 else f'{times} times'}. " if times else ""
    if "promised" in tried:
        called += "Wanted to answer. "
    if "undeliverable" in tried:
        called += "The number was not theirs. "
    return f"{how}{called}The window closes on {closes}."


def _end_of_day(follow_up: FollowUp) -> datetime:
    zone = zone_of(follow_up.zone)
    return datetime.combine(follow_up.closes_on, time(23, 59), zone).astimezone(UTC)


def _tried(session: Session, patient_ids: Collection[int]) -> dict[tuple[int, int], list[str]]:
    """What came of the calls so far, by patient and month."""
    rows = session.execute(
        select(Disposition.patient_id, Disposition.month, Disposition.code).where(
            Disposition.patient_id.in_(patient_ids),
            Disposition.source == "call",
            known(Disposition),
        )
    )
    found: dict[tuple[int, int], list[str]] = {}
    for patient_id, month, code in rows:
        found.setdefault((patient_id, month), []).append(code)
    return found


def _addresses(session: Session, those: ColumnElement[bool]) -> Iterator[Task]:
    awaited = exists().where(
        FollowUp.patient_id == MailHold.patient_id,
        FollowUp.state.in_((FollowUpState.PLANNED, FollowUpState.OPEN)),
    )
    rows = session.execute(
        select(MailHold, Patient)
        .join(Patient, Patient.id == MailHold.patient_id)
        .where(
            MailHold.lifted_at.is_(None),
            MailHold.kind.in_(("undeliverable", "complaint")),
            awaited,
            those,
        )
        .order_by(MailHold.recorded_at)
        .limit(MOST)
    )
    for hold, patient in rows:
        bad = hold.kind == "undeliverable"
        yield Task(
            kind=Kind.ADDRESS,
            patient=patient,
            key=hold.kind,
            what="Address: mail cannot be delivered" if bad else "Address: mail marked as unwanted",
            facts=_address_facts(hold),
            since=hold.recorded_at,
            by=hold.recorded_at + ADDRESS_WITHIN,
        )


def _address_facts(hold: MailHold) -> str:
    why = f"{hold.reason}. " if hold.reason else ""
    since = f"{hold.since.day} {hold.since:%B %Y}"
    return f"{why}Since {since}. No letter goes out until it is put right."


def post_today(session: Session, sites: Sites, at: datetime) -> PostToday:
    """How the letters to patients of these sites stand."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    state, ended = OutboxEmail.state, OutboxEmail.ended_at
    waiting = (OutboxState.QUEUED, OutboxState.LEASED, OutboxState.HANDOVER)

    def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    row = session.execute(
        select(
            counted(and_(state == OutboxState.SENT, ended >= midnight)),
            counted(state.in_(waiting)),
            counted(and_(state == OutboxState.FAILED, ended >= at - timedelta(days=7))),
            counted(state == OutboxState.PARKED),
        )
        .join(Patient, Patient.id == OutboxEmail.patient_id)
        .where(_at(sites))
    ).one()
    return PostToday(*row)
