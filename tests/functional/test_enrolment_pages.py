"""Enrolment in steps: left and resumed, nothing lost, and the same rows as by JSON."""

from collections.abc import Mapping
from typing import Any

import pytest
from factories import a_patient, a_person, a_site
from flask import Flask
from functional.conftest import SignIn
from functional.staff_visitor import Staff, member, text_of
from sqlalchemy import select

from registry.actions import accounts
from registry.clock import FixedClock
from registry.db import Base, reading, transaction
from registry.models import (
    Administration,
    Consent,
    Covariate,
    Demographics,
    Diagnosis,
    EnrolmentDraft,
    FollowUp,
    LabResult,
    Medicine,
    Observation,
    Patient,
    TreatmentCourse,
)
from registry.runtime import Runtime


def day(name: str, day: int, month: int, year: int) -> dict[str, str]:
    return {f"{name}-day": str(day), f"{name}-month": str(month), f"{name}-year": str(year)}


STEPS: dict[str, dict[str, Any]] = {
    "consent": {"site": "A", "consent_version": "1", **day("consented_on", 1, 12, 2025)},
    "identity": {
        "name": "Ida Invented",
        "email": "ida@example.org",
        "telephone": "+49 30 5550177",
        **day("birth_date", 12, 3, 1991),
    },
    "diagnosis": {"diagnosis": "systemic", "sex": "female"},
    "medicines": {
        "medicines-0-medicine_class": "corticosteroid",
        "medicines-0-name": "methylprednisolone",
        "medicines-0-daily_dose_mg": "8",
        "medicines-2-medicine_class": "antimalarial",
        "medicines-2-name": "hydroxychloroquine",
    },
    "course": {"cell_source": "umbilical_cord", "donor": "allogeneic", "lot": "UC-2231"},
    "given": {
        **day("administrations-0-given_on", 15, 12, 2025),
        "administrations-0-route": "intravenous",
        "administrations-0-cells": "62 million",
    },
    "observed": {**day("observed_on", 16, 12, 2025), "obs-headache": "yes"},
    "labs": {**day("labs_on", 10, 12, 2025), "labs-0-value": "212", "labs-3-value": "80"},
}
AS_JSON = {
    "site": "A",
    "consent_version": "1",
    "consented_on": "2025-12-01",
    "name": "Ida Invented",
    "email": "ida@example.org",
    "telephone": "+49 30 5550177",
    "birth_date": "1991-03-12",
    "language": "en",
    "diagnosis": "systemic",
    "sex": "female",
    "medicines": [
        {"medicine_class": "corticosteroid", "name": "methylprednisolone", "daily_dose_mg": 8},
        {"medicine_class": "antimalarial", "name": "hydroxychloroquine"},
    ],
    "cell_source": "umbilical_cord",
    "donor": "allogeneic",
    "lot": "UC-2231",
    "administrations": [{"given_on": "2025-12-15", "route": "intravenous", "cells": "62 million"}],
    "observations": [{"observed_on": "2025-12-16", "item": "headache", "value": "yes"}],
    "labs": [
        {"test": "dsdna", "value": "212", "unit": "[IU]/mL", "collected_on": "2025-12-10"},
        {"test": "creatinine", "value": "80", "unit": "umol/L", "collected_on": "2025-12-10"},
    ],
}
FACTS = (
    Demographics,
    Consent,
    Diagnosis,
    Medicine,
    TreatmentCourse,
    Administration,
    Observation,
    LabResult,
    Covariate,
    FollowUp,
)
OF_THE_ROW = {"id", "patient_id", "fact_key", "recorded_at", "recorded_by", "site_id"}


def begun(browser: Staff) -> str:
    """The address of a new enrolment."""
    page = browser.get("/enrol")
    return browser.send(page, {}, action="/enrol").headers["Location"]


