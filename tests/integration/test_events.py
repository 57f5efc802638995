"""Adverse events: recorded and corrected by the clinic; told by patients, judged by the clinic."""

from datetime import date
from typing import Any

import pytest
from factories import TREATED_ON, a_patient
from marshmallow import ValidationError
from sqlalchemy import select

from registry import audit
from registry.actions import events
from registry.actions.enrolment import Enrolled
from registry.actions.events import Happened, Judged
from registry.actions.facts import Unusable
from registry.db import reading, transaction
from registry.models import AdverseEvent, AuditEvent, EventCategory, ReportedEvent, known
from registry.models.writing import stamp
from registry.runtime import Runtime
from registry.schemas.events import AdverseEventInSchema

PNEUMONIA = Happened(
    term="Pneumonia",
    onset_on=TREATED_ON,
    serious=True,
    serious_because=("hospital",),
    grade=3,
)


def who(runtime: Runtime) -> dict[str, Any]:
    return {"by": "Ada", "at": runtime.clock.now()}


def recorded(runtime: Runtime, patient: Enrolled, told: Happened = PNEUMONIA) -> AdverseEvent:
    with transaction(runtime) as session:
        return events.record_adverse_event(session, patient.patient_id, told, **who(runtime))


def reported(runtime: Runtime, patient: Enrolled) -> ReportedEvent:
    """What a patient told."""
    with transaction(runtime) as session:
        told = stamp("patient", runtime.clock.now())
        report = ReportedEvent(patient_id=patient.patient_id, term="shingles on my back", **told)
        session.add(report)
        subject = f"patient:{patient.patient_id}"
        audit.record(session, by="patient", at=runtime.clock.now(), action="test", subject=subject)
        return report


def categories(runtime: Runtime, event: AdverseEvent) -> set[str]:
    with reading(runtime) as session:
        return set(
            session.scalars(
                select(EventCategory.category).where(
                    EventCategory.event_key == event.fact_key, known(EventCategory)
                )
            )
        )


def current(runtime: Runtime, model: type[Any]) -> Any:
    with reading(runtime) as session:
        return session.scalars(select(model).where(known(model))).one()


def actions(runtime: Runtime) -> list[str]:
    with reading(runtime) as session:
        assert audit.verify(session).broken is None
        rows = session.scalars(
            select(AuditEvent.action).where(AuditEvent.number > 1).order_by(AuditEvent.id)
        )
        return [action for action in rows if action != "test"]


def test_an_event_is_kept_with_its_categories_and_who_confirmed_it(registry: Runtime) -> None:
    event = recorded(registry, a_patient(registry))
    assert (event.grade, event.ctcae_version, event.serious_because) == (3, "5.0", ["hospital"])
    assert (event.confirmed_by, event.confirmed_on) == ("Ada", date(2026, 1, 5))
    assert categories(registry, event) >= {"infection", "serious_infection", "any_event"}
    assert actions(registry) == ["event.recorded"]


def test_without_a_grade_there_is_no_version_of_grades(registry: Runtime) -> None:
    told = Happened(term="Headache", onset_on=TREATED_ON, serious=False)
    assert recorded(registry, a_patient(registry), told).ctcae_version is None


@pytest.mark.parametrize(
    ("known_", "words"),
    [
        ({"onset_on": date(2026, 2, 1)}, "onset_on: 2026-02-01 lies in the future"),
        ({"ended_on": date(2026, 2, 1)}, "ended_on: 2026-02-01 lies in the future"),
        ({"ended_on": date(2025, 12, 1)}, "is before the onset on 2025-12-29"),
        ({"grade": 6}, "grade: is a number from 1 to 5"),
        ({"ctcae_version": "4.0"}, "4.0 is none of: 5.0, 6.0"),
        ({"serious_because": ("bad",)}, "bad is none of: death, life_threatening, hospital"),
        ({"serious_because": ()}, "serious_because: say why the event is serious"),
        ({"serious": False}, "serious: there are reasons why it is serious"),
        (
            {"serious": False, "serious_because": (), "grade": 5},
            "serious: grade 5 is death, which is serious",
        ),
        ({"outcome": "fine"}, "outcome: fine is none of: recovered, "),
    ],
)
def test_what_cannot_be_is_refused(registry: Runtime, known_: dict[str, Any], words: str) -> None:
    patient = a_patient(registry)
    told = {name: getattr(PNEUMONIA, name) for name in PNEUMONIA.__slots__} | known_
    with pytest.raises(Unusable) as refusal:
        recorded(registry, patient, Happened(**told))
    assert words in str(refusal.value)


