"""The rows of the files that come in: one schema per file, one field per column."""

from marshmallow import Schema

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
)

SEX = {"f": "female", "w": "female", "woman": "female", "m": "male", "man": "male"}
ROUTES = {
    "iv": "intravenous",
    "i.v.": "intravenous",
    "it": "intrathecal",
    "i.t.": "intrathecal",
    "lumbar puncture": "intrathecal",
}
STATUSES = ("complete", "partial", "refused", "other", "undeliverable", "no_contact")
ANSWERED = ("complete", "partial")


class PatientRowSchema(Schema):
    """patients.csv; any other column is a baseline covariate."""

    patient_id = StudyNumber(required=True)
    site = Code(40, required=True)
    treatment_date = Day(required=True)
    name = PlainText(200)
    email = Email()
    telephone = Telephone()
    birth_date = Day()
    sex = Choice(("female", "male", "other", "unknown"), SEX)
    age = Whole(0, 120)
    language = Language()
    time_zone = Zone()
    consented_on = Day()
    consent_version = PlainText(40)
    diagnosis = PlainText(40)
    death_date = Day()
    withdrawal_date = Day()
    cell_source = PlainText(40)
    donor = PlainText(40)
    passage = PlainText(40)
    lot = PlainText(80)
    certificate = PlainText(200)
    cells_total = PlainText(40)


class AdministrationRowSchema(Schema):
    """administrations.csv."""

    patient_id = Code(40, required=True)
    given_on = Day(required=True)
    route = Choice(("intravenous", "intrathecal", "other"), ROUTES, required=True)
    cells = PlainText(40)


class SurveyRowSchema(Schema):
    """surveys.csv; any other column is an outcome, a number."""

    patient_id = Code(40, required=True)
    wave_month = Whole(0, 600, required=True)
    invited_on = Day()
    status = Choice(STATUSES, required=True)
    completed_on = Day()


class AdverseEventRowSchema(Schema):
    """adverse_events.csv."""

    patient_id = Code(40, required=True)
    term = PlainText(200, required=True)
    onset_date = Day(required=True)
    grade = Whole(1, 5)
    serious = YesNo(required=True)
    related = YesNo()
    source = Choice(("clinic", "patient"))
    confirmed_on = Day()


class LabRowSchema(Schema):
    """labs.csv; the last two columns are the reporting laboratory's own limits, if it gave any.

    An empty unit is refused by the laboratory table, which offers the units of the test.
    """

    patient_id = Code(40, required=True)
    code = PlainText(60, required=True)
    value = PlainText(40, required=True)
    unit = PlainText(40)
    collected_on = Day(required=True)
    reference_low = Amount()
    reference_high = Amount()
