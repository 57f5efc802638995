"""Adverse events: entered by the clinic, corrected, and what patients told, looked at."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import EXCLUDE, Schema, post_load
from sqlalchemy.orm import Session

from registry import http
from registry.actions import events as actions
from registry.actions.events import Happened
from registry.db import reading
from registry.models import AdverseEvent, ReportedEvent
from registry.queries import records
from registry.schemas.care import CorrectionSchema
from registry.schemas.events import (
    AdverseEventInSchema,
    LinkedReportInSchema,
    RejectedReportInSchema,
)
from registry.schemas.fields import Choice, YesNo
from registry.web import labels
from registry.web.forms import Box, FormPage
from registry.web.patients import address_of, crumbs

events = Blueprint("events", __name__)
NEAR = timedelta(days=60)
REASON = Box("reason", "Reason for the correction", "lines", hint="It stays with the record")
UNDO = Box("undo", "There was no such event: take it back", "tick")
YES_NO = (("yes", "Yes"), ("no", "No"))
BOXES = (
    Box("term", "What happened, in a clinician's words", hint="Like pneumonia or herpes zoster"),
    Box("onset_on", "Onset", "date"),
    Box("ended_on", "Ended", "date", optional=True),
    Box("grade", "Grade (CTCAE)", "list", options=labels.GRADES, optional=True),
    Box("ctcae_version", "CTCAE version", "list", hint="Empty: 5.0", optional=True,
        options=tuple((code, code) for code in actions.CTCAE_VERSIONS)),
    Box("serious", "Serious?", "choice", options=YES_NO, width="two"),
    Box("serious_because", "If serious, why", "several", options=labels.SERIOUS, optional=True),
    Box("related", "Related to the treatment?", "choice", options=YES_NO, optional=True,
        hint="Leave open if nobody has judged it", width="two"),
    Box("outcome", "Outcome", "list", options=labels.EVENT_OUTCOMES, optional=True),
)  # fmt: skip
DECISIONS = (
    ("new", "A new event", "fill in what follows and confirm it"),
    ("link", "An event that is in the record already", "choose it from the list"),
    ("reject", "Not an adverse event", "say why"),
)


@events.route("/patients/<path:number>/events/new", methods=["GET", "POST"])
def add(number: str) -> ResponseReturnValue:
    """Add an event that the clinic knows of."""

    def act(session: Session, told: Any) -> str:
        actions.record_adverse_event(session, http.patient().id, told, by=http.by(), at=http.at())
        return address_of(number, "event")

    return _page(number, "Add an event", AdverseEventInSchema(), act, "Save the event").respond()


class _CorrectedEventSchema(AdverseEventInSchema, CorrectionSchema):
    """An event as it should have been, and why; or `undo`."""

    undo = YesNo()

    @post_load
    def happened(self, data: dict[str, Any], **_: Any) -> Any:
        """What happened, apart from why it is corrected."""
        told = {name: data.pop(name, None) for name in ("reason", "undo")}
        return told | {"told": super().happened(data)}


@events.route("/patients/<path:number>/events/<key>", methods=["GET", "POST"])
def correct(number: str, key: str) -> ResponseReturnValue:
    """Correct an event, or take it back, with a reason."""

    def act(session: Session, data: dict[str, Any]) -> str:
        event = records.fact(session, AdverseEvent, http.patient().id, key)
        why = {"reason": data["reason"], "by": http.by(), "at": http.at()}
        if data["undo"]:
            actions.retract_adverse_event(session, event, **why)
        else:
            actions.correct_adverse_event(session, event, data["told"], **why)
        return address_of(number, "corrected")

    page = _page(number, "Correct an event", _CorrectedEventSchema(), act, "Save the correction")
    page.boxes = [*BOXES, UNDO, REASON]
    page.given, page.corrects = partial(_given, key), True
    return page.respond()


def _given(key: str) -> dict[str, Any]:
    with reading(http.runtime()) as session:
        event = records.fact(session, AdverseEvent, http.patient().id, key)
    found: dict[str, Any] = {box.name: getattr(event, box.name) for box in BOXES}
    return found | {"serious": _word(event.serious), "related": _word(event.related)}


def _word(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"


@events.route("/patients/<path:number>/reports/<key>", methods=["GET", "POST"])
def triage(number: str, key: str) -> ResponseReturnValue:
    """What a patient told: a new event, one that is known, or none."""
    with reading(http.runtime()) as session:
        report = records.fact(session, ReportedEvent, http.patient().id, key)
        known = records.current(session, AdverseEvent, http.patient().id, AdverseEvent.onset_on)
    decision = request.form.get("decision", "")
    schema, act = _decided(number, key, decision)
    page = _page(number, "Look at an event", schema, act, "Save the decision")
    page.template, page.boxes = "events/triage.html", _triage_boxes(known)
    page.given = _first_reading(report)
    page.more = {"report": report, "near": _near(report, known), "number": number}
    return page.respond()


class _DecisionSchema(Schema):
    """Which way to go; by itself it is not enough."""

    decision = Choice([code for code, _, _ in DECISIONS], required=True)


def _decided(number: str, key: str, decision: str) -> tuple[Schema, Any]:
    """The schema that the decision needs, and what it does."""

    def report(session: Session) -> ReportedEvent:
        return records.fact(session, ReportedEvent, http.patient().id, key)

    def confirm(session: Session, told: Happened) -> str:
        actions.confirm_reported(session, report(session), told, by=http.by(), at=http.at())
        return address_of(number, "event")

    def link(session: Session, data: Mapping[str, Any]) -> str:
        event = records.fact(session, AdverseEvent, http.patient().id, data["event"])
        actions.link_reported(session, report(session), event, by=http.by(), at=http.at())
        return address_of(number, "judged")

    def reject(session: Session, data: Mapping[str, Any]) -> str:
        why = {"reason": data["reason"], "by": http.by(), "at": http.at()}
        actions.reject_reported(session, report(session), **why)
        return address_of(number, "judged")

    ways: dict[str, tuple[Schema, Any]] = {
        "new": (AdverseEventInSchema(unknown=EXCLUDE), confirm),
        "link": (LinkedReportInSchema(unknown=EXCLUDE), link),
        "reject": (RejectedReportInSchema(unknown=EXCLUDE), reject),
    }
    return ways.get(decision, (_DecisionSchema(unknown=EXCLUDE), reject))


def _triage_boxes(known: Any) -> list[Box]:
    options = [(one.fact_key, f"{one.term}, {one.onset_on}") for one in known]
    choose = Box("event", "Which event in the record?", "list", options=options)
    return [
        Box("decision", "What is it?", "choice", options=DECISIONS),
        *([choose] if options else []),
        Box("reason", "Why it is not an adverse event", "lines"),
        *BOXES,
    ]


def _first_reading(report: ReportedEvent) -> dict[str, Any]:
    """What the patient's words suggest; the clinic decides."""
    return {
        "term": report.term,
        "onset_on": report.onset_on,
        "grade": report.grade or "",
        "serious": "yes" if report.serious else "",
        "serious_because": ["hospital"] if report.in_hospital else [],
    }


