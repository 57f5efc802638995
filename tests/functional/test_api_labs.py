"""Laboratory results by API."""

import pytest
from factories import a_patient
from flask import Flask
from functional.program import Program, program_for

from registry.runtime import Runtime

CREATININE = {"test": "creatinine", "value": "0.8", "unit": "mg/dL", "collected_on": "2026-01-02"}


@pytest.fixture
def nurse(app: Flask, registry: Runtime) -> Program:
    return program_for(app, registry, "nurse")


@pytest.fixture
def labs(registry: Runtime) -> str:
    return f"/patients/{a_patient(registry).study_number}/labs"


def test_a_result_is_kept_as_reported_and_in_the_canonical_unit(nurse: Program, labs: str) -> None:
    made = nurse.post(labs, CREATININE | {"reference_high": "1.1"})
    assert (made["reported_value"], made["reported_unit"]) == ("0.8", "mg/dL")
    assert made["flag"] == "normal"
    assert made["reference_from"] == "laboratory"
    assert nurse.get(labs) == [made]


def test_a_hardly_possible_value_is_asked_about_once(nurse: Program, labs: str) -> None:
    slip = CREATININE | {"value": "80"}
    told = nurse.post(labs, slip, 422)
    assert "is the unit right?" in told["errors"]["confirmed"][0]
    assert nurse.post(labs, slip | {"confirmed": True})["reported_value"] == "80"


def test_numbers_may_come_as_numbers_except_the_value(nurse: Program, labs: str) -> None:
    nurse.post(labs, CREATININE | {"reference_low": 0.5, "reference_high": 1.1})
    assert nurse.post(labs, CREATININE | {"value": 0.8}, 422)["errors"].keys() == {"value"}
