"""Signing in and out, a lost password, choosing a password."""

from argon2 import PasswordHasher
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from registry import http
from registry.actions import accounts, passwords
from registry.db import reading, transaction
from registry.models import User
from registry.queries import accounts as queries

session = Blueprint("session", __name__)
ANONYMOUS = "sign-in page"
REFUSED = (
    "You could not be signed in. Check the address and the password. After five wrong tries "
    "an account is closed for 15 minutes."
)


@session.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in; one message for every reason why not."""
    if request.method != "POST":
        return _sign_in_page()
    email, password = request.form.get("email", ""), request.form.get("password", "")
    with transaction(http.runtime()) as db:
        attempt = accounts.count_try(db, email[:200], by=ANONYMOUS, at=http.at())
    if not passwords.is_right(_hasher(), attempt.password_hash, password) or not attempt.user_id:
        return _sign_in_page(email, {"_schema": [REFUSED]}), 401
    return _begin(attempt.user_id, queries.normal(email))


def _begin(user_id: int, email: str) -> AnyResponse:
    """A new session, whatever session this browser had; on to where it wanted to go."""
    old = http.asker_or_none()
    with transaction(http.runtime()) as db:
        secret = accounts.begin_session(
            db, user_id, old=old.session_id if old else None, by=email, at=http.at()
        )
    answer = redirect(_local(request.form.get("next", "")), 303)
    http.set_cookie(answer, "session", secret)
    return answer


def _sign_in_page(email: str = "", errors: dict[str, list[str]] | None = None) -> str:
    wanted = _local(request.values.get("next", ""))
    return render_template("session/sign_in.html", email=email, wanted=wanted, errors=errors or {})


def _local(address: str) -> str:
    """Only addresses of our own: what came in may be a trap."""
    mine = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if mine and address.isprintable() else url_for("worklist.home")


@session.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session, here and on the server."""
    who = http.asker()
    if who.session_id is not None:
        with transaction(http.runtime()) as db:
            accounts.sign_out(db, who.session_id, by=who.email, at=http.at())
    answer = redirect(url_for("session.sign_in", done="signed_out"), 303)
    http.drop_cookie(answer, "session")
    return answer


@session.route("/lost-password", methods=["GET", "POST"])
def lost_password() -> ResponseReturnValue:
    """Have a letter with a link sent; the page says the same for every address."""
    if request.method != "POST":
        return render_template("session/lost_password.html", errors={})
    email, settings = request.form.get("email", "")[:200], http.runtime().settings
    with transaction(http.runtime()) as db:
        accounts.lose_password(db, email, settings=settings, by=ANONYMOUS, at=http.at())
    return render_template("session/lost_password_sent.html")


@session.route("/reset/<secret>", methods=["GET", "POST"])
def choose_password(secret: str) -> ResponseReturnValue:
    """Choose a password by a one-time link. GET uses nothing up."""
    with reading(http.runtime()) as db:
        reset = queries.usable_reset(db, secret, http.at())
        user = db.get_one(User, reset.user_id)
    if request.method != "POST":
        return render_template("session/choose_password.html", email=user.email, errors={})
    errors = _faults(user)
    if errors:
        page = render_template("session/choose_password.html", email=user.email, errors=errors)
        return page, 422
    return _chosen(secret, user)


def _faults(user: User) -> dict[str, list[str]]:
    password = request.form.get("password", "")
    found = passwords.faults(password, user.email, user.name)
    if found:
        return {"password": found}
    again = request.form.get("again", "")
    return {} if password == again else {"again": ["The two passwords differ. Type both again."]}


def _chosen(secret: str, user: User) -> AnyResponse:
    hashed = _hasher().hash(request.form["password"])
    with transaction(http.runtime()) as db:
        accounts.choose_password(db, secret, hashed, by=user.email, at=http.at())
    answer = redirect(url_for("session.sign_in", done="password"), 303)
    http.drop_cookie(answer, "session")
    return answer


def _hasher() -> PasswordHasher:
    hasher: PasswordHasher = current_app.extensions["hasher"]
    return hasher
