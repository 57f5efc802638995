"""Adverse events: recorded by the clinic, or told by patients and judged by the clinic."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import corrections
from registry.actions.facts import Problem, Unusable
from registry.errors import DomainError
from registry.models import AdverseEvent, EventCategory, Patient, ReportedEvent, known
from registry.models.writing import stamp, supersede
from registry.protocols import categories_of
from registry.queries import protocols
from surveys.timepoints import last_civil_day

CTCAE_VERSIONS = ("5.0", "6.0")
SERIOUS_BECAUSE = (
    "death",
    "life_threatening",
    "hospital",
    "disability",
    "birth_defect",
    "medically_important",
)
"""Why an event is serious (ICH E2A)."""
OUTCOMES = ("recovered", "recovering", "not_recovered", "sequelae", "fatal", "unknown")


class Judged(DomainError):
    """The report was judged already: reopen it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What the clinic says of an event. `related`: to the treatment, None where not judged."""

    term: str
    onset_on: date
    serious: bool
    ended_on: date | None = None
    grade: int | None = None
    ctcae_version: str = CTCAE_VERSIONS[0]
    serious_because: tuple[str, ...] = ()
    related: bool | None = None
    outcome: str | None = None

    def columns(self) -> dict[str, Any]:
        """As the table keeps it."""
        version = self.ctcae_version if self.grade is not None else None
        because = list(self.serious_because)
        return asdict(self) | {"serious_because": because, "ctcae_version": version}


def problems(told: Happened, at: datetime) -> list[Problem]:
    """What cannot be: days, grade, reasons that do not go together."""
    return [*_days(told, last_civil_day(at)), *_codes(told), *_seriousness(told)]


def _days(told: Happened, today: date) -> Iterator[Problem]:
    for name, day in (("onset_on", told.onset_on), ("ended_on", told.ended_on)):
        if day is not None and day > today:
            yield Problem(name, f"{day} lies in the future")
    if told.ended_on is not None and told.ended_on < told.onset_on:
        yield Problem("ended_on", f"{told.ended_on} is before the onset on {told.onset_on}")


def _codes(told: Happened) -> Iterator[Problem]:
    if told.grade is not None and not 1 <= told.grade <= 5:
        yield Problem("grade", "is a number from 1 to 5")
    given = {
        "ctcae_version": ((told.ctcae_version,), CTCAE_VERSIONS),
        "serious_because": (told.serious_because, SERIOUS_BECAUSE),
        "outcome": ((told.outcome,) if told.outcome else (), OUTCOMES),
    }
    for name, (codes, known_codes) in given.items():
        for code in codes:
            if code not in known_codes:
                yield Problem(name, f"{code} is none of: {', '.join(known_codes)}")


def _seriousness(told: Happened) -> Iterator[Problem]:
    if told.serious and not told.serious_because:
        yield Problem("serious_because", "say why the event is serious")
    if told.serious_because and not told.serious:
        yield Problem("serious", "there are reasons why it is serious: say yes, or take them out")
    elif told.grade == 5 and not told.serious:
        yield Problem("serious", "grade 5 is death, which is serious")


def record_adverse_event(
    session: Session, patient_id: int, told: Happened, *, by: str, at: datetime
) -> AdverseEvent:
    """Record an event with its categories. Raises Unusable."""
    _refuse(told, at)
    event = AdverseEvent(
        patient_id=patient_id,
        **told.columns(),
        confirmed_by=by,
        confirmed_on=at.date(),
        **stamp(by, at),
    )
    session.add(event)
    _categorise(session, event, told, by=by, at=at)
    audit.record_of_patient(
        session, event.patient_id, "event.recorded", told.columns(), by=by, at=at
    )
    return event


def correct_adverse_event(
    session: Session,
    event: AdverseEvent,
    told: Happened,
    *,
    reason: str,
    by: str,
    at: datetime,
) -> AdverseEvent:
    """A new version of an event; its categories follow. Raises Unusable."""
    _refuse(told, at)
    _categorise(session, event, told, by=by, at=at)
    return corrections.change_fact(session, event, told.columns(), reason=reason, by=by, at=at)


def retract_adverse_event(
    session: Session, event: AdverseEvent, *, reason: str, by: str, at: datetime
) -> None:
    """The event was entered by mistake; reports that were linked to it wait to be judged again."""
    for category in _categories(session, event.fact_key):
        category.superseded_at = at
    corrections.retract_fact(session, event, reason=reason, by=by, at=at)
    linked = session.scalars(
        select(ReportedEvent).where(
            ReportedEvent.adverse_event_key == event.fact_key, known(ReportedEvent)
        )
    ).all()
    for report in linked:
        _judge(session, report, "waiting", None, reason=reason, by=by, at=at)


def confirm_reported(
    session: Session, report: ReportedEvent, told: Happened, *, by: str, at: datetime
) -> AdverseEvent:
    """What the patient told is an event, in the clinic's words. Raises Unusable, Judged."""
    _refuse_judged(report)
    event = record_adverse_event(session, report.patient_id, told, by=by, at=at)
    _judge(session, report, "confirmed", event.fact_key, reason=None, by=by, at=at)
    return event


