"""Patients: enrolled with the schema of the form, read without identity, listed by number."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from registry import http
from registry.api.routes import PATIENT, Call, Routes
from registry.api.shapes import FindSchema, PageSchema, PatientSchema
from registry.models import Patient, Site
from registry.queries import records

routes = Routes("patients", "Patients: enrolment, and the record without who the patient is.")


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
