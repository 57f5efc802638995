"""How the registry stands: whether letters go, the jobs run, and the plan adds up."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from registry import http, words
from registry.db import reading
from registry.queries import surroundings as queries
from registry.queries.installation import look
from registry.queries.surroundings import Surroundings, surroundings
from registry.web.labels import FOLLOW_UP_STATES

standing = Blueprint("standing", __name__)
WORDS = {
    "mail": "Mail is not going out",
    "send_hold": "Nothing is sent at all",
    "holds": "Letters are held",
    "unnamed_sites": "Letters of a site wait for the name that patients read",
    "letters_need_a_person": "Letters need a person",
    "worker": "No background job ran for five minutes",
    "beat": "The beat is silent; workers go on without it",
    "reckoning": "The plan does not add up, or was not reckoned for two days",
}


@standing.get("/standing")
def page() -> ResponseReturnValue:
    """All of it in words, and the last reckoning of the plan."""
    seen = look(http.runtime().journal)
    with reading(http.runtime()) as session:
        found = surroundings(session, seen, http.at())
        uncertain, copies = queries.uncertain(session), queries.copies_possible(session)
    return render_template(
        "admin/standing.html", found=found, wrong=[WORDS[code] for code in found.degraded],
        figures_of=_figures(found, uncertain["no_reply"], uncertain["process_ended"], copies),
        jobs=_jobs(found), states=FOLLOW_UP_STATES,
    )  # fmt: skip


def _figures(
    found: Surroundings, unanswered: int, ended: int, copies: int
) -> list[tuple[str, str]]:
    since = found.post.waiting_since
    oldest = words.until(since, found.at) if since else "none waits"
    return [
        ("Letters that are due", words.whole(found.post.waiting)),
        ("The oldest of them", oldest),
        ("Letters under a hold", words.whole(found.post.held)),
        ("Sites without the name that patients read", words.whole(found.unnamed)),
        ("Letters that need a person", words.whole(found.post.parked)),
        ("Hand-overs without a reply", words.whole(unanswered)),
        ("Hand-overs that a process did not outlive", words.whole(ended)),
        ("Letters that may have come twice", words.whole(copies)),
    ]


def _jobs(found: Surroundings) -> list[tuple[str, str, str]]:
    return [
        (name.replace("_", " "), f"{one.last_run_at:%Y-%m-%d %H:%M}", one.last_error or "")
        for name, one in sorted(found.beats.items())
    ]
