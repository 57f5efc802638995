"""The staff pages under odd use: stale tabs, two at once, addresses and fields nobody types."""

import threading
from typing import Any

import pytest
from factories import a_patient, follow_up_of
from flask import Flask
from functional.conftest import SignIn
from functional.program import program_for
from functional.staff_visitor import Staff, form_of, member, text_of
from functional.test_door import WELL
from sqlalchemy import select

from registry.actions import responses
from registry.actions.responses import Entry
from registry.db import reading, transaction
from registry.models import AdverseEvent, FollowUp, LabResult, Response, known
from registry.queries import protocols, surveys
from registry.runtime import Runtime

HUGE = "9" * 25
EVENT = {
    "term": "Pneumonia",
    "onset_on-day": "2",
    "onset_on-month": "1",
    "onset_on-year": "2026",
    "grade": "2",
    "serious": "no",
}
LAB = {
    "test": "creatinine",
    "value": "1.4",
    "unit": "mg/dL",
    "collected_on-day": "2",
    "collected_on-month": "1",
    "collected_on-year": "2026",
    "reference_low": "0.6",
    "reference_high": "1.5",
}


@pytest.mark.parametrize(
    "trap", ["//[x", "/\t/[", "/\r\nX: y", "//evil.example", "/\\evil.example"]
)
def test_signing_in_leads_only_to_own_addresses(registry: Runtime, app: Flask, trap: str) -> None:
    user = member(registry, "nurse")
    staff = Staff(app)
    page = staff.client.get("/sign-in", query_string={"next": trap})
    assert page.status_code == 200
    data = {"email": user.email, "password": "seven quiet herons wade", "next": trap}
    sent = staff.client.post("/sign-in", data=form_of(page.text) | data)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/")


def test_numbers_that_no_database_keeps_name_nothing(registry: Runtime, sign_in: SignIn) -> None:
    number = a_patient(registry).study_number
    nurse = sign_in("nurse")
    for page in ("answers", "alerts", "calls", "links", "questionnaires"):
        nurse.get(f"/patients/{number}/{page}/{HUGE}", status=404)
    nurse.get(f"/patients/{number}/history?before={HUGE}")
    nurse.get(f"/patients/{number}/history?before=-{HUGE}")
    sign_in("administrator", site=None).get(f"/sites/{HUGE}", status=404)


@pytest.mark.parametrize(
    "odd", [{"name": "x", "name-day": "1"}, {"name-day": "1"}, {"name-" + "9" * 5000 + "-x": "1"}]
)
def test_fields_that_no_page_has_are_refused(
    registry: Runtime, sign_in: SignIn, odd: dict[str, str]
) -> None:
    number = a_patient(registry).study_number
    sign_in("nurse").fill(f"/patients/{number}/identity", {"reason": "a slip", **odd}, status=422)


def test_a_correction_keeps_the_limits_of_the_laboratory(
    registry: Runtime, sign_in: SignIn
) -> None:
    number = a_patient(registry).study_number
    nurse = sign_in("nurse")
    nurse.fill(f"/patients/{number}/labs/new", LAB)
    before = _current(registry, LabResult)
    page = f"/patients/{number}/labs/{before.fact_key}"
    assert form_of(nurse.get(page).text)["reference_low"] == ["0.6"]
    nurse.fill(page, {"value": "1.2", "reason": "a slip of the pen"})
    after = _current(registry, LabResult)
    assert after.reported_value == "1.2"
    kept = ("reference_low", "reference_high", "reference_from", "flag")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


def test_a_stale_tab_undoes_nobodys_correction(registry: Runtime, sign_in: SignIn) -> None:
    number = a_patient(registry).study_number
    nurse, other = sign_in("nurse"), sign_in("clinician")
    nurse.fill(f"/patients/{number}/events/new", EVENT)
    page = f"/patients/{number}/events/{_current(registry, AdverseEvent).fact_key}"
    stale = nurse.get(page)
    other.fill(page, {"term": "Pneumonia, left", "reason": "more is known"})
    refused = nurse.send(stale, {"grade": "3", "reason": "worse"}, status=409)
    assert "Somebody changed this" in text_of(refused.text)
    nurse.send(refused, {}, action=page, status=409)
    nurse.fill(page, {"grade": "3", "reason": "worse"})
    event = _current(registry, AdverseEvent)
    assert (event.term, event.grade) == ("Pneumonia, left", 3)


