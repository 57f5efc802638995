"""Corrections of treatment and baseline, with a reason; of the treatment date with a preview."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from registry import http
from registry.actions import corrections
from registry.actions import treatment as actions
from registry.actions.facts import Course, Given, Observed, Unusable
from registry.db import reading
from registry.queries import records
from registry.queries.records import Record
from registry.schemas import care
from registry.web import labels
from registry.web.forms import Box, FormPage, form_data, typed
from registry.web.patients import address_of, crumbs, vault

treatment = Blueprint("treatment", __name__)
REASON = Box("reason", "Reason for the correction", "lines", hint="It stays with the record")


@treatment.route("/patients/<path:number>/treatment-date", methods=["GET", "POST"])
def date(number: str) -> ResponseReturnValue:
    """Correct day 0: first the plan before and after, then the button."""
    page = FormPage(
        title="Correct treatment date",
        boxes=(Box("treated_on", "Date of the first administration", "date"), REASON),
        schema=care.TreatmentDateSchema(),
        act=_correct_date(number),
        button="Correct the date",
        back=("Go back without a change", address_of(number)),
        crumbs=crumbs(number, "Treatment date"),
        template="treatment/date.html",
        more={"changes": None},
    )
    page.given, page.corrects = _given_date, True
    return _preview(page) if "preview" in request.form else page.respond()


def _correct_date(number: str) -> Any:
    def act(session: Session, data: dict[str, Any]) -> str:
        told: Any = {"vault": vault(), "reason": data["reason"], "by": http.by(), "at": http.at()}
        corrections.correct_treatment_date(session, http.patient().id, data["treated_on"], **told)
        return address_of(number, "corrected")

    return act


def _given_date() -> dict[str, Any]:
    with reading(http.runtime()) as session:
        return {"treated_on": records.record(session, http.patient()).treated_on}


def _preview(page: FormPage) -> ResponseReturnValue:
    """The plan before and after, written nowhere; wrong boxes go the way of every form."""
    data, _ = form_data(request.form, page.schema)
    data.pop("preview", None)
    try:
        wanted = page.schema.load(data)["treated_on"]
        with reading(http.runtime()) as session:
            told: Any = {"vault": vault(), "by": http.by(), "at": http.at()}
            changes = corrections.preview_treatment_date(session, http.patient().id, wanted, **told)
    except (ValidationError, Unusable) as wrong:
        return page.refuse(wrong)
    page.more = {"changes": changes, "wanted": wanted}
    return page.show(typed(request.form), {})


@treatment.route("/patients/<path:number>/course", methods=["GET", "POST"])
def course(number: str) -> ResponseReturnValue:
    """Correct the cells of the first course."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())
    names = ("cell_source", "donor", "passage", "lot", "certificate", "cells_total")

    def act(session: Session, data: dict[str, Any]) -> str:
        fact = records.record(session, http.patient()).courses[0]
        new = {name: data.get(name) for name in names}
        _change(session, fact, new, data["reason"])
        return address_of(number, "corrected")

    page = _page(number, "Correct the course", care.CourseSchema(), act)
    page.boxes = [*course_boxes(record), REASON]
    page.given = {name: getattr(record.courses[0], name) or "" for name in names}
    page.corrects = True
    return page.respond()


def course_boxes(record: Record) -> list[Box]:
    """The cells of a course."""
    protocol = record.protocol
    sources, donors = labels.options(protocol.cell_sources), labels.options(protocol.donors)
    return [
        Box("cell_source", "Source of the cells", "choice", options=sources, optional=True),
        Box("donor", "Donor", "choice", options=donors, optional=True),
        Box("passage", "Passage", width="w6", optional=True),
        Box("lot", "Lot number", hint="As printed on the bag", optional=True),
        Box("certificate", "Certificate", optional=True),
        Box("cells_total", "Cells in all", hint="As the record says", optional=True),
    ]


