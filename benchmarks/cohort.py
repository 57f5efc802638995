"""A large registry of facts for the report, written straight into the tables of facts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.people import FIRST_DAY
from benchmarks.registries import BY, site_id
from registry import audit
from registry.db import Base, transaction
from registry.models import (
    AdverseEvent,
    Consent,
    Covariate,
    Death,
    Disposition,
    EventCategory,
    LabResult,
    OutcomeValue,
    Patient,
    ReportedEvent,
    Response,
    ResponseStatus,
    TreatmentCourse,
    Withdrawal,
)
from registry.models.writing import Row, insert_rows, stamp
from registry.protocols import Protocol
from registry.queries import protocols
from registry.runtime import Runtime

AS_OF = FIRST_DAY + timedelta(days=240 + 900)
BATCH = 1000
AT = datetime(2024, 1, 1, tzinfo=UTC)
TERMS = ("Pneumonia", "Headache", "Herpes zoster", "Fever", "Nausea", "Deep vein thrombosis")
STATUSES = ("complete",) * 15 + ("partial", "partial", "break_off")
Facts = Iterator[tuple[type[Base], Row]]


def fill(runtime: Runtime, patients: int) -> None:
    """Patients with five questionnaires each, laboratory results and events; no identity."""
    site = site_id(runtime)
    for first in range(1, patients + 1, BATCH):
        with transaction(runtime) as session:
            protocol = protocols.in_force(session)
            tables: dict[type[Base], list[Row]] = {}
            for number in range(first, min(first + BATCH, patients + 1)):
                for model, row in _patient(number, site, protocol.id, protocol.protocol):
                    tables.setdefault(model, []).append(row)
            _insert(session, tables)
            audit.record(session, by="benchmark", at=AT, action="filled", subject="registry")
    with runtime.sessions.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _insert(session: Session, tables: dict[type[Base], list[Row]]) -> None:
    order = [table.name for table in Base.metadata.sorted_tables]
    for model in sorted(tables, key=lambda model: order.index(model.__tablename__)):
        insert_rows(session, model, tables[model])


def _patient(number: int, site: int, protocol_id: int, protocol: Protocol) -> Facts:
    chance = Random(number)
    treated_on = FIRST_DAY + timedelta(days=number % 240)
    mine: dict[str, Any] = {"patient_id": number}

    def on(day: int) -> date:
        return treated_on + timedelta(days=day)

    yield Patient, {
        "id": number, "study_number": f"P-{number:07}", "site_id": site,
        "protocol_id": protocol_id, "recorded_by": BY, "recorded_at": AT,
    }  # fmt: skip
    yield TreatmentCourse, mine | {"number": 1, "started_on": treated_on} | stamp(BY, AT)
    entry = chance.choice((0,) * 9 + (45,))
    consent = {"consent_version": "1", "language": "en", "given_on": on(entry)}
    yield Consent, mine | consent | stamp(BY, AT)
    dose = {"name": "prednisone_mg_per_day", "number": Decimal(number % 40), "code": None}
    yield Covariate, mine | dose | stamp(BY, AT)
    last = 1100
    if chance.random() < 0.03:
        last = chance.randrange(900)
        yield Death, mine | {"died_on": on(last)} | stamp(BY, AT)
    elif chance.random() < 0.04:
        last = chance.randrange(900)
        yield Withdrawal, mine | {"withdrawn_on": on(last), "scope": "registry"} | stamp(BY, AT)
    for index, rule in enumerate(protocol.timepoints):
        day = chance.randrange(rule.opens_day, rule.closes_day + 1)
        if day < last:
            yield from _questionnaire(5 * number + index, number, rule.month, on(day), chance)
            yield LabResult, mine | _lab(on(day), chance) | stamp(BY, AT)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        yield from _event(number, on(chance.randrange(last + 1)), chance)


def _questionnaire(key: int, patient: int, month: int, day: date, chance: Random) -> Facts:
    mine: dict[str, Any] = {"patient_id": patient, "month": month}
    if chance.random() > 0.85:
        code = chance.choice(("refused", "undeliverable", "no_contact"))
        yield Disposition, mine | {"code": code, "noted_on": day, "source": "call"} | stamp(BY, AT)
        return
    identity = {"id": key, "mode": "web", "recorded_by": BY, "recorded_at": AT}
    yield Response, mine | identity
    yield ResponseStatus, mine | stamp(BY, AT) | {
        "response_id": key, "status": chance.choice(STATUSES), "answered_on": day,
        "submitted_at": datetime.combine(day, time(12), UTC),
        "recall_from": day - timedelta(days=30),
    }  # fmt: skip
    for code in ("responder", "steroid_reduced", "score"):
        value = Decimal(chance.randrange(2))
        yield OutcomeValue, {"response_id": key, "code": code, "value": value} | stamp(BY, AT)
    if chance.random() < 0.2:
        yield ReportedEvent, {
            "patient_id": patient, "response_id": key, "term": chance.choice(TERMS),
            "onset_on": day - timedelta(days=3), "serious": False, "state": "waiting",
            "categories": [],
        } | stamp(BY, AT)  # fmt: skip


def _lab(day: date, chance: Random) -> Row:
    return {
        "collected_on": day, "test": "dsdna", "reported_value": "40", "reported_unit": "IU/mL",
        "value": Decimal(40), "unit": "IU/mL", "flag": chance.choice(("high", "normal")),
    }  # fmt: skip


def _event(patient: int, day: date, chance: Random) -> Facts:
    serious, grade, term = chance.random() < 0.15, chance.randrange(1, 5), chance.choice(TERMS)
    known = stamp(BY, AT)
    yield AdverseEvent, {
        "patient_id": patient, "term": term, "onset_on": day, "serious": serious,
        "serious_because": [], "grade": grade, "related": chance.choice((True, False, None)),
    } | known  # fmt: skip
    categories = ["any_event"] + ["serious_event"] * serious + ["grade3plus"] * (grade > 2)
    for category in [*categories, "infection"] if term == "Pneumonia" else categories:
        row = {"patient_id": patient, "event_key": known["fact_key"], "category": category}
        yield EventCategory, row | stamp(BY, AT)
