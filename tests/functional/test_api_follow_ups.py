"""Follow-ups by API: the plan, a new link, answers by telephone, paper and tablet."""

from datetime import date
from typing import Any

import pytest
from factories import a_patient, follow_up_of
from flask import Flask
from functional.program import Program, program_for
from sqlalchemy import func, select

from registry.clock import FixedClock
from registry.db import reading
from registry.models import Answer, AuditEvent, Response, known
from registry.runtime import Runtime

ANSWERS: dict[str, Any] = {
    "overall_change": "better",
    "fatigue": 4,
    "fever": 0,
    "medicines": ["nsaid", "corticosteroid"],
    "steroid_medicine": "prednisolone",
    "steroid_dose": 7.5,
    "work": "prefer_not_to_say",
}


@pytest.fixture
def nurse(app: Flask, registry: Runtime) -> Program:
    return program_for(app, registry, "nurse")


def due(runtime: Runtime, clock: FixedClock) -> str:
    """A patient whose month 1 questionnaire is open."""
    patient = a_patient(runtime)
    clock.advance(days=30)
    return patient.study_number


def test_the_plan_has_five_dated_follow_ups(registry: Runtime, nurse: Program) -> None:
    patient = a_patient(registry, treated_on=date(2026, 1, 1))
    plan = nurse.get(f"/patients/{patient.study_number}/follow-ups")
    assert {one["month"]: one["due_on"] for one in plan} == {
        1: "2026-02-01",
        3: "2026-04-01",
        6: "2026-07-01",
        12: "2027-01-01",
        24: "2028-01-01",
    }


def test_reading_answers_is_in_the_trail(registry: Runtime, nurse: Program) -> None:
    patient = a_patient(registry)
    nurse.get(f"/patients/{patient.study_number}/follow-ups/1/answers")
    with reading(registry) as session:
        last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert last is not None
    assert (last.action, last.subject) == ("patient.read", f"patient:{patient.patient_id}")
    assert last.by == nurse.user.email


def test_answers_are_kept_replaced_and_sent(
    registry: Runtime, nurse: Program, clock: FixedClock
) -> None:
    number = due(registry, clock)
    address = f"/patients/{number}/follow-ups/1/answers"
    draft = {"mode": "phone", "answers": {"fatigue": 9, "rash": 1}}
    assert nurse.put(address, draft)["submitted_at"] is None
    sent = nurse.post(address, {"mode": "phone", "respondent": "self", "answers": ANSWERS})
    assert sent["answers"] == ANSWERS
    assert (sent["state"], sent["mode"], sent["answered_on"]) == ("answered", "phone", "2026-02-04")
    assert sent["submitted_at"] is not None
    assert nurse.get(address) == sent


def test_a_paper_form_counts_on_its_own_day(
    registry: Runtime, nurse: Program, clock: FixedClock
) -> None:
    number = due(registry, clock)
    paper = {"mode": "paper", "answers": ANSWERS, "answered_on": "2026-01-30"}
    sent = nurse.post(f"/patients/{number}/follow-ups/1/answers", paper)
    assert sent["answered_on"] == "2026-01-30"


def test_a_paper_form_of_tomorrow_is_refused(
    registry: Runtime, nurse: Program, clock: FixedClock
) -> None:
    number = due(registry, clock)
    paper = {"mode": "paper", "answers": ANSWERS, "answered_on": "2026-02-05"}
    told = nurse.post(f"/patients/{number}/follow-ups/1/answers", paper, 422)
    assert told["errors"] == {"answered_on": ["2026-02-05 lies in the future"]}


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("fatigue", 11),
        ("fatigue", "often"),
        ("fatigue", True),
        ("overall_change", "splendid"),
        ("overall_change", ["better", "worse"]),
        ("medicines", ["none", "nsaid"]),
        ("medicines", {"nsaid": True}),
        ("steroid_dose", 5),
        ("shoe_size", 42),
    ],
)
def test_an_answer_that_cannot_be_is_refused_by_name(
    registry: Runtime, nurse: Program, clock: FixedClock, code: str, value: Any
) -> None:
    address = f"/patients/{due(registry, clock)}/follow-ups/1/answers"
    told = nurse.put(address, {"mode": "phone", "answers": {code: value}}, 422)
    assert list(told["errors"]["answers"]) == [code]
    with reading(registry) as session:
        assert session.scalar(select(func.count(Response.id))) == 0


def test_dates_come_as_day_or_month_and_not_as_anything_else(
    registry: Runtime, nurse: Program, clock: FixedClock
) -> None:
    address = f"/patients/{due(registry, clock)}/follow-ups/1/answers"
    problem = {"new_problems": "yes", "problem_what_1": "A cough", "problem_when_1": "2026-01"}
    for when in ("2026-01", "2026-01-20"):
        kept = nurse.put(address, {"mode": "phone", "answers": problem | {"problem_when_1": when}})
        assert kept["answers"]["problem_when_1"] == when
    for when in ("20 January", "2026", "2026-01-20-1", "2026-13", ["2026-01", "2026-02"], 20260120):
        given = problem | {"problem_when_1": when}
        told = nurse.put(address, {"mode": "phone", "answers": given}, 422)
        assert list(told["errors"]["answers"]) == ["problem_when_1"]


def test_what_was_sent_takes_no_more_answers(
    registry: Runtime, nurse: Program, clock: FixedClock
) -> None:
    address = f"/patients/{due(registry, clock)}/follow-ups/1/answers"
    nurse.post(address, {"mode": "phone", "answers": ANSWERS})
    nurse.post(address, {"mode": "phone", "answers": ANSWERS | {"fatigue": 1}}, 409)
    with reading(registry) as session:
        fatigue = select(Answer.value).where(Answer.question == "fatigue", known(Answer))
        assert session.scalars(fatigue).all() == [4]


def test_the_questionnaire_at_enrolment_is_opened_by_its_first_answer(
    registry: Runtime, nurse: Program
) -> None:
    patient = a_patient(registry)
    address = f"/patients/{patient.study_number}/follow-ups/0/answers"
    nurse.get(address, 404)
    sent = nurse.post(address, {"mode": "tablet", "answers": {"fatigue": 8}})
    assert (sent["month"], sent["mode"], sent["answers"]) == (0, "tablet", {"fatigue": 8})


def test_a_new_link_is_asked_for(registry: Runtime, nurse: Program, clock: FixedClock) -> None:
    patient = a_patient(registry)
    clock.advance(days=30)
    told = nurse.post(f"/patients/{patient.study_number}/follow-ups/1/links", None, 202)
    asked_at = follow_up_of(registry, patient.patient_id, 1).link_asked_at
    assert asked_at == clock.now()
    assert told == {"month": 1, "asked_at": "2026-02-04T10:00:00+00:00"}


def test_no_link_for_a_questionnaire_whose_day_has_not_come(
    registry: Runtime, nurse: Program
) -> None:
    patient = a_patient(registry)
    told = nurse.post(f"/patients/{patient.study_number}/follow-ups/9/links", None, 404)
    assert told["status"] == 404
