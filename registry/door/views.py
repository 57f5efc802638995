"""The ten addresses of the patient door. GET and HEAD change nothing."""

from collections.abc import Mapping
from datetime import datetime

from flask import Blueprint, make_response, redirect, request
from flask import url_for as address
from werkzeug.wrappers import Response as AnyResponse

from registry import migrate
from registry.actions import preferences, responses
from registry.db import reading, transaction
from registry.door import choices, pages, visit
from registry.door.visit import DOOR, Visit, runtime
from registry.queries.surveys import Standing
from surveys import pages as survey_pages
from surveys.answers import urgent
from surveys.checking import check
from surveys.questions import Answer

door = Blueprint("door", __name__)
RESPONDENTS = ("self", "parent", "carer")
LONGEST_REASON = 500


@door.get("/<any(healthz, readyz):asked>")
def probe(asked: str) -> tuple[str, int]:
    """Healthz: the process answers. Readyz: 503 when the database cannot be used or is not at this
    software's schema.
    """
    is_well = asked == "healthz" or migrate.is_at_head(runtime().sessions.engine)
    return ("ok", 200) if is_well else ("schema", 503)


@door.route("/s/<token>", methods=["GET", "POST"])
def entrance(token: str) -> AnyResponse | str | tuple[str, int]:
    """What a link in a letter opens: what this is, who reads the answers, and a button."""
    if request.method == "POST":
        return _go_in(token)
    at = runtime().clock.now()
    with reading(runtime()) as session:
        found = visit.by_token(session, token, at)
        return pages.choice(session, found, at) or pages.entrance(found)


def _go_in(token: str) -> AnyResponse | str | tuple[str, int]:
    """Go in (the address bar loses the token), or ask for a new link."""
    at = runtime().clock.now()
    with transaction(runtime()) as session:
        found = visit.by_token(session, token, at)
        if request.form.get("action") == "new_link":
            asked = preferences.ask_for_link(session, found.follow_up.id, by=DOOR, at=at)
            return pages.new_link(found, asked)
        chosen = request.form.get("open") or request.form.get("month")
        found = visit.of_month(session, found, chosen, at) if chosen else found
    if found.standing is not Standing.ANSWERABLE:
        return pages.entrance(found)
    respondent = request.form.get("respondent", "")
    if "open" in request.form and not respondent:
        return pages.entrance(found)
    if respondent not in RESPONDENTS:
        return pages.entrance(found, missing_respondent=True), 422
    return visit.begin(
        make_response(redirect(_next(found), 303)), found.follow_up.id, respondent, at
    )


@door.route("/s/q/<key>", methods=["GET", "POST"])
def question(key: str) -> AnyResponse | str | tuple[str, int]:
    """One page of questions; saving it leads to the next, or first to urgent advice."""
    if request.method == "POST":
        return _save(key)
    with reading(runtime()) as session:
        found = visit.by_cookie(session, runtime().clock.now())
        if found.standing is not Standing.ANSWERABLE:
            return pages.entrance(found)
        page = survey_pages.page(found.instrument, found.context, found.answers, key)
        return pages.questions(found, page) if page else redirect(_next(found), 303)


def _save(key: str) -> AnyResponse | str | tuple[str, int]:
    visit.check_csrf()
    at = runtime().clock.now()
    with transaction(runtime()) as session:
        found = visit.by_cookie(session, at, hold=True)
        page = survey_pages.page(found.instrument, found.context, found.answers, key)
        if found.standing is not Standing.ANSWERABLE or page is None:
            return redirect(_next(found), 303)
        form = request.form.to_dict(flat=False)
        language = found.words.language
        checked = check(
            found.instrument, found.context, page.questions, found.answers, form, language
        )
        if checked.problems:
            return pages.questions(found, page, form, checked.problems), 422
        responses.save(
            session,
            found.follow_up.id,
            checked.answers,
            found.protocol,
            visit.entry(at),
            by=DOOR,
            at=at,
        )
    if urgent(page.questions, checked.answers):
        return redirect(address("door.advice", key=key), 303)
    return redirect(_after(found, checked.answers, key), 303)


@door.get("/s/advice/<key>")
def advice(key: str) -> AnyResponse | str:
    """Urgent advice for the answers of that page."""
    with reading(runtime()) as session:
        found = visit.by_cookie(session, runtime().clock.now())
        page = survey_pages.page(found.instrument, found.context, found.answers, key)
        codes = urgent(page.questions, found.answers) if page else ()
        onward = _after(found, found.answers, key)
        return pages.advice(found, codes, onward) if codes else redirect(onward, 303)


