"""Medicines at baseline: one that is missing is added, one that is wrong is put right."""

from functools import partial
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlalchemy.orm import Session

from registry import http
from registry.actions import medicine_corrections as actions
from registry.actions.facts import MedicineTaken
from registry.actions.medicines import prednisone_mg
from registry.db import reading
from registry.models import Medicine
from registry.protocols import Protocol
from registry.queries import records
from registry.queries.records import Record
from registry.schemas.care import CorrectionSchema
from registry.schemas.enrolment import MedicineInSchema
from registry.schemas.fields import YesNo
from registry.web import labels
from registry.web.forms import Box, FormPage
from registry.web.patients import address_of, crumbs

medicines = Blueprint("medicines", __name__)
LEAD = (
    "What the patient took when the treatment began. The steroid dose at baseline, and who counts "
    "in outcomes that rest on it, follow."
)
UNDO = Box("undo", "The patient did not take it: take it back", "tick")
REASON = Box("reason", "Reason for the correction", "lines", hint="It stays with the record")


class _AddedSchema(MedicineInSchema, CorrectionSchema):
    """A medicine that is missing, and why it comes late."""


class _CorrectedSchema(_AddedSchema):
    """A medicine as it was taken, and why it is corrected; or `undo`."""

    undo = YesNo()


@medicines.route("/patients/<path:number>/medicines/new", methods=["GET", "POST"])
def add(number: str) -> ResponseReturnValue:
    """A medicine that was taken at baseline and is missing."""

    def act(session: Session, data: dict[str, Any]) -> str:
        reason = data.pop("reason")
        actions.add_medicine(
            session, http.patient().id, MedicineTaken(**data), reason=reason, by=http.by(),
            at=http.at(),
        )  # fmt: skip
        return address_of(number, "corrected")

    page = _page(number, "Add a medicine at baseline", _AddedSchema(), act)
    page.boxes = [*_boxes(_record().protocol), REASON]
    return page.respond()


@medicines.route("/patients/<path:number>/medicines/<key>", methods=["GET", "POST"])
def correct(number: str, key: str) -> ResponseReturnValue:
    """A medicine was entered wrongly: the right one takes its place, or it is taken back."""

    def act(session: Session, data: dict[str, Any]) -> str:
        fact = records.fact(session, Medicine, http.patient().id, key)
        _correct(session, fact, data)
        return address_of(number, "corrected")

    page = _page(number, "Correct a medicine at baseline", _CorrectedSchema(), act)
    protocol = _record().protocol
    page.boxes = [*_boxes(protocol), UNDO, REASON]
    page.given, page.corrects = partial(_given, key, protocol), True
    return page.respond()


def _correct(session: Session, medicine: Medicine, data: dict[str, Any]) -> None:
    reason, undo = data.pop("reason"), data.pop("undo", False)
    if undo:
        actions.retract_medicine(session, medicine, reason=reason, by=http.by(), at=http.at())
        return
    taken = MedicineTaken(**data)
    actions.correct_medicine(session, medicine, taken, reason=reason, by=http.by(), at=http.at())


def _record() -> Record:
    with reading(http.runtime()) as session:
        return records.record(session, http.patient())


def _boxes(protocol: Protocol) -> list[Box]:
    classes = labels.options(protocol.medicine_classes)
    return [
        Box("medicine_class", "Class", "list", options=classes),
        Box("name", "Name", width="w20", optional=True),
        Box("daily_dose_mg", "Daily dose", "number", unit="mg", optional=True),
        Box("prednisone_mg_per_day", "As prednisone", "number", unit="mg a day", optional=True,
            hint="Only for steroids whose dose we cannot work out"),
    ]  # fmt: skip


def _given(key: str, protocol: Protocol) -> dict[str, Any]:
    """What stands in the boxes; an equivalent that was worked out is left to be worked out."""
    with reading(http.runtime()) as session:
        medicine = records.fact(session, Medicine, http.patient().id, key)
    dose, equal = medicine.daily_dose_mg, medicine.prednisone_mg_per_day
    plain = MedicineTaken(
        medicine_class=medicine.medicine_class, name=medicine.name, daily_dose_mg=dose
    )
    return {
        "medicine_class": medicine.medicine_class,
        "name": medicine.name,
        "daily_dose_mg": "" if dose is None else f"{dose.normalize():f}",
        "prednisone_mg_per_day": ""
        if equal is None or prednisone_mg(plain, protocol) == equal
        else f"{equal.normalize():f}",
    }


def _page(number: str, title: str, schema: Schema, act: Any) -> FormPage:
    return FormPage(
        title=title,
        boxes=(),
        schema=schema,
        act=act,
        button="Save the correction",
        lead=LEAD,
        back=("Go back without a change", address_of(number)),
        crumbs=crumbs(number, title),
    )
