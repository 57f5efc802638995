"""The stop switch: letters of a site, or of all, wait; and go again."""

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http
from registry.actions import holds as actions
from registry.db import reading
from registry.queries import accounts
from registry.schemas.staff import HoldSchema
from registry.web.forms import Box, FormPage

holds = Blueprint("holds", __name__)
EVERYWHERE = "everywhere"
REASON = Box(
    "reason", "Why are letters to wait?", "lines", hint="Everybody who works here reads it"
)


@holds.route("/outbox/hold", methods=["GET", "POST"])
def place() -> ResponseReturnValue:
    """Keep letters back, of one site or of all."""

    def act(session: Session, data: dict[str, Any]) -> str:
        where = data["site"]
        site_id = None if where == EVERYWHERE else int(where)
        actions.place(session, site_id, data["reason"], by=http.by(), at=http.at())
        return url_for("post.outbox", done="held")

    with reading(http.runtime()) as session:
        sites = [(str(site.id), site.code) for site in accounts.sites_by_id(session)]
    options = [(EVERYWHERE, "Every site"), *sites]
    whose = Box("site", "Whose letters?", "list", options=options)
    return FormPage(
        title="Stop letters", boxes=(whose, REASON), schema=HoldSchema(), act=act,
        button="Stop letters", colour="red",
        consequences=(
            "From the next few seconds on no letter goes to these patients.",
            "Letters wait in the queue. Nothing is lost, and no attempt is used up.",
            "Letters to staff still go: a test letter shows whether the mail server takes letters.",
        ),
        back=("Go back", url_for("post.outbox")),
        crumbs=[("Outbox", url_for("post.outbox")), ("Stop letters", None)],
    ).respond()  # fmt: skip


@holds.post("/outbox/holds/<int:hold_id>/lift")
def lift(hold_id: int) -> ResponseReturnValue:
    """Let letters go again."""

    def act(session: Session) -> str:
        actions.lift(session, hold_id, by=http.by(), at=http.at())
        return url_for("post.outbox", done="released")

    return http.carry_out(act)