@door.route("/s/review", methods=["GET", "POST"])
def review() -> AnyResponse | str:
    """All answers with a way to change each; sending them twice sends them once."""
    at = runtime().clock.now()
    if request.method == "POST":
        visit.check_csrf()
        with transaction(runtime()) as session:
            found = visit.by_cookie(session, at)
            if found.standing in {Standing.ANSWERABLE, Standing.ANSWERED} and found.answers:
                responses.submit(session, found.follow_up.id, found.protocol, by=DOOR, at=at)
        return redirect(address("door.done"), 303)
    with reading(runtime()) as session:
        found = visit.by_cookie(session, at)
        answerable = found.standing is Standing.ANSWERABLE
        return pages.review(found) if answerable else pages.entrance(found)


@door.get("/s/done")
def done() -> AnyResponse | str:
    """Thanks, what happens next, and when the next questions come."""
    with reading(runtime()) as session:
        found = visit.by_cookie(session, runtime().clock.now())
        if found.standing is Standing.ANSWERABLE:
            return redirect(address("door.review"), 303)
        if found.standing is not Standing.ANSWERED:
            return pages.entrance(found)
        return pages.thanks(session, found)


@door.route("/s/leave", methods=["GET", "POST"])
def leave() -> str | tuple[str, int]:
    """Leave the registry: what stays, what stops, and a button."""
    at = runtime().clock.now()
    if request.method != "POST":
        with reading(runtime()) as session:
            return pages.leave(visit.by_cookie(session, at))
    visit.check_csrf()
    reason = _plain(request.form.get("reason", ""))
    with transaction(runtime()) as session:
        found = visit.by_cookie(session, at)
        if len(reason) > LONGEST_REASON:
            return pages.leave(found, reason, LONGEST_REASON), 422
        preferences.leave(session, found.follow_up.id, reason or None, by=DOOR, at=at)
    return pages.message(found, "left")


@door.route("/u/<token>", methods=["GET", "POST"])
def unsubscribe(token: str) -> AnyResponse | str:
    """Stop the letters in one click (RFC 8058: a POST without a cookie); GET shows the choices."""
    at = runtime().clock.now()
    if request.method != "POST":
        with reading(runtime()) as session:
            return pages.unsubscribe(visit.by_unsubscribe_token(session, token, at))
    with transaction(runtime()) as session:
        found = visit.by_unsubscribe_token(session, token, at)
        if request.form.get("then") == "leave":
            going = redirect(address("door.leave"), 303)
            return visit.begin(make_response(going), found.follow_up.id, "self", at)
        preferences.stop_mail(session, found.follow_up.id, by=DOOR, at=at)
    page = make_response(pages.message(found, "unsubscribed"))
    return visit.begin(page, found.follow_up.id, "self", at)


@door.route("/p/<token>", methods=["GET", "POST"])
def choose(token: str) -> AnyResponse | str | tuple[str, int]:
    """When and how often to be written to; stopping the letters; the way to leave."""
    at = runtime().clock.now()
    if request.method == "POST":
        return _choose(token, at)
    with reading(runtime()) as session:
        found = visit.by_preferences_token(session, token, at)
        return pages.preferences(session, found, at)


def _choose(token: str, at: datetime) -> AnyResponse | str | tuple[str, int]:
    """Do the one thing whose button was pressed; nothing is done without a choice beside it."""
    with transaction(runtime()) as session:
        found = visit.by_preferences_token(session, token, at)
        if request.form.get("do") == "leave":
            going = redirect(address("door.leave"), 303)
            return visit.begin(make_response(going), found.follow_up.id, "self", at)
        if found.standing is Standing.ENDED:
            return pages.entrance(found)
        done = choices.carry_out(session, found, request.form, at)
        page = pages.preferences(session, found, at, done)
        return (page, 422) if done.errors else page


def _plain(text: str) -> str:
    """The text in one line without signs that nobody can see, which a database may refuse."""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())


def _next(found: Visit) -> str:
    """Where to go on: the first page that is not answered, else the review."""
    page = survey_pages.first_unanswered(found.instrument, found.context, found.answers)
    return address("door.question", key=page.key) if page else address("door.review")


def _after(found: Visit, answers: Mapping[str, Answer], key: str) -> str:
    """The page after this one; the review after the last."""
    page = survey_pages.page_after(found.instrument, found.context, answers, key)
    return address("door.question", key=page.key) if page else address("door.review")
