"""Contact and consent: who the patient is, new links, letters let go again, consents."""

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlalchemy.orm import Session

from registry import http, words
from registry.actions import corrections, staff_mail
from registry.actions import preferences as choices
from registry.actions.facts import ConsentGiven
from registry.db import reading
from registry.queries import identities, records
from registry.queries import preferences as wishes
from registry.queries.identities import Person
from registry.queries.preferences import Preferences
from registry.schemas import care
from registry.web import labels
from registry.web.forms import Box, FormPage
from registry.web.patients import address_of, crumbs, vault

contact = Blueprint("contact", __name__)
REASON = Box("reason", "Reason for the change", "lines", hint="For example: the patient told us")
IDENTITY = (
    Box("name", "Name", optional=True),
    Box("email", "E-mail address", "email", optional=True),
    Box("telephone", "Telephone", hint="With the country code", optional=True),
    Box("birth_date", "Birth date", "date", hint="For example, 12 3 1991", optional=True),
)


@contact.route("/patients/<path:number>/identity", methods=["GET", "POST"])
def correct(number: str) -> ResponseReturnValue:
    """Correct name, address, telephone or birth date."""

    def act(session: Session, data: dict[str, Any]) -> str:
        reason = data.pop("reason")
        who = {"vault": vault(), "reason": reason, "by": http.by(), "at": http.at()}
        mine, person = http.patient().id, Person(**data)
        before = identities.person_of(session, vault(), mine).email
        corrections.change_identity(session, mine, person, **who)
        held = any(hold.kind == "undeliverable" for hold in records.holds(session, mine))
        if held and person.email and person.email != before:
            # it was put right because letters failed: the next step is to let them go again
            kind = "undeliverable"
            return url_for("contact.lift_hold", number=number, kind=kind, done="corrected")
        return address_of(number, "corrected")

    page = _page(number, "Name, address and birth date", care.IdentitySchema(), act)
    page.lead = "This is kept apart from the record and encrypted. Empty boxes are kept empty."
    page.boxes, page.button = [*IDENTITY, REASON], "Save"
    page.given, page.corrects = _person, True
    return page.respond()


def _person() -> dict[str, Any]:
    with reading(http.runtime()) as session:
        person = identities.person_of(session, vault(), http.patient().id)
    return {name: text or "" for name, text in person.texts().items()}


@contact.route("/patients/<path:number>/consents/new", methods=["GET", "POST"])
def consent(number: str) -> ResponseReturnValue:
    """Record a consent: the first one, or one to a newer text."""
    with reading(http.runtime()) as session:
        versions = records.record(session, http.patient()).protocol.consents

    def act(session: Session, data: dict[str, Any]) -> str:
        given = ConsentGiven(**data)
        corrections.record_consent(session, http.patient().id, given, by=http.by(), at=http.at())
        return address_of(number, "consent")

    page = _page(number, "Record a consent", care.ConsentInSchema(), act)
    options = [(one.code, f"Version {one.code}: {one.title}") for one in versions]
    page.boxes = [
        Box("version", "Which text did the patient sign?", "choice", options=options),
        Box("given_on", "Date of the signature", "date"),
    ]
    page.button = "Record the consent"
    return page.respond()


@contact.route("/patients/<path:number>/links/<int:month>", methods=["GET", "POST"])
def new_link(number: str, month: int) -> ResponseReturnValue:
    """Send a new link by mail; nobody at the clinic sees it."""

    def act(session: Session, data: dict[str, Any]) -> str:
        follow_up = records.follow_up(session, http.patient().id, month)
        staff_mail.ask_new_link(session, follow_up.id, by=http.by(), at=http.at())
        return address_of(number, "link")

    page = _page(number, f"Send a new link to month {month}", Schema(), act)
    page.lead = (
        "A letter with a new link goes to the e-mail address on file within a minute or two."
    )
    page.button = "Send a new link"
    return page.respond()


@contact.route("/patients/<path:number>/mail", methods=["GET", "POST"])
def preferences(number: str) -> ResponseReturnValue:
    """When and how often the patient wants to be written to, as told by telephone."""
    with reading(http.runtime()) as session:
        chosen = wishes.of_patient(session, http.patient().id, http.at())

    def act(session: Session, data: dict[str, Any]) -> str:
        choices.keep_all(session, http.patient().id, **data, by=http.by(), at=http.at())
        return address_of(number, "mail_chosen")

    page = _page(number, "When and how often to write", care.MailPreferencesSchema(), act)
    page.lead = "What the patient told you. The same can be chosen with the link in every letter."
    page.boxes = _mail_boxes(chosen)
    page.given = {
        "hour": "" if chosen.hour is None else str(chosen.hour),
        "zone": chosen.zone,
        "reminders": "fewer" if chosen.fewer else "all",
    }
    return page.respond()


def _mail_boxes(chosen: Preferences) -> list[Box]:
    hours = [("", "in working hours"), *((str(hour), f"from {hour}:00") for hour in wishes.HOURS)]
    days = [("", "no other day"), *((str(day), words.date(day)) for day in chosen.days)]
    parts = [(part, f"in the {part}") for part in wishes.PARTS_OF_DAY]
    zones = [(name, name.replace("_", " ")) for name in wishes.zone_names(chosen.zone)]
    reminders = (("all", "As often as planned"), ("fewer", "Once for each questionnaire"))
    boxes = [
        Box("hour", "Letters go", "list", options=hours, optional=True),
        Box("zone", "Time zone of the patient", "list", options=zones),
        Box("reminders", "Reminders", "choice", options=reminders),
    ]
    if chosen.days:
        boxes += [
            Box("day", "Remind on another day", "list", options=days, optional=True),
            Box("part", "At which time of that day?", "choice", options=parts, optional=True),
        ]
    if not chosen.is_stopped:
        boxes.append(Box("stop", "The patient wants no more letters, but stays", "tick"))
    return boxes


@contact.route("/patients/<path:number>/holds/<kind>", methods=["GET", "POST"])
def lift_hold(number: str, kind: str) -> ResponseReturnValue:
    """Let letters go to the patient again."""

    def act(session: Session, data: dict[str, Any]) -> str:
        staff_mail.lift_hold(session, http.patient().id, kind, by=http.by(), at=http.at())
        return address_of(number, "mail_on")

    page = _page(number, "Let letters go again", Schema(), act)
    with reading(http.runtime()) as session:
        told = next(
            (x.reason for x in records.holds(session, http.patient().id) if x.kind == kind), None
        )
    why = labels.HOLDS.get(kind, "") + (f" ({told})" if told else "")
    page.lead = f"{why}. Go on only if the address was put right or the patient asked for letters."
    page.consequences = ["An open questionnaire gets a letter with a new link at once."]
    page.button = "Let letters go again"
    return page.respond()


def _page(number: str, title: str, schema: Schema, act: Any) -> FormPage:
    return FormPage(
        title=title,
        boxes=(),
        schema=schema,
        act=act,
        button="Save",
        back=("Go back", address_of(number)),
        crumbs=crumbs(number, title),
    )
