"""What each page of the door shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import render_template
from flask import url_for as address
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions.preferences import Asked
from registry.door import visit
from registry.door.choices import Done
from registry.door.visit import Visit
from registry.models import FollowUp
from registry.queries import preferences as queries
from registry.queries.preferences import Preferences
from registry.queries.surveys import Standing
from registry.survey_words import Words
from surveys import pages as survey_pages
from surveys.checking import Problem
from surveys.pages import Page

NOT_ANSWERABLE = {
    Standing.ANSWERED: "already",
    Standing.CLOSED: "closed",
    Standing.ENDED: "ended",
}


def _render(template: str, found: Visit, **more: object) -> str:
    links = []
    if found.standing is not Standing.ENDED and visit.is_begun():
        links = [(found.words("help.leave"), address("door.leave"))]
    return render_template(
        template,
        t=found.words,
        words=found.words,
        visit=found,
        links=links,
        help=found.words.facts,
        language=found.words.language,
        csrf_token=visit.csrf_token(),
        **more,
    )


def plain(key: str) -> str:
    """A page that knows nothing of whoever came: an unknown link, a visit that is over."""
    words = Words("en")
    return render_template(
        "message.html",
        t=words,
        title=words(f"{key}.title"),
        language=words.language,
        paragraphs=words.paragraphs(f"{key}.text"),
        offers_link=False,
        links=[],
    )


def entrance(found: Visit, *, missing_respondent: bool = False) -> str:
    """The welcome page; or why there is nothing to answer, and what to do."""
    if found.standing is not Standing.ANSWERABLE:
        is_over = found.standing is Standing.ENDED
        return message(found, NOT_ANSWERABLE[found.standing], offers_link=not is_over)
    begun = len(found.answers)
    count = survey_pages.progress(
        found.instrument,
        found.context,
        found.answers,
        survey_pages.pages(found.instrument, found.context, found.answers)[0],
    )
    words = found.words
    errors = {"respondent": [words("respondent.missing")]} if missing_respondent else {}
    return _render("welcome.html", found, count=count, begun=begun, errors=errors)


def choice(session: Session, found: Visit, at: datetime) -> str | None:
    """Which questionnaire to answer, the newest first; None where there is no choice."""
    waiting = queries.answerable(session, found.follow_up, found.on)
    if len(waiting) < 2 or found.standing is not Standing.ANSWERABLE:
        return None
    newest, *older = (visit.visit(session, one.id, at, missing=404) for one in waiting)
    return _render("which.html", found, newest=newest, older=older)


def preferences(session: Session, found: Visit, at: datetime, done: Done | None = None) -> str:
    """How the patient wants to be written to, with what was just kept or is wrong."""
    if found.standing is Standing.ENDED:
        return message(found, NOT_ANSWERABLE[found.standing])
    chosen = queries.of_patient(session, found.follow_up.patient_id, at)
    return _render(
        "preferences.html",
        found,
        chosen=chosen,
        **_options(found, chosen),
        done=done or Done(),
        errors=done.errors if done else {},
    )


def _options(found: Visit, chosen: Preferences) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen from, as (value, words)."""
    words = found.words
    hours = [(str(hour), words("preferences.from_hour", hour=hour)) for hour in queries.HOURS]
    zones = queries.zone_names(chosen.zone)
    return {
        "days": [(day.isoformat(), words.weekday(day)) for day in chosen.days],
        "parts": [(part, words(f"preferences.{part}")) for part in queries.PARTS_OF_DAY],
        "hours": [("", words("preferences.any_hour")), *hours],
        "zones": [(name, name.replace("_", " ")) for name in zones],
    }


def message(found: Visit, key: str, *, offers_link: bool = False) -> str:
    """A page that says one thing and what to do: `key` names its texts."""
    words = found.words
    sent_on = words.local_day(found.sent_at, found.follow_up.zone) if found.sent_at else ""
    return _render(
        "message.html",
        found,
        title=words(f"{key}.title"),
        paragraphs=words.paragraphs(f"{key}.text", sent_on=sent_on),
        offers_link=offers_link,
    )


def new_link(found: Visit, asked: Asked) -> str:
    """A new link was asked for, or why there is none. Whether our address works is not told here:
    whoever holds an old letter may be a stranger.
    """
    if asked is Asked.NOTHING_WAITS and found.standing is Standing.ENDED:
        return message(found, NOT_ANSWERABLE[found.standing])
    return _render(
        "message.html",
        found,
        title=found.words(f"new_link.{asked}_title"),
        paragraphs=found.words.paragraphs(f"new_link.{asked}_text"),
        offers_link=False,
    )


def questions(
    found: Visit,
    page: Page,
    form: Mapping[str, Sequence[str]] | None = None,
    problems: Sequence[Problem] = (),
) -> str:
    """One page of questions: with what was kept, or with what was typed and what is wrong."""
    given = (found.instrument, found.context, found.answers)
    before = survey_pages.page_before(*given, page.key)
    errors: dict[str, object] = {}
    for problem in problems:
        code, _, part = problem.field.partition("-")
        errors[code] = {part: [problem.text]} if part else [problem.text]
    return _render(
        "questions.html",
        found,
        page=page,
        progress=survey_pages.progress(*given, page),
        form=form,
        errors=errors,
        back=address("door.question", key=before.key) if before else None,
    )


def advice(found: Visit, codes: Sequence[str], onward: str) -> str:
    """Urgent advice, on the very next page after the answer that called for it."""
    return _render("advice.html", found, codes=codes, onward=onward)


def review(found: Visit) -> str:
    """Every part with its answers, what is open, and the button that sends them."""
    given = survey_pages.pages(found.instrument, found.context, found.answers)
    return _render("review.html", found, pages=given)


def thanks(session: Session, found: Visit) -> str:
    """Received; what happens next; when the next questions come."""
    following = session.scalars(
        select(FollowUp)
        .where(
            FollowUp.patient_id == found.follow_up.patient_id,
            FollowUp.month > found.follow_up.month,
            FollowUp.state.in_(("planned", "open")),
        )
        .order_by(FollowUp.month)
        .limit(1)
    ).one_or_none()
    return _render("thanks.html", found, following=following)


def leave(found: Visit, reason: str = "", too_long: int = 0) -> str:
    """What leaving means, before anything is done."""
    errors = {"reason": [found.words("leave.reason_too_long", high=too_long)]} if too_long else {}
    return _render("leave.html", found, reason=reason, errors=errors)


def unsubscribe(found: Visit) -> str:
    """The choice between no letters and leaving."""
    return _render("unsubscribe.html", found)
