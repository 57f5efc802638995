"""Follow-ups: the plan of a patient, a new link, answers taken by telephone, paper or tablet."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import select

from registry.actions import responses, staff_mail
from registry.actions.responses import Entry
from registry.api.answers import checked
from registry.api.routes import PATIENT, Call, Made, Routes
from registry.api.shapes import (
    AnswersInSchema,
    AnswersSchema,
    FollowUpSchema,
    LinkSchema,
    SentAnswersInSchema,
)
from registry.models import FollowUp, ResponseStatus, known
from registry.queries import protocols, records
from registry.queries import surveys as reading

MONTH = f"{PATIENT}/follow-ups/<int(max=600):month>"
routes = Routes("follow_ups", "The plan of a patient, new links, and answers taken by staff.")


@routes.operation("GET", f"{PATIENT}/follow-ups", FollowUpSchema(many=True))
def plan(call: Call) -> Sequence[FollowUp]:
    """The plan of follow-ups of a patient"""
    return call.session.scalars(
        select(FollowUp).where(FollowUp.patient_id == call.patient.id).order_by(FollowUp.month)
    ).all()


@routes.operation("POST", f"{MONTH}/links", LinkSchema(), status=202)
def send_link(call: Call, month: int) -> FollowUp:
    """Have a letter with a new link sent

    It goes to the address on file, within a minute, and at most once an hour.
    """
    follow_up = _follow_up(call, month)
    staff_mail.ask_new_link(call.session, follow_up.id, by=call.by, at=call.at)
    return follow_up


@routes.operation("GET", f"{MONTH}/answers", AnswersSchema())
def answers(call: Call, month: int) -> Mapping[str, Any]:
    """The answers of one questionnaire, sent or kept so far"""
    return _told(call, _follow_up(call, month))


@routes.operation("PUT", f"{MONTH}/answers", AnswersSchema(), takes=AnswersInSchema())
def keep_answers(call: Call, given: Mapping[str, Any], month: int) -> Mapping[str, Any]:
    """Keep answers without sending them

    The set given takes the place of the one kept before. Month 0 is the questionnaire at
    enrolment.
    """
    return _told(call, _keep(call, given, month))


@routes.operation(
    "POST", f"{MONTH}/answers", AnswersSchema(), status=201, takes=SentAnswersInSchema()
)
def send_answers(call: Call, given: Mapping[str, Any], month: int) -> Made:
    """Send the answers of a questionnaire, which ends the follow-up

    The set given takes the place of what was kept before.
    """
    follow_up = _keep(call, given, month)
    answered_on = given.get("answered_on")
    rules = protocols.in_force(call.session).protocol
    who: Any = {"by_clinic": True, "by": call.by, "at": call.at}
    responses.submit(call.session, follow_up.id, rules, answered_on, **who)
    address = f"/patients/{call.patient.study_number}/follow-ups/{month}/answers"
    return Made(_told(call, follow_up), address)


def _follow_up(call: Call, month: int) -> FollowUp:
    return records.follow_up(call.session, call.patient.id, month)


def _keep(call: Call, given: Mapping[str, Any], month: int) -> FollowUp:
    if month == 0:
        responses.open_enrolment_questionnaire(
            call.session, call.patient.id, by=call.by, at=call.at
        )
    follow_up = _follow_up(call, month)
    on = _day(given.get("answered_on"), reading.local_day(follow_up, call.at))
    kept = checked(follow_up, given["answers"], on)
    entry = Entry(given["mode"], given["respondent"])
    rules = protocols.in_force(call.session).protocol
    who: Any = {"by_clinic": True, "by": call.by, "at": call.at}
    responses.save(call.session, follow_up.id, kept, rules, entry, **who)
    return follow_up


def _day(given: date | None, today: date) -> date:
    if given is not None and given > today:
        raise ValidationError({"answered_on": [f"{given} lies in the future"]})
    return given or today


def _told(call: Call, follow_up: FollowUp) -> Mapping[str, Any]:
    response = reading.response_of(call.session, follow_up)
    told: dict[str, Any] = {
        "month": follow_up.month,
        "state": follow_up.state,
        "instrument": follow_up.instrument_code,
        "instrument_version": follow_up.instrument_version,
        "answers": reading.answers_of(call.session, response),
    }
    if response is None:
        return told
    status = call.session.scalars(
        select(ResponseStatus).where(
            ResponseStatus.response_id == response.id, known(ResponseStatus)
        )
    ).one_or_none()
    columns = ("status", "answered_on", "submitted_at")
    told |= {name: getattr(status, name, None) for name in columns}
    return told | {"mode": response.mode, "respondent": response.respondent}
