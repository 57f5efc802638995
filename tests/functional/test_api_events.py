"""Adverse events by API: the clinic's own, and judging what patients told."""

from datetime import date
from typing import Any

import pytest
from factories import a_patient, an_adverse_event
from flask import Flask
from functional.program import Program, program_for
from sqlalchemy import func, select

from registry.clock import FixedClock
from registry.db import reading
from registry.models import AdverseEvent, AuditEvent, EventCategory, ReportedEvent, known
from registry.runtime import Runtime

ZOSTER: dict[str, Any] = {
    "term": "Herpes zoster",
    "onset_on": "2026-01-02",
    "grade": 3,
    "serious": True,
    "serious_because": ["hospital"],
    "related": False,
}


@pytest.fixture
def nurse(app: Flask, registry: Runtime) -> Program:
    return program_for(app, registry, "nurse")


@pytest.fixture
def told(registry: Runtime, nurse: Program, clock: FixedClock) -> tuple[str, dict[str, Any]]:
    """A patient's address, and a report that came with the answers of month 1."""
    address = f"/patients/{a_patient(registry).study_number}"
    clock.advance(days=30)
    answers = {
        "overall_change": "same",
        "new_problems": "yes",
        "problem_what_1": "a painful rash on one side",
        "problem_when_1": "2026-01-20",
        "problem_severity_1": "severe",
        "problem_hospital_1": "stayed",
        "problem_ongoing_1": "yes",
    }
    nurse.post(f"{address}/follow-ups/1/answers", {"mode": "phone", "answers": answers})
    return address, nurse.get(f"{address}/reported-events")[0]


def test_an_event_is_recorded_with_its_categories(registry: Runtime, nurse: Program) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events"
    made = nurse.post(address, ZOSTER)
    assert made["ctcae_version"] == "5.0"
    assert {name: made[name] for name in ZOSTER} == ZOSTER
    assert nurse.get(address) == [made]
    with reading(registry) as session:
        found = session.scalars(select(EventCategory.category)).all()
    assert "herpes_zoster" in found


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"onset_on": "2026-03-01"}, "onset_on"),
        ({"ended_on": "2026-01-01"}, "ended_on"),
        ({"serious_because": []}, "serious_because"),
        ({"serious": False}, "serious"),
        ({"grade": 6}, "grade"),
        ({"outcome": "gone"}, "outcome"),
        ({"serious_because": ["boredom"]}, "serious_because"),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_field(
    registry: Runtime, nurse: Program, change: dict[str, Any], field: str
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events"
    assert nurse.post(address, ZOSTER | change, 422)["errors"].keys() == {field}


def test_what_patients_told_waits_in_one_list_for_their_sites(
    app: Flask, registry: Runtime, nurse: Program, told: tuple[str, dict[str, Any]]
) -> None:
    address, report = told
    assert (report["term"], report["serious"]) == ("a painful rash on one side", True)
    number = address.removeprefix("/patients/")
    assert nurse.get("/reported-events") == [{"number": number, "event": report}]
    assert program_for(app, registry, "nurse", site="B").get("/reported-events") == []
    with reading(registry) as session:
        read = select(func.count(AuditEvent.id)).where(
            AuditEvent.action == "patient.read", AuditEvent.by == nurse.user.email
        )
        assert session.scalar(read) == 2


def test_a_report_is_confirmed_once(
    registry: Runtime, nurse: Program, told: tuple[str, dict[str, Any]]
) -> None:
    address, report = told
    confirmation = f"{address}/reported-events/{report['id']}/confirmation"
    event = nurse.post(confirmation, ZOSTER)
    assert nurse.get(f"{address}/events") == [event]
    judged = nurse.get(f"{address}/reported-events")[0]
    assert (judged["state"], judged["event"]) == ("confirmed", event["id"])
    assert nurse.get("/reported-events") == []
    nurse.post(confirmation, ZOSTER, 409)
    with reading(registry) as session:
        assert session.scalar(select(func.count(AdverseEvent.id)).where(known(AdverseEvent))) == 1


def test_a_report_is_linked_to_an_event_that_is_known(
    registry: Runtime, nurse: Program, told: tuple[str, dict[str, Any]]
) -> None:
    address, report = told
    event = nurse.post(f"{address}/events", ZOSTER)
    link = f"{address}/reported-events/{report['id']}/link"
    stranger = an_adverse_event(registry, a_patient(registry), onset_on=date(2026, 1, 2))
    nurse.post(link, {"event": stranger.fact_key}, 404)
    judged = nurse.post(link, {"event": event["id"]}, 200)
    assert (judged["state"], judged["event"]) == ("confirmed", event["id"])


def test_a_report_is_rejected_with_a_reason(
    registry: Runtime, nurse: Program, told: tuple[str, dict[str, Any]]
) -> None:
    address, report = told
    rejection = f"{address}/reported-events/{report['id']}/rejection"
    assert nurse.post(rejection, {}, 422)["errors"].keys() == {"reason"}
    reason = {"reason": "an old scar, not new"}
    assert nurse.post(rejection, reason, 200)["state"] == "rejected"
    with reading(registry) as session:
        kept = select(ReportedEvent.reason).where(known(ReportedEvent))
        assert session.scalars(kept).all() == ["an old scar, not new"]


def test_another_patients_report_is_not_found(
    registry: Runtime, nurse: Program, told: tuple[str, dict[str, Any]]
) -> None:
    _, report = told
    other = a_patient(registry).study_number
    address = f"/patients/{other}/reported-events/{report['id']}"
    nurse.post(f"{address}/rejection", {"reason": "not theirs"}, 404)
    nurse.post(f"{address}/confirmation", ZOSTER, 404)
