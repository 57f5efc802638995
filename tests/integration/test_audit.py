"""The trail: written with every change, and broken visibly by any tampering."""

import json
from datetime import UTC
from hashlib import sha256

import pytest
from factories import a_patient
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from registry import audit, audit_facts
from registry.db import reading, transaction
from registry.models import (
    AuditEvent,
    AuditHead,
    Covariate,
    Patient,
    ReportedEvent,
    Site,
    noting,
)
from registry.models.writing import insert_numbered, stamp
from registry.runtime import Runtime


def three_events(runtime: Runtime) -> None:
    with transaction(runtime) as session:
        for number in range(3):
            audit.record(
                session,
                by="Ada",
                at=runtime.clock.now(),
                action="site.changed",
                subject="site:1",
                changes={"telephone": (number, number + 1)},
            )


def without_triggers(session: Session, statement: str) -> None:
    """What only a superuser of the database can do."""
    if session.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER audit_event_no_{verb}"))
    else:
        session.execute(text("ALTER TABLE audit_event DISABLE TRIGGER audit_event_no_change"))
    session.execute(text(statement))


def test_a_whole_chain_verifies(runtime: Runtime) -> None:
    three_events(runtime)
    with reading(runtime) as session:
        assert audit.verify(session) == audit.Verdict(events=3, chains=1, broken=None)


def test_values_are_not_in_the_trail(runtime: Runtime) -> None:
    with transaction(runtime) as session:
        audit.record(
            session,
            by="Ada",
            at=runtime.clock.now(),
            action="patient.corrected",
            subject="patient:1",
            changes={"email": ("old@example.org", "new@example.org")},
        )
    with reading(runtime) as session:
        event = session.scalars(select(AuditEvent)).one()
        assert list(event.changes) == ["email"]
        assert "example" not in str(event.changes)


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE audit_event SET action = 'nothing' WHERE number = 2", "event 2: was changed"),
        ("DELETE FROM audit_event WHERE number = 2", "event 2 is missing"),
        ("DELETE FROM audit_event WHERE number = 3", "ends before its head"),
        ("DELETE FROM audit_event", "ends before its head"),
        ("DELETE FROM audit_head", "has no head"),
        ("UPDATE audit_event SET reason = 'because' WHERE number = 1", "event 1: was changed"),
    ],
)
def test_tampering_is_found(runtime: Runtime, tampering: str, words: str) -> None:
    three_events(runtime)
    with transaction(runtime) as session:
        without_triggers(session, tampering)
    with reading(runtime) as session:
        broken = audit.verify(session).broken
    assert broken is not None
    assert words in broken


def test_the_trail_cannot_be_cut_or_written_anew_without_the_key(registry: Runtime) -> None:
    """A superuser takes the newest events away and sets the head to what the rest shows; or works
    out all hashes anew, as they were worked out when they had no key.
    """
    patient = a_patient(registry)
    subject, at = f"patient:{patient.patient_id}", registry.clock.now()
    with transaction(registry) as session:
        for action in ("fact.corrected", "fact.taken_back"):
            audit.record(session, by="Ada", at=at, action=action, subject=subject)
    for forge in (cut, written_anew):
        with registry.sessions.writing() as session:
            forge(session, subject)
            broken = audit.verify(session).broken
            session.rollback()
        assert broken is not None, forge
        assert broken.startswith(subject), forge


def cut(session: Session, subject: str) -> None:
    mine = AuditEvent.subject == subject
    shown = session.scalars(select(AuditEvent.hash).where(mine, AuditEvent.number == 2)).one()
    without_triggers(session, f"DELETE FROM audit_event WHERE subject = '{subject}' AND number > 2")
    values = {"number": 2, "hash": shown}
    session.execute(update(AuditHead).where(AuditHead.subject == subject).values(values))