def test_the_same_correction_twice_is_done_once(registry: Runtime, sign_in: SignIn) -> None:
    number = a_patient(registry).study_number
    nurse = sign_in("nurse")
    nurse.fill(f"/patients/{number}/events/new", EVENT)
    page = f"/patients/{number}/events/{_current(registry, AdverseEvent).fact_key}"
    opened = nurse.get(page)
    for change in ({"grade": "3"}, {"undo": "yes"}):
        opened = nurse.get(page)
        for _ in range(2):
            nurse.send(opened, {**change, "reason": "pressed twice"})
    with reading(registry) as session:
        assert session.scalars(select(AdverseEvent).where(known(AdverseEvent))).all() == []


def test_what_a_patient_answers_meanwhile_is_kept(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    row = follow_up_of(registry, patient.patient_id, 1)
    nurse = sign_in("nurse")
    page = f"/patients/{patient.study_number}/questionnaires/1"
    first = nurse.fill(page, {"mode": "phone"}).headers["Location"]
    opened = nurse.get(first)
    asked = {name: "1" for name in form_of(opened.text) if name not in {"csrf_token", "once"}}
    data = form_of(opened.text) | asked | {"overall_change": "better"}
    sent = []
    thread = threading.Thread(
        target=lambda: sent.append(nurse.client.post(first, data=data).status_code)
    )
    with transaction(registry) as session:
        protocol = protocols.in_force(session).protocol
        at = registry.clock.now()
        responses.save(session, row.id, {"fatigue": 7}, protocol, Entry(), by="door", at=at)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "the clinic did not wait for the patient"
    thread.join(20)
    assert sent == [303]
    with reading(registry) as session:
        response = surveys.response_of(session, session.get_one(FollowUp, row.id))
        kept = surveys.answers_of(session, response)
    assert kept["fatigue"] == 7
    assert kept["overall_change"] == "better"


def test_staff_cannot_say_that_answers_came_by_the_web(registry: Runtime, sign_in: SignIn) -> None:
    number = a_patient(registry).study_number
    nurse = sign_in("nurse")
    first = nurse.fill(f"/patients/{number}/questionnaires/1", {"mode": "paper"})
    address = first.headers["Location"].replace("mode=paper", "mode=web")
    opened = nurse.get(address)
    data = form_of(opened.text) | {"overall_change": "better"}
    assert nurse.client.post(address, data=data).status_code == 422
    with reading(registry) as session:
        assert session.scalars(select(Response)).all() == []


@pytest.mark.parametrize("year", ["2027", "1926"])
def test_a_paper_form_has_a_day_that_can_be(registry: Runtime, sign_in: SignIn, year: str) -> None:
    patient = a_patient(registry)
    row = follow_up_of(registry, patient.patient_id, 1)
    at = registry.clock.now()
    with transaction(registry) as session:
        protocol = protocols.in_force(session).protocol
        responses.save(session, row.id, WELL, protocol, Entry("paper"), by="nurse", at=at)
    day = {
        f"answered_on-{part}": value
        for part, value in {"day": "5", "month": "1", "year": year}.items()
    }
    page = f"/patients/{patient.study_number}/questionnaires/1/review"
    sign_in("nurse").fill(page, day, status=422)
    assert follow_up_of(registry, patient.patient_id, 1).state == "planned"


def test_the_api_says_what_it_takes_instead(registry: Runtime, app: Flask) -> None:
    nurse = program_for(app, registry, "nurse")
    refused = nurse.call("DELETE", "/patients", 405)
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    for instant in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        query = {"known_at": instant, "site": "A"}
        nurse.get("/statistics/report", 422, query_string=query)


def _current(registry: Runtime, model: type[Any]) -> Any:
    with reading(registry) as session:
        return session.scalars(select(model).where(known(model))).one()
