"""Patients by API: listed, read without identity."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from factories import a_patient, a_person, a_site
from flask import Flask
from functional.program import Program, program_for
from sqlalchemy import select

from registry.actions.facts import Course, Given, MedicineTaken
from registry.db import reading
from registry.models import AuditEvent
from registry.runtime import Runtime


@pytest.fixture
def nurse(app: Flask, registry: Runtime) -> Program:
    return program_for(app, registry, "nurse")


def test_a_patient_is_read_without_who_it_is(registry: Runtime, nurse: Program) -> None:
    person = a_person(name="Zora Planted", telephone="+49 30 5550777", birth_date=date(1990, 7, 13))
    patient = a_patient(
        registry,
        person=person,
        course=Course(cell_source="umbilical_cord", lot="UC-1"),
        administrations=(Given(given_on=date(2025, 12, 29), route="intravenous", cells="62e6"),),
        medicines=(MedicineTaken(medicine_class="corticosteroid", name="prednisolone",
                                 daily_dose_mg=Decimal("12.5")),),
        covariates={"centre_volume": Decimal(4), "colour": "green"},
    )  # fmt: skip
    told = nurse.get(f"/patients/{patient.study_number}")
    assert told["number"] == patient.study_number
    assert (told["site"], told["treated_on"]) == ("A", "2025-12-29")
    assert told["demographics"] == {"sex": "female", "age": 40, "language": "en", "zone": None}
    assert told["courses"][0]["lot"] == "UC-1"
    assert told["administrations"][0]["cells"] == "62e6"
    assert told["medicines"][0]["prednisone_mg_per_day"] == 12.5
    expected = {"centre_volume": 4.0, "colour": "green", "prednisone_mg_per_day": 12.5}
    assert told["covariates"] == expected
    assert [one["month"] for one in told["follow_ups"]] == [1, 3, 6, 12, 24]
    for secret in ("Zora", "Planted", person.email, "5550777", "1990"):
        assert str(secret) not in json.dumps(told)


def test_reading_a_patient_is_in_the_trail(registry: Runtime, nurse: Program) -> None:
    patient = a_patient(registry)
    nurse.get(f"/patients/{patient.study_number}")
    with reading(registry) as session:
        read = select(AuditEvent.subject, AuditEvent.by).where(AuditEvent.action == "patient.read")
        assert session.execute(read).all() == [(f"patient:{patient.patient_id}", nurse.user.email)]


def test_a_study_number_may_hold_blanks_and_a_slash(registry: Runtime, nurse: Program) -> None:
    for number in ("MSC 7/2024 #3", "A/labs/b"):
        a_patient(registry, study_number=number)
        address = "/patients/" + number.replace(" ", "%20").replace("#", "%23")
        assert nurse.get(address)["number"] == number
        assert nurse.get(f"{address}/labs") == []


def test_the_list_holds_numbers_of_own_sites_in_pages(
    app: Flask, registry: Runtime, nurse: Program
) -> None:
    for number in ("R-1", "R-2", "R-3"):
        a_patient(registry, study_number=number)
    a_patient(registry, "B", study_number="R-2b")
    first = nurse.get("/patients", query_string={"limit": 2})
    assert first == {
        "patients": [{"number": "R-1", "site": "A"}, {"number": "R-2", "site": "A"}],
        "next": "R-2",
    }
    rest = nurse.get("/patients", query_string={"limit": 2, "after": first["next"]})
    assert rest == {"patients": [{"number": "R-3", "site": "A"}], "next": None}
    assert nurse.get("/patients", query_string={"site": "B"})["patients"] == []
    everywhere = program_for(app, registry, "data_manager", site=None)
    assert len(everywhere.get("/patients")["patients"]) == 4


@pytest.mark.parametrize("limit", [0, 501, "many"])
def test_pages_have_bounds(nurse: Program, limit: object) -> None:
    assert nurse.get("/patients", 422, query_string={"limit": limit})["errors"].keys() == {"limit"}


# ---- enrolment

ENROLMENT: dict[str, Any] = {
    "site": "A",
    "treated_on": "2025-12-29",
    "name": "Zora Planted",
    "email": "zora@example.org",
    "telephone": "+49 30 5550777",
    "birth_date": "1990-07-13",
    "sex": "female",
    "consent_version": "1",
    "consented_on": "2025-12-20",
    "diagnosis": "systemic",
    "cell_source": "umbilical_cord",
    "medicines": [
        {"medicine_class": "corticosteroid", "name": "prednisolone", "daily_dose_mg": 12.5}
    ],
    "administrations": [{"given_on": "2025-12-29", "route": "intravenous", "cells": "62e6"}],
    "labs": [{"test": "creatinine", "value": "0.8", "unit": "mg/dL", "collected_on": "2025-12-28"}],
    "covariates": [{"name": "sledai", "value": "11"}],
}


def test_a_patient_is_enrolled_with_the_plan(registry: Runtime, nurse: Program) -> None:
    answer = nurse.call("POST", "/patients", 201, json=ENROLMENT)
    told = answer.get_json()
    assert told["number"] == "R-0001"
    assert answer.headers["Location"] == "/api/v1/patients/R-0001"
    assert [one["month"] for one in told["follow_ups"]] == [1, 3, 6, 12, 24]
    assert "Zora" not in answer.text
    record = nurse.get("/patients/R-0001")
    assert record["follow_ups"] == told["follow_ups"]
    assert (record["demographics"]["age"], record["covariates"]["sledai"]) == (35, 11.0)
    assert nurse.get("/patients/R-0001/labs")[0]["flag"] == "normal"


def test_the_same_enrolment_again_is_the_same_patient(registry: Runtime, nurse: Program) -> None:
    first = nurse.post("/patients", ENROLMENT, once="one")
    assert nurse.post("/patients", ENROLMENT, once="one") == first
    assert nurse.get("/patients")["patients"] == [{"number": "R-0001", "site": "A"}]


def test_an_address_or_a_number_that_is_enrolled_is_refused(
    registry: Runtime, nurse: Program
) -> None:
    nurse.post("/patients", ENROLMENT | {"study_number": "MSC 7"})
    told = nurse.post("/patients", ENROLMENT, 409)
    assert "already enrolled" in told["detail"]
    other = {"email": "other@example.org", "study_number": "MSC 7"}
    assert "MSC 7" in nurse.post("/patients", ENROLMENT | other, 409)["detail"]


@pytest.mark.parametrize("site", ["B", "nowhere"])
def test_enrolment_is_at_own_sites_only(registry: Runtime, nurse: Program, site: str) -> None:
    a_site(registry, "B")
    told = nurse.post("/patients", ENROLMENT | {"site": site}, 422)
    assert told["errors"] == {"site": [f"{site} is none of your sites."]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "zora"}, "email"),
        ({"treated_on": "2026-02-01"}, "treated_on"),
        ({"diagnosis": "gout"}, "diagnosis"),
        ({"labs": [{"test": "creatinine"}]}, "labs"),
        ({"medicines": [{"medicine_class": "sweets"}]}, "medicines"),
        ({"favourite_colour": "green"}, "favourite_colour"),
    ],
)
def test_an_enrolment_that_cannot_be_is_refused_by_field(
    registry: Runtime, nurse: Program, change: dict[str, Any], field: str
) -> None:
    told = nurse.post("/patients", ENROLMENT | change, 422)
    assert field in told["errors"]
    assert nurse.get("/patients")["patients"] == []


def test_a_hardly_possible_result_is_asked_about(registry: Runtime, nurse: Program) -> None:
    slip = ENROLMENT | {"labs": [ENROLMENT["labs"][0] | {"value": "80"}]}
    told = nurse.post("/patients", slip, 422)
    assert "is the unit right?" in told["errors"]["confirmed"][0]
    nurse.post("/patients", slip | {"confirmed": True})
