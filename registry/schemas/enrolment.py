"""An enrolment as it comes by form or JSON; the same words in both."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

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
from registry.schemas.fields import (
    Amount,
    Choice,
    Code,
    Day,
    Email,
    Language,
    PlainText,
    StudyNumber,
    Telephone,
    Whole,
    YesNo,
    Zone,
    read_number,
)
from registry.schemas.labs import LabInSchema

PERSON = ("name", "email", "telephone", "birth_date")
COURSE = ("cell_source", "donor", "passage", "lot", "certificate", "cells_total")


class MedicineInSchema(Schema):
    """A medicine at baseline."""

    medicine_class = Code(40, required=True)
    name = PlainText(100)
    daily_dose_mg = Amount("0", "100000")
    prednisone_mg_per_day = Amount("0", "100000")


class AdministrationInSchema(Schema):
    """One administration; `cells` as the record says."""

    given_on = Day(required=True)
    route = Code(40, required=True)
    cells = PlainText(40)


class ObservationInSchema(Schema):
    """One item of the record of the first 24 to 48 hours."""

    observed_on = Day(required=True)
    item = Code(60, required=True)
    value = PlainText(200, required=True)


class CovariateInSchema(Schema):
    """A baseline characteristic: a number, or a code."""

    name = Code(60, required=True)
    value = PlainText(40, required=True)


class EnrolmentInSchema(Schema):
    """A new patient. Without `treated_on` day 0 is the first administration."""

    site = Code(40, required=True)
    study_number = StudyNumber()
    treated_on = Day()
    name = PlainText(200)
    email = Email()
    telephone = Telephone()
    birth_date = Day()
    sex = Choice(("female", "male", "other"))
    age = Whole(0, 120)
    language = Language()
    zone = Zone()
    consent_version = Code(40, required=True)
    consented_on = Day(required=True)
    diagnosis = Code(40)
    diagnosed_on = Day()
    cell_source = Code(40)
    donor = Code(40)
    passage = PlainText(40)
    lot = PlainText(80)
    certificate = PlainText(200)
    cells_total = PlainText(40)
    medicines = fields.List(fields.Nested(MedicineInSchema))
    administrations = fields.List(fields.Nested(AdministrationInSchema))
    observations = fields.List(fields.Nested(ObservationInSchema))
    labs = fields.List(fields.Nested(LabInSchema, exclude=("confirmed",)))
    covariates = fields.List(fields.Nested(CovariateInSchema))
    confirmed = YesNo(metadata={"description": "results hardly possible are as reported"})

    @validates_schema
    def has_day_0(self, data: Mapping[str, Any], **_: Any) -> None:
        """There is no plan without a day of treatment."""
        if "treated_on" not in data and not data.get("administrations"):
            raise ValidationError("is missing; day 0 is the first administration", "treated_on")


def enrolment_of(data: Mapping[str, Any], site_id: int) -> Enrolment:
    """The enrolment that a loaded EnrolmentInSchema says, at the site that its code stands for."""
    given = tuple(Given(**item) for item in data.get("administrations", ()))
    language = data.get("language", "en")
    born = data.get("birth_date")
    treated_on = data.get("treated_on") or min(one.given_on for one in given)
    same_day = born is not None and (treated_on.month, treated_on.day) >= (born.month, born.day)
    age = None if born is None else max(treated_on.year - born.year - (not same_day), 0)
    return Enrolment(
        site_id=site_id,
        study_number=data.get("study_number"),
        treated_on=treated_on,
        person=Person(**{name: data.get(name) for name in PERSON}),
        sex=data.get("sex"),
        age=data.get("age", age),
        language=language,
        zone=data.get("zone"),
        consent=ConsentGiven(
            version=data["consent_version"], given_on=data["consented_on"], language=language
        ),
        diagnosis=data.get("diagnosis"),
        diagnosed_on=data.get("diagnosed_on"),
        medicines=tuple(MedicineTaken(**item) for item in data.get("medicines", ())),
        course=Course(**{name: data.get(name) for name in COURSE}),
        administrations=given,
        observations=tuple(Observed(**item) for item in data.get("observations", ())),
        labs=tuple(Measured(**item) for item in data.get("labs", ())),
        covariates={item["name"]: _value(item["value"]) for item in data.get("covariates", ())},
    )


def _value(text: str) -> Any:
    number = read_number(text)
    return text if number is None else number
