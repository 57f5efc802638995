"""Laboratory results: added one by one, corrected with a reason."""

from functools import partial
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http
from registry import labs as tables
from registry.actions import corrections, lab_corrections, laboratory
from registry.actions.facts import Measured
from registry.db import reading
from registry.models import LabResult
from registry.queries import records
from registry.schemas.care import CorrectionSchema
from registry.schemas.fields import YesNo
from registry.schemas.labs import LabInSchema
from registry.web.forms import Box, FormPage
from registry.web.patients import address_of, crumbs

labs = Blueprint("labs", __name__)


def test_options() -> list[tuple[str, str]]:
    """Every test of the laboratory table, by its words."""
    return [(test.id, f"{test.label} ({test.unit})") for test in tables.table().tests]


def boxes() -> list[Box]:
    """One result."""
    return [
        Box("test", "Test", "list", options=test_options()),
        Box("value", "Result", hint="As reported, like 0.8, <0.02 or 1:640", width="w10"),
        Box("unit", "Unit", hint="As reported, like mg/dL or IU/mL", width="w10"),
        Box("collected_on", "Date taken", "date"),
        Box("reference_low", "The laboratory's lower limit", "number", optional=True),
        Box("reference_high", "The laboratory's upper limit", "number", optional=True),
    ]


CONFIRMED = Box("confirmed", "The result is as reported, although it is hardly possible", "tick")


@labs.route("/patients/<path:number>/labs/new", methods=["GET", "POST"])
def add(number: str) -> ResponseReturnValue:
    """Add one result."""

    def act(session: Session, data: dict[str, Any]) -> str:
        _record(session, data)
        return address_of(number, "lab")

    return _page(number, act).respond()


def _record(session: Session, data: dict[str, Any]) -> None:
    confirmed = data.pop("confirmed", False)
    laboratory.record_result(
        session,
        http.patient().id,
        Measured(**data),
        by=http.by(),
        at=http.at(),
        confirmed=confirmed,
    )


def _page(number: str, act: Any) -> FormPage:
    return FormPage(
        title="Add a laboratory result",
        boxes=[*boxes(), CONFIRMED],
        schema=LabInSchema(),
        act=act,
        button="Save the result",
        back=("Go back", address_of(number)),
        crumbs=crumbs(number, "Laboratory result"),
    )


@labs.route("/patients/<path:number>/labs/<key>", methods=["GET", "POST"])
def correct(number: str, key: str) -> ResponseReturnValue:
    """A result was entered wrongly: the right one takes its place, or it is taken back."""

    def act(session: Session, data: dict[str, Any]) -> str:
        _correct(session, records.fact(session, LabResult, http.patient().id, key), data)
        return address_of(number, "corrected")

    page = _page(number, act)
    page.title, page.button = "Correct a laboratory result", "Save the correction"
    page.schema = _CorrectedLab()
    page.boxes = [*page.boxes, UNDO, REASON]
    page.given, page.corrects = partial(_given, key), True
    return page.respond()


def _correct(session: Session, result: LabResult, data: dict[str, Any]) -> None:
    told = {"reason": data.pop("reason"), "by": http.by(), "at": http.at()}
    if data.pop("undo", False):
        corrections.retract_fact(session, result, **told)
        return
    confirmed = data.pop("confirmed", False)
    lab_corrections.correct_result(session, result, Measured(**data), confirmed=confirmed, **told)


class _CorrectedLab(LabInSchema, CorrectionSchema):
    """A result as it should have been, and why; or `undo`."""

    undo = YesNo()


UNDO = Box("undo", "There was no such result: take it back", "tick")
REASON = Box("reason", "Reason for the correction", "lines", hint="It stays with the record")


def _given(key: str) -> dict[str, Any]:
    with reading(http.runtime()) as session:
        result = records.fact(session, LabResult, http.patient().id, key)
    return {
        "test": result.test,
        "value": result.reported_value,
        "unit": result.reported_unit,
        "collected_on": result.collected_on,
        **lab_corrections.own_limits(result),
    }
