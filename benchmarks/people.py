"""Plainly invented patients, the same in every run."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from registry.actions.facts import ConsentGiven, Course, Enrolment, Given, MedicineTaken
from registry.queries.identities import Person

FIRST_DAY = date(2024, 1, 15)
SITES = 12
COLUMNS = (
    "patient_id", "site", "treatment_date", "name", "email", "telephone", "birth_date", "sex",
    "age", "consented_on", "consent_version", "diagnosis", "cell_source", "donor", "passage",
    "cells_total", "crp", "nephritis",
)  # fmt: skip


def patients_csv(file: Path, count: int) -> Path:
    """A cohort as patients.csv, treated over eight months at twelve sites, all columns filled."""
    with file.open("w", encoding="utf-8", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(COLUMNS)
        rows.writerows(_row(number) for number in range(1, count + 1))
    return file


def _row(number: int) -> Iterator[object]:
    treated_on = FIRST_DAY + timedelta(days=number % 240)
    age = 20 + number % 50
    yield from (f"P-{number:06}", f"S{number % SITES + 1}", treated_on)
    yield from (f"Ada Invented{number}", f"ada{number}@example.org", f"+49 30 555{number:06}")
    yield date(treated_on.year - age, 1 + number % 12, 1 + number % 28)
    yield "male" if number % 10 == 0 else "female"
    yield from (age, treated_on, "1", "systemic", "umbilical_cord", "allogeneic", "P4")
    yield from (f"{50 + number % 30}e6", number % 97 / 10, "yes" if number % 3 else "no")


def enrolment(number: int, site_id: int, treated_on: date) -> Enrolment:
    """A patient as the clinic's form tells: identity, consent, medicines, two administrations."""
    prednisolone = MedicineTaken(
        medicine_class="corticosteroid", name="prednisolone", daily_dose_mg=Decimal(number % 30)
    )
    return Enrolment(
        site_id=site_id,
        treated_on=treated_on,
        person=Person(
            name=f"Ada Invented{number}",
            email=f"ada{number}@example.org",
            telephone=f"+49 30 555{number:06}",
            birth_date=date(1985, 1 + number % 12, 1 + number % 28),
        ),
        sex="female",
        age=40,
        consent=ConsentGiven(version="1", given_on=treated_on),
        diagnosis="systemic",
        medicines=(prednisolone, MedicineTaken(medicine_class="antimalarial")),
        course=Course(cell_source="umbilical_cord", donor="allogeneic", cells_total="124e6"),
        administrations=(
            Given(given_on=treated_on, route="intravenous", cells="62e6"),
            Given(given_on=treated_on, route="intravenous", cells="62e6"),
        ),
        covariates={"crp": Decimal(number % 97) / 10, "nephritis": "yes" if number % 3 else "no"},
    )


def enrolment_json(number: int, treated_on: str) -> dict[str, object]:
    """The same patient as a program tells the API."""
    given = {"given_on": treated_on, "route": "intravenous", "cells": "62e6"}
    return {
        "site": "A", "treated_on": treated_on, "name": f"Ada Invented{number}",
        "email": f"ada{number}@example.org", "telephone": f"+49 30 555{number:06}",
        "birth_date": f"1985-{1 + number % 12:02}-{1 + number % 28:02}", "sex": "female",
        "consent_version": "1", "consented_on": treated_on, "diagnosis": "systemic",
        "cell_source": "umbilical_cord", "donor": "allogeneic", "cells_total": "124e6",
        "medicines": [
            {"medicine_class": "corticosteroid", "name": "prednisolone",
             "daily_dose_mg": number % 30},
            {"medicine_class": "antimalarial"},
        ],
        "administrations": [given, given],
        "covariates": [
            {"name": "crp", "value": str(number % 97 / 10)},
            {"name": "nephritis", "value": "yes" if number % 3 else "no"},
        ],
    }  # fmt: skip
