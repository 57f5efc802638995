"""Patients: enrolled with the schema of the form, read without identity, listed by number."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import select

from registry import http
from registry.actions import enrolment
from registry.api.routes import PATIENT, Call, Made, Routes
from registry.api.shapes import EnrolledSchema, FindSchema, PageSchema, PatientSchema
from registry.models import Patient, Site
from registry.queries import records
from registry.schemas.enrolment import EnrolmentInSchema, enrolment_of

routes = Routes("patients", "Enrolment, and the record without who the patient is.")


@routes.operation("POST", "/patients", EnrolledSchema(), status=201, takes=EnrolmentInSchema())
def enrol(call: Call, given: Mapping[str, Any]) -> Made:
    """Enrol a patient and plan the follow-ups

    A laboratory result that is hardly possible is refused with a question, unless `confirmed` says
    that it is so. An e-mail address that is enrolled already is refused (409).
    """
    vault = http.runtime().vault
    if vault is None:
        raise RuntimeError("enrolment needs REGISTRY_MASTER_KEY")
    wanted = enrolment_of(given, _site_id(call, given["site"]))
    confirmed = given.get("confirmed", False)
    enrolled = enrolment.enrol(
        call.session, wanted, vault=vault, by=call.by, at=call.at, confirmed=confirmed
    )
    return Made(enrolled, f"/patients/{enrolled.study_number}")


@routes.operation("GET", "/patients", PageSchema(), query=FindSchema())
def find(call: Call, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """The patients of your sites, by study number"""
    rows = select(Patient.study_number.label("number"), Site.code.label("site")).join(Site)
    sites = http.asker().sites(http.roles_here())
    if sites is not None:
        rows = rows.where(Patient.site_id.in_(sites))
    if "site" in wanted:
        rows = rows.where(Site.code == wanted["site"])
    if "after" in wanted:
        rows = rows.where(Patient.study_number > wanted["after"])
    limit = wanted["limit"]
    found = call.session.execute(rows.order_by(Patient.study_number).limit(limit + 1)).all()
    is_last = len(found) <= limit
    return {"patients": found[:limit], "next": None if is_last else found[limit - 1].number}


@routes.operation("GET", PATIENT, PatientSchema())
def patient(call: Call) -> records.Record:
    """What is known of a patient now, without who it is"""
    return records.record(call.session, call.patient)


def _site_id(call: Call, code: str) -> int:
    """The id of a site of the asker's. One that does not exist and one of others read the same."""
    site_id = call.session.scalar(select(Site.id).where(Site.code == code))
    if site_id is None or not http.asker().may_at(site_id, http.roles_here()):
        raise ValidationError({"site": [f"{code} is none of your sites."]})
    return site_id
