"""What every staff page shows around its content: menu, who is signed in, the protocol in force."""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

from flask import Flask, current_app, request, url_for
from sqlalchemy import select

from registry import http, late_forms, tokens, words
from registry.db import reading
from registry.models import Instance
from registry.queries import protocols
from registry.reports import figures
from registry.web import labels

MENU = (  # label, endpoint, what it is: shown to those whom the policy lets use it
    ("Worklist", "worklist.home", "what needs doing"),
    ("Patients", "patients.find", "find a patient"),
    ("Response", "response.page", "how many answered, by wave and site"),
    ("Outcomes", "outcomes.page", "how patients are, and what the silent could change"),
    ("Safety", "safety.page", "adverse events, by the clinic and as patients tell them"),
    ("Survival", "survival.page", "survival curves"),
    ("Published", "published.page", "the registry beside published figures"),
    ("Claims", "claims.page", "what is advertised, and what the figures say of it"),
    ("Sites", "sites.index", "clinics and what patients read of them"),
    ("Users", "users.index", "accounts, roles, lost passwords"),
    ("Outbox", "post.outbox", "every letter and what became of it"),
    ("Mailbox", "mailbox.index", "the letters kept in a folder, for there is no mail server"),
    ("State", "standing.page", "whether letters go, the jobs run, and the plan adds up"),
    ("Audit", "trail.search", "who did what when, and whether the chains hold"),
    ("Protocol", "protocol.show", "what is in force, and the calendar of one patient"),
)
NOTICES: Mapping[str, str] = {
    "advanced": "The clock was moved on, and what came due on the way was done.",
    "signed_out": "You are signed out.",
    "password": "Your password is set. Sign in with it.",
    "test_letter": "A test letter to you is waiting to be sent.",
    "held": "Letters wait from now on.",
    "released": "Letters go again.",
    "resent": "The letter is in the queue again.",
    "given_up": "The letter is left unsent.",
    "death": "The death is recorded. What was planned is called off.",
    "withdrawal": "The withdrawal is recorded. What was planned is called off.",
    "corrected": "The correction is saved with its reason.",
    "looked_into": "The alert is closed.",
    "alert_closed": "The alert is closed.",
    "call": "The call is recorded.",
    "lab": "The result is saved.",
    "event": "The event is saved.",
    "judged": "The decision is saved.",
    "reopened": "It is on the worklist again.",
    "treatment": "The treatment is saved.",
    "consent": "The consent is recorded.",
    "link": "A letter with a new link goes out in a minute or two.",
    "kept": "Your session was over, so nothing was saved. What you typed is kept for an hour: sign "
    "in, and it is shown to you again.",
    "claim": "The claim is saved.",
    "claim_dropped": "The claim is taken off the page.",
    "key_revoked": "The key is revoked: the program is refused from now on.",
    "mail_on": "Letters go to the patient again.",
    "mail_chosen": "What the patient wants is kept; it holds from the next letter on.",
}


class _CsrfToken:
    """The token of this request's session, made when a form shows it."""

    def __str__(self) -> str:
        return http.csrf_token()


def prepare(app: Flask) -> None:
    """Give templates their filters, their globals, and what the frame wants."""
    words.register_filters(app.jinja_env)
    app.jinja_env.globals.update(
        figures=figures,
        csrf_token=_CsrfToken(),
        once=tokens.drawn,
        may_use=http.may_use,
        label=labels.label,
        hold_words=labels.HOLDS,
        state_words=labels.FOLLOW_UP_STATES,
    )
    app.context_processor(_frame)


def _frame() -> dict[str, Any]:
    who = http.asker_or_none()
    kept = _kept_notice()
    notice = kept or NOTICES.get(request.args.get("done", ""))
    around = _around() if who else {}
    return around | {
        "nav": _menu() if who else [],
        "who": f"{who.name}, {who.role_words}" if who else None,
        "sign_out_url": url_for("session.sign_out"),
        "notice": {"text": notice, "colour": "amber" if kept else "blue"} if notice else None,
    }


def _kept_notice() -> str | None:
    """What is said on a page that shows again what was typed in a session that was over."""
    if late_forms.PARAMETER not in request.args or request.method != "GET":
        return None
    if http.kept() is None:
        return "What was typed here is not kept any more. It is kept for an hour, for one person."
    return "Nothing of this was saved yet: your session was over. Look at it and send it again."


def _menu() -> list[tuple[str, str, bool]]:
    items = [(label, url_for(endpoint)) for label, endpoint, _ in MENU if http.may_use(endpoint)]
    if not http.may_use("patients.find"):
        items[0] = ("Start", items[0][1])
    return [(label, url, _is_current(url)) for label, url in items]


def _is_current(url: str) -> bool:
    """Whether this page is that of the menu, or one under it; enrolling is about patients."""
    path = request.path.replace("/enrol", "/patients", 1)
    return path == url or (path.startswith(f"{url.rstrip('/')}/") and url != "/")


def own_pages() -> list[tuple[str, str, str]]:
    """The pages of the menu that the asker may use, beside this one: (label, address, about)."""
    return [
        (label, url_for(endpoint), about)
        for label, endpoint, about in MENU
        if http.may_use(endpoint) and endpoint != request.endpoint
    ]


def _around() -> dict[str, Any]:
    """The foot of the page (software and protocol), and the day of a demonstration."""
    with reading(http.runtime()) as session:
        row = protocols.newest(session)
        demo_now = session.scalar(select(Instance.demo_now))
    about = {
        "version": version("outcomes-registry"),
        "protocol": f"{row.code} {row.version}" if row else "none",
        "fingerprint": row.fingerprint[:12] if row else "none",
    }
    return {"about": about, "demo": _demo(demo_now) if demo_now else None}


def _demo(now: datetime) -> dict[str, Any]:
    """The day of a demonstration, the letters sent, and the ways on where this process has them."""
    ways = {"next_day_url": "demo_clock.next_day", "next_month_url": "demo_clock.next_month"}
    ways |= {"mailbox_url": "mailbox.index"} if http.may_use("mailbox.index") else {}
    here = {name: url_for(way) for name, way in ways.items() if way in current_app.view_functions}
    return {"day": words.date(now.date()), "once": tokens.drawn(), **here}
