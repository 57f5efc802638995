"""What the API answers with, and what only it takes in."""

from datetime import datetime

from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import OneOf

from registry.models.follow_ups import RESPONDENTS
from registry.schemas.fields import Amount, Choice, Code, Day, Whole

MODES = ("phone", "paper", "tablet")


class FollowUpSchema(Schema):
    """One planned questionnaire; its answers count from `opens_on` to `closes_on`."""

    month = fields.Integer(required=True, metadata={"description": "months after treatment"})
    due_on = fields.Date(required=True)
    opens_on = fields.Date(required=True)
    closes_on = fields.Date(required=True)
    state = fields.String(
        required=True,
        validate=OneOf(("planned", "open", "answered", "answered_late", "missed", "cancelled")),
    )
    state_reason = fields.String(allow_none=True)


class LinkSchema(Schema):
    """Of which questionnaire a new link was asked for; it is mailed to the address on file."""

    month = fields.Integer(required=True)
    asked_at = fields.AwareDateTime(attribute="link_asked_at", required=True)


class AnswersInSchema(Schema):
    """Answers taken by telephone, from paper or on the clinic's tablet; always the whole set.

    `answers`: by question code, as the questionnaire writes them: a code, a list of codes, a
    number, a text, a day (2024-02-29) or month (2024-02), or prefer_not_to_say.
    """

    mode = Choice(MODES, required=True)
    respondent = Choice(RESPONDENTS, load_default="self")
    answers = fields.Dict(keys=fields.String(), values=fields.Raw(), required=True)


class SentAnswersInSchema(AnswersInSchema):
    """Answers to be sent, which ends the follow-up."""

    answered_on = Day(metadata={"description": "the day on a paper form; else today"})


class AnswersSchema(Schema):
    """What was answered so far; `submitted_at` is null while it is a draft."""

    month = fields.Integer(required=True)
    state = fields.String(required=True)
    instrument = fields.String(required=True)
    instrument_version = fields.String(required=True)
    mode = fields.String(allow_none=True)
    respondent = fields.String(allow_none=True)
    status = fields.String(allow_none=True, validate=OneOf(("complete", "partial", "break_off")))
    answered_on = fields.Date(allow_none=True)
    submitted_at = fields.AwareDateTime(allow_none=True)
    answers = fields.Dict(keys=fields.String(), required=True)


class LabSchema(Schema):
    """A result as reported, and converted; the flag is against the limits given."""

    id = fields.String(attribute="fact_key", required=True)
    test = fields.String(required=True)
    loinc = fields.String(allow_none=True)
    collected_on = fields.Date(required=True)
    reported_value = fields.String(required=True)
    reported_unit = fields.String(required=True)
    comparator = fields.String(allow_none=True)
    value = Amount(allow_none=True)
    unit = fields.String(required=True)
    reference_low = Amount(allow_none=True)
    reference_high = Amount(allow_none=True)
    reference_from = fields.String(allow_none=True)
    flag = fields.String(allow_none=True)
    grade = fields.Integer(allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)


def _in_reach(instant: datetime) -> None:
    if not 1900 <= instant.year <= 2200:
        raise ValidationError("is not in a year between 1900 and 2200")


class ReportQuerySchema(Schema):
    """Which report: its cut-off, what was known when, and of which site."""

    as_of = Day(metadata={"description": "data cut-off, like 2026-01-31; else today"})
    known_at = fields.AwareDateTime(
        validate=_in_reach,
        metadata={"description": "leaves out what was recorded or corrected later"},
    )
    site = Code(40, metadata={"description": "only this site (its code)"})


