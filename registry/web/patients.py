"""Finding a patient, and the pages of one record."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http
from registry.db import reading
from registry.queries import audit_log, identities, preferences, records, worklists
from registry.queries.identities import Person
from registry.vault import Vault
from registry.web import labels, letters_view, record_view
from registry.web.policy import CARE

patients = Blueprint("patients", __name__)
MOST = 50


def vault() -> Vault:
    """Opens and seals identities. The staff pages always have it."""
    found = http.runtime().vault
    if found is None:
        raise RuntimeError("the staff pages need REGISTRY_MASTER_KEY")
    return found


def who_is(session: Session, patient_id: int) -> Person | None:
    """Who the patient is, for those who may know; None for the others."""
    if not http.asker().may_at(http.patient().site_id, CARE):
        return None
    return identities.person_of(session, vault(), patient_id)


@patients.route("/patients", methods=["GET", "POST"])
def find() -> ResponseReturnValue:
    """Find patients by name, study number or birth date; who may not know names, by number only.
    What was typed stays out of addresses.
    """
    text = (http.kept() or request.form).get("text", "").strip()
    with reading(http.runtime()) as session:
        number = _number(session, text)
        found = _by_identity(session, text) if text and number is None else []
    if number is not None:
        return redirect(address_of(number), 303)
    names = http.asker().may(CARE)
    return render_template(
        "patients/find.html", text=text, found=found, most=MOST, knows_names=names
    )


def _number(session: Session, text: str) -> str | None:
    """The study number that was typed, if it is one of the asker's patients."""
    sites = http.asker().sites(http.roles_here())
    return identities.by_number(session, text, sites) if text else None


def _by_identity(session: Session, text: str) -> list[identities.Found]:
    if not http.asker().may(CARE):
        return []
    found = identities.find(session, vault(), text, http.asker().sites(CARE), limit=MOST)
    for one in found:
        http.note_read(one.patient_id, "patients.find")
    return found


@patients.get("/patients/<path:number>")
def show(number: str) -> ResponseReturnValue:
    """The record of one patient."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())
        person = who_is(session, http.patient().id)
        view = record_view.view(session, record, http.at())
        owners = worklists.owners(session, http.patient().id)
        mail = labels.mail(preferences.of_patient(session, http.patient().id, http.at()))
    shown = {"record": record, "person": person, "view": view, "owners": owners, "mail": mail}
    return render_template("patients/show.html", **shown)


@patients.get("/patients/<path:number>/telephone")
def telephone(number: str) -> ResponseReturnValue:
    """The telephone number, on request."""
    with reading(http.runtime()) as session:
        person = identities.person_of(session, vault(), http.patient().id)
    return render_template("patients/telephone.html", person=person, number=number)


@patients.get("/patients/<path:number>/letters")
def letters(number: str) -> ResponseReturnValue:
    """Every letter with its text and what became of it."""
    with reading(http.runtime()) as session:
        rows = records.letters_of(session, http.patient().id)
        shown = [letters_view.preview(session, row) for row in rows]
    return render_template("patients/letters.html", number=number, letters=shown)


@patients.get("/patients/<path:number>/history")
def history(number: str) -> ResponseReturnValue:
    """Who did what with this record, the newest first."""
    with reading(http.runtime()) as session:
        before = request.args.get("before", type=int)
        page = audit_log.events(session, subject=f"patient:{http.patient().id}", before=before)
    return render_template("patients/history.html", number=number, page=page)


@patients.get("/patients/<path:number>/answers/<int:month>")
def answers(number: str, month: int) -> ResponseReturnValue:
    """The answers of one questionnaire."""
    with reading(http.runtime()) as session:
        follow_up = records.follow_up(session, http.patient().id, month)
        parts = record_view.answered_sections(session, http.patient(), follow_up)
    return render_template("patients/answers.html", number=number, follow_up=follow_up, parts=parts)


@patients.get("/patients/<path:number>/plan")
def printed_plan(number: str) -> ResponseReturnValue:
    """The dated plan for the patient to take home: no name, no illness."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())
    # the foot of other pages names the protocol, and with it the illness
    return render_template("patients/printed_plan.html", record=record, about=None)


def address_of(number: str, done: str = "") -> str:
    """The record's address, to go back to; `done` names what is said there."""
    return url_for("patients.show", number=number, done=done or None)


def crumbs(number: str, here: str) -> list[tuple[str, str | None]]:
    """Where a page of a record stands."""
    return [("Patients", url_for("patients.find")), (number, address_of(number)), (here, None)]
