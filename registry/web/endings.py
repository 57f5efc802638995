"""Death and withdrawal: a page that lists what follows, then the button."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http, words
from registry.actions import endings as actions
from registry.db import reading
from registry.errors import NotFound
from registry.queries import records
from registry.schemas import care
from registry.web.forms import Box, FormPage
from registry.web.patients import address_of, crumbs
from surveys.lifecycle import FollowUpState

endings = Blueprint("endings", __name__)
REASON = Box("reason", "Reason for the correction", "lines", hint="It stays with the record")
UNDO = Box("undo", "It was recorded by mistake: take it back", "tick")
SCOPES = (
    ("contact", "No more contact", "no letters, no calls; what the clinic records goes on"),
    ("registry", "Leaves the registry", "nothing that happens after that day is used"),
)


@endings.route("/patients/<path:number>/death", methods=["GET", "POST"])
def death(number: str) -> ResponseReturnValue:
    """Record a death."""
    return FormPage(
        title="Record death",
        boxes=(Box("died_on", "Date of death", "date"), Box("cause", "Cause", optional=True)),
        schema=care.DeathInSchema(),
        act=_act(number, actions.record_death, "death"),
        button="Record death",
        colour="red",
        consequences=_consequences(),
        **_frame(number, "Death"),
    ).respond()


@endings.route("/patients/<path:number>/withdrawal", methods=["GET", "POST"])
def withdrawal(number: str) -> ResponseReturnValue:
    """Record that a patient wants no contact, or leaves."""
    return FormPage(
        title="Record withdrawal",
        boxes=(
            Box("withdrawn_on", "Date of the patient's word", "date"),
            Box("scope", "What does the patient want?", "choice", options=SCOPES),
            Box("why", "Why, if the patient said", "lines", optional=True),
        ),
        schema=care.WithdrawalInSchema(),
        act=_act(number, actions.record_withdrawal, "withdrawal"),
        button="Record withdrawal",
        colour="red",
        consequences=_consequences(),
        **_frame(number, "Withdrawal"),
    ).respond()


@endings.route("/patients/<path:number>/death/correct", methods=["GET", "POST"])
def correct_death(number: str) -> ResponseReturnValue:
    """Another day of death, or none, with a reason."""
    return FormPage(
        title="Correct the death",
        boxes=(Box("died_on", "Date of death", "date", optional=True), UNDO, REASON),
        schema=care.CorrectedDeathSchema(),
        act=_correct(number, "died_on", actions.correct_death, actions.undo_death),
        button="Save the correction",
        given=partial(_given, "death", "died_on"),
        corrects=True,
        **_frame(number, "Correct the death"),
    ).respond()


@endings.route("/patients/<path:number>/withdrawal/correct", methods=["GET", "POST"])
def correct_withdrawal(number: str) -> ResponseReturnValue:
    """Another day of withdrawal, or none, with a reason."""
    return FormPage(
        title="Correct the withdrawal",
        boxes=(Box("withdrawn_on", "Date of withdrawal", "date", optional=True), UNDO, REASON),
        schema=care.CorrectedWithdrawalSchema(),
        act=_correct(number, "withdrawn_on", actions.correct_withdrawal, actions.undo_withdrawal),
        button="Save the correction",
        given=partial(_given, "withdrawal", "withdrawn_on"),
        corrects=True,
        **_frame(number, "Correct the withdrawal"),
    ).respond()


Act = Callable[[Session, dict[str, Any]], str]


def _act(number: str, action: Callable[..., object], done: str) -> Act:
    def act(session: Session, data: dict[str, Any]) -> str:
        action(session, http.patient().id, **data, by=http.by(), at=http.at())
        return address_of(number, done)

    return act


def _correct(
    number: str, field: str, correct: Callable[..., object], undo: Callable[..., object]
) -> Act:
    """Undo where that was ticked, else correct the day."""

    def act(session: Session, data: dict[str, Any]) -> str:
        told = {"reason": data["reason"], "by": http.by(), "at": http.at()}
        if data.get("undo"):
            undo(session, http.patient().id, **told)
        elif data.get(field):
            correct(session, http.patient().id, data[field], **told)
        return address_of(number, "corrected")

    return act


def _given(kind: str, field: str) -> Mapping[str, Any]:
    with reading(http.runtime()) as session:
        ending = getattr(records.record(session, http.patient()), kind)
    if ending is None:
        raise NotFound(f"No {kind} is recorded, so there is none to correct.")
    return {field: getattr(ending, field)}


def _consequences() -> list[str]:
    """What the ending calls off, counted for this patient."""
    if request.method == "POST":
        return []
    with reading(http.runtime()) as session:
        lines = records.lines(session, http.patient().id)
    awaited = [
        f"month {line.follow_up.month}"
        for line in lines
        if line.follow_up.state in (FollowUpState.PLANNED, FollowUpState.OPEN)
    ]
    letters = sum(letter.state == "queued" for line in lines for letter in line.letters)
    called = f"These follow-ups are called off: {', '.join(awaited)}." if awaited else ""
    return [
        *([called] if called else ["No follow-up is waiting, so none is called off."]),
        f"{words.plural(letters, 'planned letter')} will not be sent. No letter goes out any more.",
        "What was answered and recorded until then stays and is counted.",
        "You can correct or undo this later, with a reason.",
    ]


def _frame(number: str, here: str) -> dict[str, Any]:
    return {
        "back": ("Go back without recording", address_of(number)),
        "crumbs": crumbs(number, here),
    }
