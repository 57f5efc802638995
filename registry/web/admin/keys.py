"""Keys by which programs call the API as a user: listed, made (and shown once), revoked."""

from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from registry import http
from registry.actions import accounts as actions
from registry.db import reading
from registry.queries import accounts
from registry.queries.accounts import ROLE_WORDS, Account
from registry.schemas.staff import KeySchema
from registry.web.forms import Box, FormPage

keys = Blueprint("keys", __name__)


@keys.get("/keys")
def index() -> ResponseReturnValue:
    """Every key that was made; the keys themselves are kept nowhere."""
    with reading(http.runtime()) as session:
        found = accounts.keys(session)
    return render_template("admin/keys.html", keys=found)


@keys.route("/keys/add", methods=["GET", "POST"])
def add() -> ResponseReturnValue:
    """Make a key; the answer shows it, and nothing shows it again."""
    made: list[str] = []

    def act(session: Session, data: dict[str, Any]) -> str:
        user_id = data["user_id"]
        made.append(actions.issue_key(session, user_id, data["label"], by=http.by(), at=http.at()))
        return url_for("keys.index")

    answer = FormPage(
        title="Make a key", boxes=_boxes(), schema=KeySchema(), act=act,
        lead="A program with the key sees and does what its user may, and the trail names the "
        "user. Make an account of its own for a program, with no more than it needs.",
        button="Make the key", back=("All keys", url_for("keys.index")),
    ).respond()  # fmt: skip
    return render_template("admin/key.html", key=made[0]) if made else answer


def _boxes() -> tuple[Box, ...]:
    with reading(http.runtime()) as session:
        users = [one for one in accounts.all_accounts(session) if one.user.disabled_at is None]
    return (
        Box("user_id", "As whom?", "list", options=[(str(o.user.id), _named(o)) for o in users]),
        Box("label", "Which program is it for?", hint="Like: laboratory system", width="w20"),
    )


def _named(account: Account) -> str:
    roles = ", ".join(dict.fromkeys(ROLE_WORDS[role] for role, _ in account.roles))
    return f"{account.user.name}, {account.user.email} ({roles or 'no role'})"


@keys.post("/keys/<int:key_id>/revoke")
def revoke(key_id: int) -> AnyResponse:
    """Refuse the program from now on."""

    def act(session: Session) -> str:
        actions.revoke_key(session, key_id, by=http.by(), at=http.at())
        return url_for("keys.index", done="key_revoked")

    return http.carry_out(act)
