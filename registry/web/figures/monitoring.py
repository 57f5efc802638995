"""The alert of the monthly looks at serious events: closed with what was done."""

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http, words
from registry.actions import monitoring as actions
from registry.db import reading
from registry.queries.monitoring import alert, open_alert
from registry.schemas.care import ClosedAlertSchema
from registry.web.forms import Box, FormPage

monitoring = Blueprint("monitoring", __name__)


@monitoring.route("/figures/safety/alert", methods=["GET", "POST"])
def close() -> ResponseReturnValue:
    """What crossed, and a form to say what was done about it."""

    def act(session: Session, data: dict[str, Any]) -> str:
        actions.close(session, alert(session), data["done"], by=http.by(), at=http.at())
        return url_for("safety.page", done="looked_into")

    return FormPage(
        title="More serious events than are tolerated", lead=_lead(), schema=ClosedAlertSchema(),
        boxes=(Box("done", "What was done?", "lines", hint="Who was told, what was decided"),),
        act=act, given=_given, corrects=True, button="Close alert",
        back=("Safety", url_for("safety.page")),
    ).respond()  # fmt: skip


def _lead() -> str:
    """What crossed; nothing once it is closed, for the form may come after that."""
    with reading(http.runtime()) as session:
        look = open_alert(session)
    if look is None:
        return ""
    return (
        f"By {words.date(look.on)} {look.events} first serious events; {look.boundary} are enough."
    )


def _given() -> dict[str, Any]:
    """Which crossing it is about: what was done of one closes no other."""
    with reading(http.runtime()) as session:
        return {"look": alert(session).id}