def link_reported(
    session: Session, report: ReportedEvent, event: AdverseEvent, *, by: str, at: datetime
) -> None:
    """What the patient told is an event that the clinic has recorded already. Raises Judged."""
    _refuse_judged(report)
    if report.patient_id != event.patient_id:
        raise Unusable([Problem("event", "is an event of another patient")])
    _judge(session, report, "confirmed", event.fact_key, reason=None, by=by, at=at)


def reject_reported(
    session: Session, report: ReportedEvent, *, reason: str, by: str, at: datetime
) -> None:
    """What the patient told is no adverse event, and why. Raises Judged."""
    _refuse_judged(report)
    if not reason.strip():
        raise Unusable([Problem("reason", "say why it is no adverse event")])
    _judge(session, report, "rejected", None, reason=reason, by=by, at=at)


def reopen_reported(
    session: Session, report: ReportedEvent, *, reason: str, by: str, at: datetime
) -> None:
    """Judge a report anew; an event that was made from it stays until it is taken back."""
    if report.state != "waiting":
        _judge(session, report, "waiting", None, reason=reason, by=by, at=at)


def _refuse(told: Happened, at: datetime) -> None:
    found = problems(told, at)
    if found:
        raise Unusable(found)


def _refuse_judged(report: ReportedEvent) -> None:
    if report.state != "waiting" or report.superseded_at is not None:
        raise Judged("Somebody judged this report already. Look at it again, or reopen it.")


def _judge(
    session: Session,
    report: ReportedEvent,
    state: str,
    key: str | None,
    *,
    reason: str | None,
    by: str,
    at: datetime,
) -> None:
    changes = {"state": (report.state, state), "event": (report.adverse_event_key, key)}
    new = supersede(
        session,
        report,
        reason=reason or f"judged: {state}",
        by=by,
        at=at,
        state=state,
        adverse_event_key=key,
    )
    audit.record_of_patient(
        session, new.patient_id, f"report.{state}", changes, reason=reason, by=by, at=at
    )


def _categories(session: Session, event_key: str) -> list[EventCategory]:
    return list(
        session.scalars(
            select(EventCategory).where(EventCategory.event_key == event_key, known(EventCategory))
        )
    )


def _categorise(
    session: Session, event: AdverseEvent, told: Happened, *, by: str, at: datetime
) -> None:
    """The categories of the patient's protocol that the event as told falls in, and no others."""
    session.flush()
    patient = session.get_one(Patient, event.patient_id)
    protocol = protocols.of_id(session, patient.protocol_id).protocol
    wanted = set(categories_of(protocol.event_categories, told.term, told.serious, told.grade))
    for category in _categories(session, event.fact_key):
        if category.category in wanted:
            wanted.remove(category.category)
        else:
            category.superseded_at = at
    session.add_all(
        EventCategory(
            patient_id=event.patient_id,
            event_key=event.fact_key,
            category=code,
            **stamp(by, at),
        )
        for code in sorted(wanted)
    )
