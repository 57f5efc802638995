"""Small registries as plain data, in days since treatment, and their rows in a real database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.models import (
    Administration,
    AdverseEvent,
    Consent,
    Covariate,
    Death,
    Demographics,
    Disposition,
    EventCategory,
    LabResult,
    OutcomeValue,
    Patient,
    ProtocolVersion,
    ReportedEvent,
    Response,
    ResponseStatus,
    Site,
    TreatmentCourse,
    Withdrawal,
)
from registry.protocols import bundled, categories_of

BY = "spec"
AT = datetime(2025, 1, 1, 12, tzinfo=UTC)
TREATED = date(2022, 3, 1)
NUMBERS = count(1)


@dataclass(frozen=True)
class Answered:
    """A questionnaire: complete, partial or break_off; `recall` and `day` since treatment."""

    month: int
    day: int
    status: str = "complete"
    sent: bool = True
    recall: int | None = None
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Noted:
    """A line of the survey log; no day: not dated."""

    month: int
    code: str
    day: int | None = None


@dataclass(frozen=True)
class Event:
    """An adverse event, by the clinic or told by the patient (`answer`: in which answer)."""

    term: str
    day: int | None
    serious: bool = False
    grade: int | None = 1
    related: bool | None = None
    state: str = "waiting"
    answer: int | None = None

    @property
    def categories(self) -> frozenset[str]:
        return categories_of(bundled().event_categories, self.term, self.serious, self.grade)


@dataclass(frozen=True)
class Person:
    """One patient; every day is counted from the patient's own treatment."""

    treated_on: date = TREATED
    site: str = "A"
    consent: int | None = None
    death: int | None = None
    left: int | None = None
    scope: str = "registry"
    dose: float | None = None
    age: int | None = None
    sex: str | None = None
    baseline: dict[str, float | str] = field(default_factory=dict)
    answers: tuple[Answered, ...] = ()
    log: tuple[Noted, ...] = ()
    events: tuple[Event, ...] = ()
    told: tuple[Event, ...] = ()
    labs: tuple[tuple[int, str | None], ...] = ()
    visits: tuple[int, ...] = ()

    def on(self, day: int) -> date:
        return self.treated_on + timedelta(days=day)


def build(
    session: Session, people: Sequence[Person], *, at: datetime = AT, prefix: str = "P"
) -> list[int]:
    """Write the people as rows, with one audit event; their ids in order."""
    protocol = _protocol(session, at)
    sites = {code: _site(session, code, at) for code in sorted({one.site for one in people})}
    ids = [_person(session, one, protocol, sites[one.site], at, prefix) for one in people]
    audit.record(session, by=BY, at=at, action="spec.built", subject="registry")
    return ids


def _protocol(session: Session, at: datetime) -> int:
    kept = session.scalars(select(ProtocolVersion.id)).first()
    if kept is not None:
        return kept
    protocol = bundled()
    row = ProtocolVersion(
        code=protocol.code,
        version=str(protocol.version),
        fingerprint=protocol.fingerprint,
        content=protocol.text,
        instrument_code=protocol.instrument.code,
        instrument_version=str(protocol.instrument.version),
        recorded_at=at,
        recorded_by=BY,
    )
    session.add(row)
    session.flush()
    return row.id


def _site(session: Session, code: str, at: datetime) -> int:
    kept = session.scalars(select(Site.id).where(Site.code == code)).first()
    if kept is not None:
        return kept
    row = Site(code=code, public_name=f"Clinic {code}", recorded_at=at, recorded_by=BY)
    session.add(row)
    session.flush()
    return row.id


