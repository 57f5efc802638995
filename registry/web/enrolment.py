"""Enrolment in steps: a task list that can be left and resumed; at its end the dated plan."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http
from registry.actions import drafts as actions
from registry.db import reading
from registry.errors import DomainError, NotFound
from registry.models import EnrolmentDraft, FollowUp, OutboxEmail
from registry.queries import accounts, drafts, identities, protocols, records
from registry.web import enrolment_check, letters_view
from registry.web.enrolment_steps import BY_CODE, STEPS, Around, Step, faults, usual_labs
from registry.web.forms import typed, worded
from registry.web.patients import vault

enrolment = Blueprint("enrolment", __name__)
MORE = "more"


def around(session: Session) -> Around:
    """The protocol in force and the asker's clinics."""
    sites = accounts.sites_by_id(session, http.asker().sites(http.roles_here()))
    return Around(protocols.in_force(session).protocol, sites)


def draft_of(session: Session, secret: str) -> tuple[EnrolmentDraft, actions.Content]:
    """A draft of the asker with what was typed."""
    draft = drafts.by_secret(session, http.asker().user_id, secret, http.at())
    return draft, drafts.content(vault(), draft)


@enrolment.route("/enrol", methods=["GET", "POST"])
def begin() -> ResponseReturnValue:
    """Begin an enrolment, or go on with one."""

    def work(session: Session) -> str:
        secret = actions.begin(
            session, http.asker().user_id, vault=vault(), by=http.by(), at=http.at()
        )
        return url_for("enrolment.tasks", secret=secret)

    if request.method == "POST":
        return http.carry_out(work)
    with reading(http.runtime()) as session:
        begun = drafts.of_user(session, http.asker().user_id, http.at())
        shown = [(one, _summary(one)) for one in begun]
    return render_template("enrolment/begin.html", drafts=shown, steps=len(STEPS))


def _summary(draft: EnrolmentDraft) -> str:
    """How far it is, with initials to tell drafts apart."""
    content = drafts.content(vault(), draft)
    name = content.get("identity", {}).get("name", "")
    initials = "".join(f"{word[0]}." for word in name.split()) or "no name yet"
    return f"{initials}, {len(content)} of {len(STEPS)} steps"


@enrolment.get("/enrol/<secret>")
def tasks(secret: str) -> ResponseReturnValue:
    """The steps, which are done, and what is left."""
    with reading(http.runtime()) as session:
        draft, content = draft_of(session, secret)
    ready = all(step.code in content for step in STEPS if step.needed)
    rows = [(step, step.code in content) for step in STEPS]
    return render_template("enrolment/tasks.html", draft=draft, rows=rows, ready=ready)


@enrolment.post("/enrol/<secret>/drop")
def drop(secret: str) -> ResponseReturnValue:
    """Give up: what was typed is destroyed."""

    def work(session: Session) -> str:
        draft, _ = draft_of(session, secret)
        actions.drop(session, draft, by=http.by(), at=http.at())
        return url_for("enrolment.begin")

    return http.carry_out(work)


@enrolment.route("/enrol/<secret>/step/<code>", methods=["GET", "POST"])
def step(secret: str, code: str) -> ResponseReturnValue:
    """One page of boxes; saving it leads to the next."""
    one = BY_CODE.get(code)
    if one is None:
        raise NotFound("There is no such step.")
    with reading(http.runtime()) as session:
        _, content = draft_of(session, secret)
        here = around(session)
        errors = _errors(session, one, here) if request.method == "POST" else {}
    if request.method != "POST":
        kept = http.kept()
        given = content.get(code) or _first(one) if kept is None else typed(kept)
        return _show(secret, one, here, given)
    if MORE in request.form or errors:
        return _show(secret, one, here, typed(request.form), errors), 422 if errors else 200
    return http.carry_out(lambda session: _keep(session, secret, one))


def _first(one: Step) -> dict[str, Any]:
    return usual_labs() if one.code == "labs" else {"language": "en"}