def _near(report: ReportedEvent, known: Any) -> list[tuple[AdverseEvent, int]]:
    """Events in the record about that time, with the days between."""
    if report.onset_on is None:
        return []
    days = [(one, (one.onset_on - report.onset_on).days) for one in known]
    return [(one, between) for one, between in days if abs(between) <= NEAR.days]


@events.route("/patients/<path:number>/reports/<key>/reopen", methods=["GET", "POST"])
def reopen(number: str, key: str) -> ResponseReturnValue:
    """Judge again what a patient told."""

    def act(session: Session, data: dict[str, Any]) -> str:
        report = records.fact(session, ReportedEvent, http.patient().id, key)
        why = {"reason": data["reason"], "by": http.by(), "at": http.at()}
        actions.reopen_reported(session, report, **why)
        return address_of(number, "reopened")

    page = _page(number, "Judge it again", CorrectionSchema(), act, "Judge it again")
    page.lead = "What the patient told goes back to the worklist. An event made of it stays."
    page.boxes = [Box("reason", "Why is it judged again?", "lines")]
    return page.respond()


def _page(number: str, title: str, schema: Schema, act: Any, button: str) -> FormPage:
    return FormPage(
        title=title,
        boxes=BOXES,
        schema=schema,
        act=act,
        button=button,
        back=("Go back", address_of(number)),
        crumbs=crumbs(number, title),
    )