def filled(browser: Staff, steps: Mapping[str, Mapping[str, Any]] = STEPS) -> str:
    """An enrolment with these steps filled in."""
    address = begun(browser)
    for code, data in steps.items():
        browser.fill(f"{address}/step/{code}", data)
    return address


def enrolled(browser: Staff, address: str) -> str:
    """The study number after pressing the last button."""
    sent = browser.fill(f"{address}/check", {})
    return sent.headers["Location"].split("/")[2]


def facts(registry: Runtime, number: str) -> dict[str, list[dict[str, Any]]]:
    """Everything kept of a patient, without keys and stamps."""
    with reading(registry) as session:
        patient_id = session.scalars(select(Patient.id).where(Patient.study_number == number)).one()
        return {
            model.__tablename__: [
                _plain(row)
                for row in session.scalars(
                    select(model).where(model.patient_id == patient_id).order_by(model.id)
                )
            ]
            for model in FACTS
        }


def _plain(row: Base) -> dict[str, Any]:
    columns = row.__table__.columns.keys()
    return {name: getattr(row, name) for name in columns if name not in OF_THE_ROW}


def test_a_patient_is_enrolled_and_the_plan_is_shown(registry: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse")
    address = filled(nurse)
    check = text_of(nurse.get(f"{address}/check").text)
    assert "as prednisone 10.0 mg a day" in check
    assert "Ida Invented" in check
    number = enrolled(nurse, address)
    page = text_of(nurse.get(f"/patients/{number}/enrolled").text)
    assert "Month 24 15 December 2027" in page
    assert "The first letter" in page
    with reading(registry) as session:
        assert session.scalars(select(EnrolmentDraft)).all() == []


def test_the_form_and_json_write_the_same_rows(
    registry: Runtime, app: Flask, sign_in: SignIn
) -> None:
    nurse = sign_in("nurse")
    by_form = enrolled(nurse, filled(nurse))
    with transaction(registry) as session:
        user = member_of(registry)
        key = accounts.issue_key(session, user, "test", by="test", at=registry.clock.now())
    other = AS_JSON | {"email": "other@example.org"}
    sent = app.test_client().post(
        "/api/v1/patients",
        json=other,
        headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "1"},
    )
    assert sent.status_code == 201, sent.text
    by_json = sent.headers["Location"].rpartition("/")[2]
    assert facts(registry, by_form) == facts(registry, by_json)


def member_of(registry: Runtime) -> int:
    return member(registry, "nurse").id


def test_an_enrolment_is_left_and_resumed(
    registry: Runtime, sign_in: SignIn, clock: FixedClock
) -> None:
    nurse = sign_in("nurse")
    address = filled(nurse, {code: STEPS[code] for code in ("consent", "identity")})
    clock.advance(minutes=10)
    begin = nurse.get("/enrol").text
    assert "I.I., 2 of 8 steps" in text_of(begin)
    assert address in begin
    assert 'value="ida@example.org"' in nurse.get(f"{address}/step/identity").text
    with reading(registry) as session:
        content = session.scalars(select(EnrolmentDraft.content)).one()
    assert b"ida" not in content


def test_a_draft_is_its_writers_alone_and_ends_after_seven_days(
    registry: Runtime, app: Flask, clock: FixedClock
) -> None:
    writer = member(registry, "nurse")
    address = filled(Staff(app).sign_in(writer), {"consent": STEPS["consent"]})
    Staff(app).sign_in(member(registry, "nurse")).get(address, status=404)
    clock.advance(days=6, hours=23)
    Staff(app).sign_in(writer).get(address)
    clock.advance(hours=1)
    Staff(app).sign_in(writer).get(address, status=404)


def test_a_known_address_is_told_before_the_end(registry: Runtime, sign_in: SignIn) -> None:
    a_patient(registry, person=a_person(email="ida@example.org"))
    nurse = sign_in("nurse")
    address = begun(nurse)
    page = nurse.fill(f"{address}/step/identity", STEPS["identity"], status=422)
    assert "This e-mail address is already enrolled" in text_of(page.text)
    assert 'value="Ida Invented"' in page.text