def test_a_corrected_event_changes_its_categories(registry: Runtime) -> None:
    event = recorded(registry, a_patient(registry))
    told = Happened(term="Pneumonia", onset_on=TREATED_ON, serious=False, grade=2)
    for _ in range(2):  # the second time nothing differs
        with transaction(registry) as session:
            old = session.scalars(select(AdverseEvent).where(known(AdverseEvent))).one()
            new = events.correct_adverse_event(
                session, old, told, reason="was at home", **who(registry)
            )
    assert new.fact_key == event.fact_key
    assert "infection" in categories(registry, new)
    assert not {"serious_infection", "serious_event"} & categories(registry, new)
    assert actions(registry) == ["event.recorded", "adverse_event.corrected"]


def test_a_report_becomes_an_event_in_the_clinics_words(registry: Runtime) -> None:
    patient = a_patient(registry)
    report = reported(registry, patient)
    told = Happened(term="Herpes zoster", onset_on=TREATED_ON, serious=False, grade=2)
    with transaction(registry) as session:
        report = session.get_one(ReportedEvent, report.id)
        event = events.confirm_reported(session, report, told, **who(registry))
    new = current(registry, ReportedEvent)
    assert (new.state, new.adverse_event_key) == ("confirmed", event.fact_key)
    assert new.term == "shingles on my back"
    assert actions(registry) == ["event.recorded", "report.confirmed"]


def test_a_report_is_linked_to_an_event_that_is_known(registry: Runtime) -> None:
    patient, other = a_patient(registry), a_patient(registry)
    event, report = recorded(registry, patient), reported(registry, patient)
    alien = reported(registry, other)
    with transaction(registry) as session:
        report, alien = (session.get_one(ReportedEvent, one.id) for one in (report, alien))
        with pytest.raises(Unusable, match="another patient"):
            events.link_reported(session, alien, event, **who(registry))
        events.link_reported(session, report, event, **who(registry))
    with reading(registry) as session:
        linked = session.scalars(
            select(ReportedEvent).where(
                known(ReportedEvent), ReportedEvent.patient_id == patient.patient_id
            )
        ).one()
    assert (linked.state, linked.adverse_event_key) == ("confirmed", event.fact_key)


def test_a_report_is_rejected_with_a_reason_and_can_be_judged_anew(registry: Runtime) -> None:
    patient = a_patient(registry)
    report_id = reported(registry, patient).id
    with transaction(registry) as session:
        report = session.get_one(ReportedEvent, report_id)
        with pytest.raises(Unusable, match="say why"):
            events.reject_reported(session, report, reason=" ", **who(registry))
        events.reopen_reported(session, report, reason="not needed", **who(registry))
        events.reject_reported(session, report, reason="before treatment", **who(registry))
        with pytest.raises(Judged, match="judged this report already"):
            events.reject_reported(session, report, reason="again", **who(registry))
    rejected = current(registry, ReportedEvent)
    assert (rejected.state, rejected.reason) == ("rejected", "before treatment")
    with transaction(registry) as session:
        report = session.get_one(ReportedEvent, rejected.id)
        with pytest.raises(Judged):
            events.confirm_reported(session, report, PNEUMONIA, **who(registry))
        events.reopen_reported(session, report, reason="new letter", **who(registry))
    assert current(registry, ReportedEvent).state == "waiting"


def test_an_event_taken_back_lets_its_reports_wait_again(registry: Runtime) -> None:
    patient = a_patient(registry)
    report_id = reported(registry, patient).id
    with transaction(registry) as session:
        report = session.get_one(ReportedEvent, report_id)
        event = events.confirm_reported(session, report, PNEUMONIA, **who(registry))
    with transaction(registry) as session:
        event = session.get_one(AdverseEvent, event.id)
        events.retract_adverse_event(session, event, reason="other patient", **who(registry))
    assert categories(registry, event) == set()
    report = current(registry, ReportedEvent)
    assert (report.state, report.adverse_event_key) == ("waiting", None)


def test_the_schema_of_an_event_says_the_same_as_the_action() -> None:
    schema = AdverseEventInSchema()
    form = {
        "term": "Pneumonia",
        "onset_on": "2025-12-29",
        "serious": "yes",
        "serious_because": ["hospital"],
        "grade": "3",
    }
    assert schema.load(form) == PNEUMONIA
    assert schema.load(form | {"serious": True, "grade": 3}) == PNEUMONIA
    with pytest.raises(ValidationError) as refusal:
        schema.load({"term": "=1", "serious": "perhaps"})
    assert sorted(refusal.value.messages_dict) == ["onset_on", "serious", "term"]
