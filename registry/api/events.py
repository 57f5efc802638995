"""Adverse events: the clinic's own, and its judgement on what patients told."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, true

from registry import http
from registry.actions import events as actions
from registry.actions.events import Happened
from registry.api.routes import PATIENT, Call, Made, Routes
from registry.api.shapes import EventSchema, ReportedEventSchema, WaitingSchema
from registry.models import AdverseEvent, Patient, ReportedEvent, known
from registry.queries import records
from registry.schemas.events import (
    AdverseEventInSchema,
    LinkedReportInSchema,
    RejectedReportInSchema,
)

TOLD = f"{PATIENT}/reported-events"
MOST = 500
routes = Routes("events", "Adverse events of a patient, and what the patient told of them.")


@routes.operation("GET", f"{PATIENT}/events", EventSchema(many=True))
def events(call: Call) -> Sequence[AdverseEvent]:
    """The adverse events that the clinic recorded or confirmed"""
    return records.current(call.session, AdverseEvent, call.patient.id, AdverseEvent.onset_on)


@routes.operation(
    "POST", f"{PATIENT}/events", EventSchema(), status=201, takes=AdverseEventInSchema()
)
def record(call: Call, happened: Happened) -> Made:
    """Record an adverse event"""
    event = actions.record_adverse_event(
        call.session, call.patient.id, happened, by=call.by, at=call.at
    )
    return Made(event, f"/patients/{call.patient.study_number}/events")


@routes.operation("GET", "/reported-events", WaitingSchema(many=True))
def waiting(call: Call) -> list[Mapping[str, Any]]:
    """What patients of your sites told and nobody has judged yet, the serious first

    At most 500; the rest follows once these are judged.
    """
    sites = http.asker().sites(http.roles_here())
    rows = call.session.execute(
        select(ReportedEvent, Patient.study_number)
        .join(Patient, Patient.id == ReportedEvent.patient_id)
        .where(ReportedEvent.state == "waiting", known(ReportedEvent))
        .where(true() if sites is None else Patient.site_id.in_(sites))
        .order_by(ReportedEvent.serious.desc(), ReportedEvent.recorded_at, ReportedEvent.id)
        .limit(MOST)
    ).all()
    for event, _ in rows:
        http.note_read(event.patient_id, "api_events.waiting")
    return [{"number": number, "event": event} for event, number in rows]


@routes.operation("GET", TOLD, ReportedEventSchema(many=True))
def told(call: Call) -> Sequence[ReportedEvent]:
    """What a patient told in answers, in the patient's words, and how it was judged"""
    return records.current(call.session, ReportedEvent, call.patient.id, ReportedEvent.recorded_at)


@routes.operation(
    "POST", f"{TOLD}/<key>/confirmation", EventSchema(), status=201, takes=AdverseEventInSchema()
)
def confirm(call: Call, happened: Happened, key: str) -> Made:
    """Confirm what a patient told as an adverse event, in the clinic's words"""
    event = actions.confirm_reported(
        call.session, _report(call, key), happened, by=call.by, at=call.at
    )
    return Made(event, f"/patients/{call.patient.study_number}/events")


@routes.operation("POST", f"{TOLD}/<key>/link", ReportedEventSchema(), takes=LinkedReportInSchema())
def link(call: Call, given: Mapping[str, Any], key: str) -> ReportedEvent:
    """Confirm what a patient told as an event that is recorded already"""
    event = records.fact(call.session, AdverseEvent, call.patient.id, given["event"])
    actions.link_reported(call.session, _report(call, key), event, by=call.by, at=call.at)
    return _report(call, key)


@routes.operation(
    "POST", f"{TOLD}/<key>/rejection", ReportedEventSchema(), takes=RejectedReportInSchema()
)
def reject(call: Call, given: Mapping[str, Any], key: str) -> ReportedEvent:
    """Judge that what a patient told is no adverse event, and say why"""
    actions.reject_reported(
        call.session, _report(call, key), reason=given["reason"], by=call.by, at=call.at
    )
    return _report(call, key)


def _report(call: Call, key: str) -> ReportedEvent:
    return records.fact(call.session, ReportedEvent, call.patient.id, key)