@treatment.route("/patients/<path:number>/courses/new", methods=["GET", "POST"])
def further_course(number: str) -> ResponseReturnValue:
    """A further course: day 0 and the plan stay."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())

    def act(session: Session, data: dict[str, Any]) -> str:
        started_on = data.pop("started_on")
        actions.record_course(
            session, http.patient().id, started_on, Course(**data), by=http.by(), at=http.at()
        )
        return address_of(number, "treatment")

    page = _page(number, "Record a further course", care.FurtherCourseSchema(), act)
    page.lead = "The plan goes on counting from the first course; this one is marked in it."
    page.boxes = [Box("started_on", "First administration", "date"), *course_boxes(record)]
    page.button = "Save the course"
    return page.respond()


@treatment.route("/patients/<path:number>/administrations/new", methods=["GET", "POST"])
def give(number: str) -> ResponseReturnValue:
    """One administration more, of a course."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())

    def act(session: Session, data: dict[str, Any]) -> str:
        course_number = data.pop("course_number")
        told = {"course_number": course_number, "by": http.by(), "at": http.at()}
        actions.record_administrations(session, http.patient().id, [Given(**data)], **told)
        return address_of(number, "treatment")

    page = _page(number, "Record an administration", care.GivenSchema(), act)
    routes = labels.options(record.protocol.routes)
    page.boxes = [
        _course_box(record),
        Box("given_on", "Date given", "date"),
        Box("route", "Route", "choice", options=routes),
        Box("cells", "Cells given", hint="As the record says", optional=True),
    ]
    page.given, page.button = {"course_number": "1"}, "Save the administration"
    return page.respond()


@treatment.route("/patients/<path:number>/observations/new", methods=["GET", "POST"])
def observe(number: str) -> ResponseReturnValue:
    """One item more of the record of the first 24 to 48 hours."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())

    def act(session: Session, data: dict[str, Any]) -> str:
        course_number = data.pop("course_number")
        told = {"course_number": course_number, "by": http.by(), "at": http.at()}
        actions.record_observations(session, http.patient().id, [Observed(**data)], **told)
        return address_of(number, "treatment")

    page = _page(number, "Record the first 24 to 48 hours", care.ObservedSchema(), act)
    items = labels.options(record.protocol.observation_items)
    page.boxes = [
        _course_box(record),
        Box("observed_on", "Date", "date"),
        Box("item", "What was seen", "list", options=items),
        Box("value", "Value or words", hint="Like 38.2, or yes"),
    ]
    page.given, page.button = {"course_number": "1"}, "Save the observation"
    return page.respond()


def _course_box(record: Record) -> Box:
    options = [
        (str(one.number), f"Course {one.number}, {one.started_on}") for one in record.courses
    ]
    return Box("course_number", "Which course?", "choice", options=options)


@treatment.route("/patients/<path:number>/baseline", methods=["GET", "POST"])
def baseline(number: str) -> ResponseReturnValue:
    """Correct diagnosis, sex, age, language and zone."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())
    page = _page(number, "Correct baseline", care.BaselineSchema(), _correct_baseline(number))
    page.boxes = [*_baseline_boxes(record), REASON]
    person = record.demographics
    page.given = {
        "diagnosis": record.diagnosis.kind if record.diagnosis else "",
        "sex": person.sex or "",
        "age": "" if person.age is None else person.age,
        "language": person.language,
        "zone": person.zone or "",
    }
    page.corrects = True
    return page.respond()


def _correct_baseline(number: str) -> Any:
    def act(session: Session, data: dict[str, Any]) -> str:
        record = records.record(session, http.patient())
        kind, reason = data.get("diagnosis"), data["reason"]
        if kind and (record.diagnosis is None or record.diagnosis.kind != kind):
            told = {"reason": reason, "by": http.by(), "at": http.at()}
            corrections.set_diagnosis(session, http.patient().id, kind, **told)
        new = {name: data.get(name) for name in ("sex", "age", "language", "zone")}
        _change(session, record.demographics, new, reason)
        return address_of(number, "corrected")

    return act


def _baseline_boxes(record: Record) -> list[Box]:
    kinds = labels.options(record.protocol.diagnosis_types)
    return [
        Box("diagnosis", "Type of the diagnosis", "choice", options=kinds, optional=True),
        Box("sex", "Sex", "choice", options=labels.SEXES, optional=True),
        Box("age", "Age at treatment", "number", unit="years", optional=True),
        Box("language", "Language of letters and questions", hint="Like en", width="w6"),
        Box("zone", "Time zone", hint="Like Europe/Berlin; empty: the clinic's", optional=True),
    ]


def _change(session: Session, fact: Any, new: dict[str, Any], reason: str) -> None:
    corrections.change_fact(session, fact, new, reason=reason, by=http.by(), at=http.at())


def _page(number: str, title: str, schema: Any, act: Any) -> FormPage:
    return FormPage(
        title=title,
        boxes=(),
        schema=schema,
        act=act,
        button="Save the correction",
        back=("Go back without a change", address_of(number)),
        crumbs=crumbs(number, title),
    )