class ProtocolSchema(Schema):
    """The protocol that a report is of."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    fingerprint = fields.String(required=True)


class ReportSchema(Schema):
    """The report; docs/api.md says where its keys are explained."""

    as_of = fields.Date(required=True)
    protocol = fields.Nested(ProtocolSchema, required=True)
    software_version = fields.String(required=True)
    profile = fields.String(required=True, validate=OneOf(("internal", "release")))
    treated = fields.Raw(required=True)
    waves = fields.Dict(keys=fields.String(), required=True)
    safety = fields.Dict(keys=fields.String(), required=True)
    safety_patient = fields.Dict(keys=fields.String(), required=True)
    survival = fields.Dict(keys=fields.String(), required=True)
    comparisons = fields.List(fields.Dict(keys=fields.String()), required=True)


class FindSchema(Schema):
    """Which patients, and how many at once."""

    site = Code(40, metadata={"description": "only this site (its code)"})
    after = Code(
        40, metadata={"description": "begin behind this number, which is next of the page before"}
    )
    limit = Whole(1, 500, load_default=100, metadata={"description": "from 1 to 500; else 100"})


class FoundSchema(Schema):
    """A patient who was found."""

    number = fields.String(required=True, metadata={"description": "study number"})
    site = fields.String(required=True)


class PageSchema(Schema):
    """Patients in order of study number; `next` is null on the last page."""

    patients = fields.List(fields.Nested(FoundSchema), required=True)
    next = fields.String(allow_none=True, required=True)


class DemographicsSchema(Schema):
    """What is known of the patient that does not identify; `age` in years at treatment."""

    sex = fields.String(allow_none=True)
    age = fields.Integer(allow_none=True)
    language = fields.String(required=True)
    zone = fields.String(allow_none=True)


class ConsentSchema(Schema):
    """A consent."""

    consent_version = fields.String(required=True)
    language = fields.String(required=True)
    given_on = fields.Date(required=True)
    withdrawn_on = fields.Date(allow_none=True)


class DiagnosisSchema(Schema):
    """The diagnosis by its type."""

    kind = fields.String(required=True)
    diagnosed_on = fields.Date(allow_none=True)


class MedicineSchema(Schema):
    """A medicine at baseline."""

    medicine_class = fields.String(required=True)
    name = fields.String()
    daily_dose_mg = Amount(allow_none=True)
    prednisone_mg_per_day = Amount(allow_none=True)


class CourseSchema(Schema):
    """A course of treatment; cells as the record gives them."""

    number = fields.Integer(required=True)
    started_on = fields.Date(required=True)
    cell_source = fields.String(allow_none=True)
    donor = fields.String(allow_none=True)
    passage = fields.String(allow_none=True)
    lot = fields.String(allow_none=True)
    certificate = fields.String(allow_none=True)
    cells_total = fields.String(allow_none=True)


class AdministrationSchema(Schema):
    """One giving of cells."""

    course_number = fields.Integer(required=True)
    given_on = fields.Date(required=True)
    route = fields.String(required=True)
    cells = fields.String(allow_none=True)


class DeathSchema(Schema):
    """The patient died."""

    died_on = fields.Date(required=True)
    cause = fields.String(allow_none=True)


class WithdrawalSchema(Schema):
    """The patient left, or wants no contact."""

    withdrawn_on = fields.Date(required=True)
    scope = fields.String(required=True, validate=OneOf(("contact", "registry")))


class PatientSchema(Schema):
    """A patient as known now, without who it is."""

    number = fields.String(attribute="patient.study_number", required=True)
    site = fields.String(attribute="site.code", required=True)
    treated_on = fields.Date(required=True)
    demographics = fields.Nested(DemographicsSchema, required=True)
    diagnosis = fields.Nested(DiagnosisSchema, allow_none=True)
    consents = fields.List(fields.Nested(ConsentSchema))
    medicines = fields.List(fields.Nested(MedicineSchema))
    courses = fields.List(fields.Nested(CourseSchema))
    administrations = fields.List(fields.Nested(AdministrationSchema))
    covariates = fields.Function(
        lambda record: {
            one.name: float(one.number) if one.code is None else one.code
            for one in record.covariates
        },
        metadata={"type": "object", "description": "baseline characteristics by name"},
    )
    death = fields.Nested(DeathSchema, allow_none=True)
    withdrawal = fields.Nested(WithdrawalSchema, allow_none=True)
    follow_ups = fields.Function(
        lambda record: FollowUpSchema(many=True).dump([line.follow_up for line in record.lines]),
        metadata={"type": "array", "items": {"$ref": "#/components/schemas/FollowUp"}},
    )


class EnrolledSchema(Schema):
    """A patient who was just enrolled, with the plan of follow-ups."""

    number = fields.String(attribute="study_number", required=True)
    follow_ups = fields.List(fields.Nested(FollowUpSchema), attribute="plan", required=True)


class EventSchema(Schema):
    """An adverse event that the clinic recorded or confirmed."""

    id = fields.String(attribute="fact_key", required=True)
    term = fields.String(required=True)
    onset_on = fields.Date(required=True)
    ended_on = fields.Date(allow_none=True)
    grade = fields.Integer(allow_none=True)
    ctcae_version = fields.String(allow_none=True)
    serious = fields.Boolean(required=True)
    serious_because = fields.List(fields.String())
    related = fields.Boolean(allow_none=True)
    outcome = fields.String(allow_none=True)
    confirmed_on = fields.Date(allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)


class ReportedEventSchema(Schema):
    """A health problem in the patient's own words; `event`: the clinic's event made of it."""

    id = fields.String(attribute="fact_key", required=True)
    term = fields.String(required=True)
    onset_on = fields.Date(allow_none=True)
    severity = fields.String(allow_none=True)
    grade = fields.Integer(allow_none=True)
    in_hospital = fields.Boolean(allow_none=True)
    still_there = fields.Boolean(allow_none=True)
    serious = fields.Boolean(required=True)
    state = fields.String(required=True, validate=OneOf(("waiting", "confirmed", "rejected")))
    event = fields.String(attribute="adverse_event_key", allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)


class WaitingSchema(Schema):
    """What a patient told and nobody has judged yet."""

    number = fields.String(required=True, metadata={"description": "study number"})
    event = fields.Nested(ReportedEventSchema, required=True)
