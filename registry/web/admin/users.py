"""Accounts: who may do what where; first links and lost passwords."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from marshmallow import fields, validate
from sqlalchemy.orm import Session

from registry import http
from registry.actions import accounts as actions
from registry.actions import staff_mail
from registry.db import reading
from registry.errors import Refused
from registry.models.accounts import ROLES
from registry.queries import accounts
from registry.queries.accounts import Account
from registry.schemas.staff import UserSchema
from registry.web.forms import Box, FormPage

users = Blueprint("users", __name__)
ROLE_WORDS = {
    "clinician": ("Clinician", "sees and writes patients of the site, with their names"),
    "nurse": ("Nurse", "as a clinician"),
    "data_manager": ("Data manager", "corrects records, without names"),
    "analyst": ("Analyst", "sees aggregates only, small numbers hidden"),
    "administrator": ("Administrator", "runs the registry, sees no patient"),
    "auditor": ("Auditor", "reads the trail and aggregates"),
}
EVERYWHERE = "everywhere"


class AccountSchema(UserSchema):
    """A new account with its roles and where they hold."""

    roles = fields.List(
        fields.String(validate=validate.OneOf(ROLES)),
        required=True,
        validate=validate.Length(min=1),
    )
    places = fields.List(fields.String(), required=True, validate=validate.Length(min=1))


class RolesSchema(AccountSchema):
    """New roles for an account."""

    class Meta:
        """Name and address stay."""

        exclude = ("email", "name")


@users.get("/users")
def index() -> ResponseReturnValue:
    """Every account, its roles, and when it was last used."""
    with reading(http.runtime()) as session:
        found = accounts.all_accounts(session)
    return render_template("admin/users.html", accounts=found, role_words=ROLE_WORDS)


@users.route("/users/add", methods=["GET", "POST"])
def add() -> ResponseReturnValue:
    """A new account; its owner gets a letter with a link to choose a password."""
    boxes = (
        Box("name", "Name", width="w20", autocomplete="off"),
        Box("email", "E-mail", "email", width="w20"),
        *_role_boxes(),
    )
    return FormPage(
        title="Add a user", boxes=boxes, schema=AccountSchema(), act=_add,
        button="Add the user and send the link", back=("All users", url_for("users.index")),
    ).respond()  # fmt: skip


def _add(session: Session, data: dict[str, Any]) -> str:
    grants = _grants(data)
    user = actions.add_user(
        session, data["email"], data["name"], grants, by=http.by(), at=http.at()
    )
    _send_link(session, user.id)
    return url_for("users.index")


@users.route("/users/<int:user_id>", methods=["GET", "POST"])
def change(user_id: int) -> ResponseReturnValue:
    """Which roles an account has, and where."""
    with reading(http.runtime()) as session:
        account = accounts.account(session, user_id)
        codes = {site.code: str(site.id) for site in accounts.sites_by_id(session)}

    def act(session: Session, data: dict[str, Any]) -> str:
        _refuse_own(account, "take roles from yourself")
        actions.set_roles(session, user_id, _grants(data), by=http.by(), at=http.at())
        return url_for("users.index")

    given = {
        "roles": sorted({role for role, _ in account.roles}),
        "places": sorted({codes[code] if code else EVERYWHERE for _, code in account.roles}),
    }
    return FormPage(
        title=account.user.name, lead=account.user.email, boxes=_role_boxes(),
        schema=RolesSchema(), act=act, button="Save the roles", given=given, corrects=True,
        consequences=("Whoever is signed in with the old roles must sign in again.",),
        back=("All users", url_for("users.index")), template="admin/user.html",
        more={"account": account},
    ).respond()  # fmt: skip


@users.post("/users/<int:user_id>/<any(disable, enable, unlock, link):verb>")
def act_on(user_id: int, verb: str) -> ResponseReturnValue:
    """Disable, enable, unlock, or send a new link to choose a password."""

    def act(session: Session) -> str:
        account = accounts.account(session, user_id)
        if verb == "disable":
            _refuse_own(account, "disable yourself")
            actions.disable(session, user_id, by=http.by(), at=http.at())
        elif verb == "enable":
            actions.enable(session, user_id, by=http.by(), at=http.at())
        elif verb == "unlock":
            actions.unlock(session, user_id, by=http.by(), at=http.at())
        else:
            _send_link(session, user_id)
        return url_for("users.index")

    return http.carry_out(act)


def _send_link(session: Session, user_id: int) -> None:
    staff_mail.queue_password_reset(
        session, user_id, settings=http.runtime().settings, by=http.by(), at=http.at()
    )


def _refuse_own(account: Account, what: str) -> None:
    if account.user.id == http.asker().user_id:
        raise Refused(f"You cannot {what}: ask another administrator.")


def _role_boxes() -> tuple[Box, ...]:
    with reading(http.runtime()) as session:
        places = [(str(site.id), site.staff_name) for site in accounts.sites_by_id(session)]
    options = tuple((role, *ROLE_WORDS[role]) for role in ROLES)
    return (
        Box("roles", "Roles", "several", options=options),
        Box("places", "Where", "several", options=((EVERYWHERE, "At every site"), *places)),
    )


def _grants(data: dict[str, Any]) -> list[tuple[str, int | None]]:
    roles: Iterable[str] = data.pop("roles")
    places: Iterable[str] = data.pop("places")
    spots = [None] if EVERYWHERE in places else [int(place) for place in places]
    return [(role, spot) for role in roles for spot in spots]
