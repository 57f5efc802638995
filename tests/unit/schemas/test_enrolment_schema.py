"""The schema of an enrolment: forms and JSON say the same, and say it in full."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from registry.actions.facts import (
    ConsentGiven,
    Course,
    Enrolment,
    Given,
    Measured,
    MedicineTaken,
    Observed,
)
from registry.queries.identities import Person
from registry.schemas.enrolment import EnrolmentInSchema, enrolment_of

LITTLE = {"site": "BER", "consent_version": "1", "consented_on": "2024-02-20"}
WHOLE: dict[str, Any] = LITTLE | {
    "study_number": "X-7",
    "treated_on": "2024-02-29",
    "name": "Ada Invented",
    "email": "ada@example.org",
    "telephone": "+49 30 5550100",
    "birth_date": "1980-02-29",
    "sex": "female",
    "language": "de",
    "zone": "Europe/Berlin",
    "diagnosis": "systemic",
    "diagnosed_on": "2020-01-01",
    "cell_source": "adipose",
    "donor": "autologous",
    "passage": "P3",
    "lot": "L 7",
    "certificate": "C-1",
    "cells_total": "1e8",
    "medicines": [{"medicine_class": "corticosteroid", "name": "prednisone", "daily_dose_mg": 5}],
    "administrations": [{"given_on": "2024-02-29", "route": "intravenous", "cells": "1e8"}],
    "observations": [{"observed_on": "2024-03-01", "item": "rash", "value": "none"}],
    "labs": [
        {
            "test": "C3",
            "value": "0.8",
            "unit": "g/L",
            "collected_on": "2024-02-28",
            "reference_low": 0.9,
        }
    ],
    "covariates": [{"name": "sledai", "value": "8"}, {"name": "arm", "value": "a"}],
}


def texts(value: Any) -> Any:
    """The same as a form sends it: nothing but text."""
    if isinstance(value, dict):
        return {name: texts(item) for name, item in value.items()}
    return [texts(item) for item in value] if isinstance(value, list) else str(value)


def loaded(data: dict[str, Any]) -> Enrolment:
    return enrolment_of(EnrolmentInSchema().load(data), 3)


def test_form_and_json_say_the_same_in_full() -> None:
    enrolment = loaded(WHOLE)
    assert enrolment == loaded(texts(WHOLE))
    assert enrolment == Enrolment(
        site_id=3,
        study_number="X-7",
        treated_on=date(2024, 2, 29),
        person=Person(
            name="Ada Invented",
            email="ada@example.org",
            telephone="+49 30 5550100",
            birth_date=date(1980, 2, 29),
        ),
        sex="female",
        age=44,
        language="de",
        zone="Europe/Berlin",
        consent=ConsentGiven(version="1", given_on=date(2024, 2, 20), language="de"),
        diagnosis="systemic",
        diagnosed_on=date(2020, 1, 1),
        medicines=(
            MedicineTaken(
                medicine_class="corticosteroid", name="prednisone", daily_dose_mg=Decimal(5)
            ),
        ),
        course=Course(
            cell_source="adipose",
            donor="autologous",
            passage="P3",
            lot="L 7",
            certificate="C-1",
            cells_total="1e8",
        ),
        administrations=(Given(given_on=date(2024, 2, 29), route="intravenous", cells="1e8"),),
        observations=(Observed(observed_on=date(2024, 3, 1), item="rash", value="none"),),
        labs=(
            Measured(
                test="C3",
                value="0.8",
                unit="g/L",
                collected_on=date(2024, 2, 28),
                reference_low=Decimal("0.9"),
            ),
        ),
        covariates={"sledai": Decimal(8), "arm": "a"},
    )


def test_without_a_treatment_date_day_0_is_the_first_administration() -> None:
    given = [
        {"given_on": "2024-03-02", "route": "intravenous"},
        {"given_on": "2024-03-01", "route": "intrathecal"},
    ]
    assert loaded(LITTLE | {"administrations": given}).treated_on == date(2024, 3, 1)


@pytest.mark.parametrize(("born", "age"), [("1980-03-01", 43), ("1980-02-29", 44), (None, None)])
def test_the_age_is_that_on_day_0(born: str | None, age: int | None) -> None:
    known = {"treated_on": "2024-02-29"} | ({"birth_date": born} if born else {})
    assert loaded(LITTLE | known).age == age
    assert loaded(LITTLE | known | {"age": "50"}).age == 50


def test_what_is_missing_or_unknown_is_named() -> None:
    with pytest.raises(ValidationError) as refusal:
        EnrolmentInSchema().load({"colour": "red", "labs": [{"test": "C3"}]})
    assert sorted(refusal.value.messages_dict) == [
        "colour",
        "consent_version",
        "consented_on",
        "labs",
        "site",
    ]
    with pytest.raises(ValidationError, match="day 0 is the first administration"):
        EnrolmentInSchema().load(LITTLE)