def test_nothing_is_lost_when_a_page_is_refused(registry: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse")
    address = begun(nurse)
    data = STEPS["identity"] | {"email": "no address", "birth_date-month": "15"}
    page = nurse.fill(f"{address}/step/identity", data, status=422)
    said = text_of(page.text)
    assert "E-mail address is not an e-mail address" in said
    assert "Birth date is a day that the calendar does not have" in said
    assert 'value="+49 30 5550177"' in page.text
    assert 'value="15"' in page.text


@pytest.mark.parametrize(
    ("code", "data", "said"),
    [
        ("consent", {"site": "A"}, "Choose: which text did the patient sign?"),
        ("medicines", {}, "tick that none is taken"),
        ("medicines", STEPS["medicines"] | {"takes_none": "yes"}, "There are medicines below"),
        (
            "medicines",
            STEPS["medicines"] | {"medicines-0-name": "elixir"},
            "The dose of elixir in mg of prednisone is not known",
        ),
        ("given", {}, "Enter the first administration"),
        (
            "given",
            day("administrations-0-given_on", 15, 12, 2025),
            "Choose route",
        ),
        ("labs", STEPS["labs"] | {"labs-0-unit": "furlong"}, "furlong"),
        ("labs", {"labs-0-value": "212"}, "Enter date of the samples"),
        ("observed", {"obs-headache": "yes"}, "Enter date of the record"),
    ],
)
def test_each_step_says_what_is_wrong(
    registry: Runtime, sign_in: SignIn, code: str, data: dict[str, Any], said: str
) -> None:
    nurse = sign_in("nurse")
    page = nurse.fill(f"{begun(nurse)}/step/{code}", data, status=422)
    assert said in text_of(page.text)


def test_one_row_more_keeps_what_was_typed(registry: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse")
    address = f"{begun(nurse)}/step/given"
    page = nurse.fill(address, STEPS["given"] | {"more": "yes"}, status=200)
    assert 'value="62 million"' in page.text
    assert "Administration 2" in text_of(page.text)


def test_what_contradicts_itself_is_told_at_the_end(registry: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse")
    late = STEPS["given"] | day("administrations-0-given_on", 15, 12, 2027)
    address = filled(nurse, STEPS | {"given": late})
    page = nurse.get(f"{address}/check")
    assert "lies in the future" in text_of(page.text)
    nurse.fill(f"{address}/check", {}, status=422)
    nurse.fill(f"{address}/step/given?back=check", STEPS["given"])
    enrolled(nurse, address)


def test_a_doubtful_result_is_asked_about(registry: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse")
    address = filled(nurse, STEPS | {"labs": STEPS["labs"] | {"labs-3-value": "9000"}})
    page = nurse.fill(f"{address}/check", {}, status=422)
    assert "hardly possible" in text_of(page.text)
    nurse.send(page, {"confirmed": "yes"})


def test_pressing_twice_enrols_once(registry: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse")
    page = nurse.get(f"{filled(nurse)}/check")
    first, second = nurse.send(page, {}), nurse.send(page, {})
    assert first.headers["Location"] == second.headers["Location"]
    with reading(registry) as session:
        assert len(session.scalars(select(Patient)).all()) == 1


def test_nobody_enrols_at_another_site(registry: Runtime, app: Flask, sign_in: SignIn) -> None:
    a_site(registry, "B")
    nurse = sign_in("nurse")
    data = STEPS["consent"] | {"site": "B"}
    page = nurse.fill(f"{begun(nurse)}/step/consent", data, status=422)
    assert "This is none of your clinics" in text_of(page.text)


def test_giving_up_destroys_what_was_typed(registry: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse")
    address = filled(nurse, {"identity": STEPS["identity"]})
    nurse.send(nurse.get(address), {}, action=f"{address}/drop")
    with reading(registry) as session:
        assert session.scalars(select(EnrolmentDraft)).all() == []
