"""Calls to silent patients: what came of each counts in the response rate."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http
from registry.actions import calls as actions
from registry.db import reading
from registry.queries import records
from registry.queries.surveys import local_day
from registry.schemas.care import CallInSchema
from registry.web import labels
from registry.web.forms import Box, FormPage
from registry.web.patients import address_of, crumbs

calls = Blueprint("calls", __name__)


@calls.route("/patients/<path:number>/calls/<int:month>", methods=["GET", "POST"])
def record(number: str, month: int) -> ResponseReturnValue:
    """Record what came of a call about one questionnaire."""
    with reading(http.runtime()) as session:
        line = records.line(session, http.patient().id, month)
    page = _page(number, month)
    page.given = {"called_on": local_day(line.follow_up, http.at())}
    page.more = {"line": line, "number": number, "call_words": labels.CALL_WORDS}
    return page.respond()


def _page(number: str, month: int) -> FormPage:
    def act(session: Session, data: dict[str, Any]) -> str:
        follow_up = records.follow_up(session, http.patient().id, month)
        actions.record_call(session, follow_up, **data, by=http.by(), at=http.at())
        return address_of(number, "call")

    return FormPage(
        title=f"Record call about month {month}",
        lead="If the patient answers now, enter the answers instead: no call needs recording then.",
        boxes=(
            Box("called_on", "Date of the call", "date"),
            Box("code", "What came of it?", "choice", options=labels.CALLS),
            Box("note", "Note", "lines", hint="When to try again, what was said", optional=True),
        ),
        schema=CallInSchema(),
        act=act,
        button="Record call",
        back=("Go back", address_of(number)),
        crumbs=crumbs(number, "Call"),
        template="calls/record.html",
    )