def written_anew(session: Session, subject: str) -> None:
    without_triggers(session, f"DELETE FROM audit_event WHERE subject = '{subject}' AND number > 2")
    mine = AuditEvent.subject == subject
    previous = audit.START
    for one in session.scalars(select(AuditEvent).where(mine).order_by(AuditEvent.number)):
        moment = one.at.astimezone(UTC).isoformat(timespec="microseconds")
        content = [subject, one.number, moment, one.by, one.action, one.reason]
        content += [one.changes, one.facts, previous]
        text_ = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        one.previous_hash, previous = previous, sha256(text_.encode()).hexdigest()
        one.hash = previous
    values = {"number": 2, "hash": previous}
    session.execute(update(AuditHead).where(AuditHead.subject == subject).values(values))


@pytest.mark.parametrize("only", [True, False])
def test_a_chain_that_is_gone_with_its_head_is_missed(registry: Runtime, only: bool) -> None:
    gone, _ = a_patient(registry), a_patient(registry)
    subject = f"patient:{gone.patient_id}"
    with transaction(registry) as session:
        without_triggers(session, f"DELETE FROM audit_event WHERE subject = '{subject}'")
        session.execute(delete(AuditHead).where(AuditHead.subject == subject))
    with reading(registry) as session:
        verdict = audit.verify(session, subject if only else None)
    assert verdict.broken == f"{subject}: the whole chain is missing"


def test_a_write_without_a_line_in_the_trail_is_refused(runtime: Runtime) -> None:
    with pytest.raises(audit.NotAudited, match="Site"), transaction(runtime) as session:
        session.add(
            Site(code="A", public_name="A", recorded_at=runtime.clock.now(), recorded_by="x")
        )


def a_weight(session: Session, patient_id: int, name: str) -> None:
    at = session.scalars(select(Patient.recorded_at).where(Patient.id == patient_id)).one()
    row = {"patient_id": patient_id, "name": name, "number": 70, **stamp("Ada", at)}
    insert_numbered(session, Covariate, [row])


def test_a_fact_without_any_event_is_refused_in_production_too(registry: Runtime) -> None:
    patient, at = a_patient(registry), registry.clock.now()
    refused = pytest.raises(audit.NotAudited, match="covariate: written without")
    with refused, transaction(registry) as session:
        a_weight(session, patient.patient_id, "weight")
    with transaction(registry) as session:
        a_weight(session, patient.patient_id, "weight")
        audit.record(session, by="Ada", at=at, action="test", subject="registry")
    with reading(registry) as session:
        assert audit_facts.verify(session).first == []


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_savepoint_takes_its_notes_along_and_gives_back_those_it_took(
    registry: Runtime, is_refused: bool
) -> None:
    patient, at = a_patient(registry), registry.clock.now()
    told = {"by": "Ada", "at": at, "subject": f"patient:{patient.patient_id}"}
    with transaction(registry) as session:
        a_weight(session, patient.patient_id, "before")
        savepoint = session.begin_nested()
        a_weight(session, patient.patient_id, "within")
        audit.record(session, action="test.within", **told)
        a_weight(session, patient.patient_id, "late")
        if is_refused:
            savepoint.rollback()
        else:
            savepoint.commit()
        audit.record(session, action="test.after", **told)
    with reading(registry) as session:
        names = set(session.scalars(select(Covariate.name)))
        assert {"before", "within", "late"} - names == ({"within", "late"} if is_refused else set())
        assert audit_facts.verify(session).first == []
        assert audit.verify(session).broken is None


def test_a_bulk_write_without_a_line_in_the_trail_is_refused(runtime: Runtime) -> None:
    with pytest.raises(audit.NotAudited), transaction(runtime) as session:
        session.execute(update(Site).values(public_name="B"))


def test_what_a_column_fills_in_is_worked_out_for_each_row() -> None:
    fields = {field.name: field for field in noting.fields_of(ReportedEvent, True)}
    assert fields["categories"].default() == []
    assert fields["categories"].default() is not fields["categories"].default()
    assert fields["state"].default() == "waiting"
    assert fields["onset_on"].default() is None