def _person(
    session: Session, one: Person, protocol: int, site: int, at: datetime, prefix: str
) -> int:
    patient = Patient(
        study_number=f"{prefix}{next(NUMBERS)}",
        site_id=site,
        protocol_id=protocol,
        recorded_at=at,
        recorded_by=BY,
    )
    session.add(patient)
    session.flush()
    kept = {"patient_id": patient.id, "recorded_at": at, "recorded_by": BY}
    session.add(TreatmentCourse(number=1, started_on=one.treated_on, **kept))
    responses = [_answer(session, patient.id, one, answer, at) for answer in one.answers]
    session.add_all([*_endings(one, kept), *_measured(one, kept)])
    for event in one.events:
        _event(session, one, event, kept)
    for event in one.told:
        _told(session, one, event, responses, kept)
    session.flush()
    return patient.id


def _endings(one: Person, kept: dict[str, Any]) -> Iterator[object]:
    if one.consent is not None:
        given = one.on(one.consent)
        yield Consent(consent_version="1", language="en", given_on=given, **kept)
    if one.death is not None:
        yield Death(died_on=one.on(one.death), **kept)
    if one.left is not None:
        yield Withdrawal(withdrawn_on=one.on(one.left), scope=one.scope, **kept)
    for note in one.log:
        on = None if note.day is None else one.on(note.day)
        yield Disposition(month=note.month, code=note.code, noted_on=on, source="import", **kept)


def _measured(one: Person, kept: dict[str, Any]) -> Iterator[object]:
    if one.dose is not None:
        yield Covariate(name="prednisone_mg_per_day", number=Decimal(str(one.dose)), **kept)
    if one.age is not None or one.sex is not None:
        yield Demographics(age=one.age, sex=one.sex, **kept)
    for name, value in one.baseline.items():
        kind = {"code": value} if isinstance(value, str) else {"number": Decimal(str(value))}
        yield Covariate(name=name, **kind, **kept)
    for day, flag in one.labs:
        yield LabResult(
            collected_on=one.on(day),
            test="dsdna",
            reported_value="1",
            reported_unit="[IU]/mL",
            unit="[IU]/mL",
            flag=flag,
            **kept,
        )
    for day in one.visits:
        yield Administration(given_on=one.on(day), route="intravenous", **kept)


def _event(session: Session, one: Person, event: Event, kept: dict[str, Any]) -> None:
    row = AdverseEvent(
        term=event.term,
        onset_on=one.on(event.day or 0),
        serious=event.serious,
        grade=event.grade,
        related=event.related,
        **kept,
    )
    _kept(session, row, event, kept)


def _told(
    session: Session, one: Person, event: Event, responses: Sequence[int], kept: dict[str, Any]
) -> None:
    row = ReportedEvent(
        term=event.term,
        onset_on=None if event.day is None else one.on(event.day),
        serious=event.serious,
        grade=event.grade,
        related=event.related,
        state=event.state,
        response_id=None if event.answer is None else responses[event.answer],
        **kept,
    )
    _kept(session, row, event, kept)


def _kept(
    session: Session, row: AdverseEvent | ReportedEvent, event: Event, kept: dict[str, Any]
) -> None:
    session.add(row)
    session.flush()
    for category in sorted(event.categories):
        session.add(EventCategory(event_key=row.fact_key, category=category, **kept))


def _answer(session: Session, patient: int, one: Person, answer: Answered, at: datetime) -> int:
    response = Response(
        patient_id=patient, month=answer.month, mode="import", recorded_at=at, recorded_by=BY
    )
    session.add(response)
    session.flush()
    session.add(
        ResponseStatus(
            response_id=response.id,
            patient_id=patient,
            month=answer.month,
            status=answer.status,
            answered_on=one.on(answer.day),
            submitted_at=at if answer.sent else None,
            recall_from=None if answer.recall is None else one.on(answer.recall),
            recorded_at=at,
            recorded_by=BY,
        )
    )
    for code, value in answer.values.items():
        session.add(
            OutcomeValue(
                response_id=response.id,
                code=code,
                value=Decimal(float(value)),
                recorded_at=at,
                recorded_by=BY,
            )
        )
    return response.id
