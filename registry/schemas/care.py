"""What the care team enters about a patient, besides enrolment, events and results."""

from marshmallow import Schema

from registry.schemas.enrolment import AdministrationInSchema, ObservationInSchema
from registry.schemas.fields import (
    Choice,
    Code,
    Day,
    Email,
    Language,
    Lines,
    PlainText,
    Telephone,
    Whole,
    YesNo,
    Zone,
)

LONGEST_REASON = 500


class DeathInSchema(Schema):
    """The patient died."""

    died_on = Day(required=True)
    cause = PlainText(200)


class WithdrawalInSchema(Schema):
    """The patient wants no contact, or leaves the registry."""

    withdrawn_on = Day(required=True)
    scope = Choice(("contact", "registry"), required=True)
    why = Lines(LONGEST_REASON)


class CorrectionSchema(Schema):
    """Every correction says why."""

    reason = Lines(LONGEST_REASON, required=True)


class CorrectedDeathSchema(CorrectionSchema):
    """Another day of death; or, with `undo`, none."""

    died_on = Day()
    undo = YesNo()


class CorrectedWithdrawalSchema(CorrectionSchema):
    """Another day of withdrawal; or, with `undo`, none."""

    withdrawn_on = Day()
    undo = YesNo()


class TreatmentDateSchema(CorrectionSchema):
    """Another day 0."""

    treated_on = Day(required=True)


class CourseSchema(CorrectionSchema):
    """The cells of a course, corrected."""

    cell_source = PlainText(40)
    donor = PlainText(40)
    passage = PlainText(40)
    lot = PlainText(80)
    certificate = PlainText(200)
    cells_total = PlainText(40)


class FurtherCourseSchema(Schema):
    """A further course."""

    started_on = Day(required=True)
    cell_source = Code(40)
    donor = Code(40)
    passage = PlainText(40)
    lot = PlainText(80)
    certificate = PlainText(200)
    cells_total = PlainText(40)


class GivenSchema(AdministrationInSchema):
    """An administration of a course."""

    course_number = Whole(1, 100, required=True)


class ObservedSchema(ObservationInSchema):
    """An item of the record after a course."""

    course_number = Whole(1, 100, required=True)


class BaselineSchema(CorrectionSchema):
    """What is known of the patient that does not identify, corrected."""

    diagnosis = PlainText(40)
    sex = Choice(("female", "male", "other"))
    age = Whole(0, 120)
    language = Language(required=True)
    zone = Zone()


class IdentitySchema(CorrectionSchema):
    """Who the patient is, corrected: the whole of it."""

    name = PlainText(200)
    email = Email()
    telephone = Telephone()
    birth_date = Day()


class MailPreferencesSchema(Schema):
    """When and how often a patient wants to be written to, and whether at all."""

    hour = Whole(0, 23)
    zone = Zone(required=True)
    reminders = Choice(("all", "fewer"), required=True)
    day = Day()
    part = Choice(("morning", "afternoon", "evening"))
    stop = YesNo()


class ConsentInSchema(Schema):
    """A consent."""

    version = Code(40, required=True)
    given_on = Day(required=True)


class CallInSchema(Schema):
    """What came of a call."""

    code = Choice(("promised", "no_contact", "refused", "undeliverable", "other"), required=True)
    called_on = Day(required=True)
    note = Lines(500)


class ClosedAlertSchema(Schema):
    """What was done about an alert."""

    done = Lines(500, required=True)