def _errors(session: Session, one: Step, here: Around) -> dict[Any, Any]:
    """What is wrong with the page; an e-mail address that is enrolled already is told here."""
    if MORE in request.form:
        return {}
    flat = typed(request.form)
    found = faults(one, flat, here.protocol)
    if one.code == "consent" and flat.get("site") not in {"", None, *_codes(here)}:
        found["site"] = ["This is none of your clinics. Choose one of them"]
    email = flat.get("email", "")
    if one.code == "identity" and "email" not in found and email:
        owner = identities.by_email(session, vault(), email)
        if owner is not None:
            found["email"] = ["This e-mail address is already enrolled. Look for the patient first"]
    return found


def _codes(here: Around) -> list[str]:
    return [site.code for site in here.sites]


def _keep(session: Session, secret: str, one: Step) -> str:
    draft, content = draft_of(session, secret)
    content[one.code] = typed(request.form)
    actions.save(session, draft, content, vault=vault(), by=http.by(), at=http.at())
    left = [step.code for step in STEPS if step.code not in content]
    if request.args.get("back") == "check" or not left:
        return url_for("enrolment.check", secret=secret)
    return url_for("enrolment.step", secret=secret, code=_following(one, left))


def _following(one: Step, left: list[str]) -> str:
    order = [step.code for step in STEPS]
    later = [code for code in left if order.index(code) > order.index(one.code)]
    return (later or left)[0]


def _show(
    secret: str,
    one: Step,
    here: Around,
    given: Mapping[str, Any],
    errors: Mapping[Any, Any] | None = None,
) -> str:
    boxes, rows = one.boxes(here), one.rows(here) if one.rows else None
    inner = list(rows.boxes) if rows else []
    return render_template(
        "enrolment/step.html",
        secret=secret,
        step=one,
        boxes=boxes,
        rows=rows,
        count=_count(rows.name, rows.least, given) if rows else 0,
        given=given,
        errors=worded(errors or {}, [*boxes, *inner]),
        number=STEPS.index(one) + 1,
        total=len(STEPS),
    )


def _count(name: str, least: int, given: Mapping[str, Any]) -> int:
    """How many rows the page has: those that are filled, one more where that was asked for."""
    numbers = [
        int(box.split("-")[1])
        for box, value in given.items()
        if box.startswith(f"{name}-") and (value if isinstance(value, str) else any(value.values()))
    ]
    asked = MORE in request.form
    return max(least, max(numbers, default=-1) + 1 + asked)


@enrolment.route("/enrol/<secret>/check", methods=["GET", "POST"])
def check(secret: str) -> ResponseReturnValue:
    """All answers with links to change them; then the button that enrols."""
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            return http.carry_out(lambda session: _enrol(session, secret))
        except enrolment_check.REFUSALS as wrong:
            refusal = wrong
    with reading(http.runtime()) as session:
        found = enrolment_check.check(session, draft_of(session, secret)[1], around(session))
    status = found.refuse(refusal) if refusal else 200
    return render_template("enrolment/check.html", secret=secret, found=found), status


def _enrol(session: Session, secret: str) -> str:
    draft, content = draft_of(session, secret)
    number = enrolment_check.enrol(session, content, around(session), vault())
    actions.drop(session, draft, by=http.by(), at=http.at())
    return url_for("enrolment.done", number=number)


@enrolment.get("/patients/<path:number>/enrolled")
def done(number: str) -> ResponseReturnValue:
    """Enrolled: the dated plan, and the first letter as the patient will get it."""
    with reading(http.runtime()) as session:
        record = records.record(session, http.patient())
        planned = [one.follow_up for one in record.lines if one.follow_up.state == "planned"]
        letter = letters_view.preview(session, _first_letter(planned[0])) if planned else None
    return render_template("enrolment/done.html", record=record, letter=letter)


def _first_letter(follow_up: FollowUp) -> OutboxEmail:
    """The letter as it will be written; it is not kept."""
    return OutboxEmail(
        kind="invitation",
        follow_up_id=follow_up.id,
        patient_id=follow_up.patient_id,
        language=follow_up.language,
        template_version=letters_view.newest_version(follow_up.language),
        state="queued",
        attempts=0,
        queued_at=http.at(),
        next_attempt_at=letters_view.morning_of(follow_up),
    )
