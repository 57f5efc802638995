"""Letters that need a person: why each ended, and what can be done about it."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http
from registry.actions import dead_letters as actions
from registry.db import reading
from registry.queries import dead_letters as queries
from registry.schemas.staff import GivenUpSchema
from registry.web.forms import Box, FormPage
from registry.web.labels import pager

dead_letters = Blueprint("dead_letters", __name__)
PAGE = 50
ENDS = {
    "unclear": ("Unclear", "amber"),
    "quarantined": ("Quarantined", "red"),
    "address": ("No such mailbox", "amber"),
    "mailbox": ("Mailbox full", "amber"),
    "policy": ("Not wanted", "red"),
    "content": ("Content refused", "red"),
    "server": ("Server refused", "red"),
}
WHAT_TO_DO = {
    "unclear": "It was handed over twice and no answer was kept: it may have arrived. Look for its "
    "Message-ID in the mail server's log. If it is not there, send it once more.",
    "quarantined": "A fault of ours stopped it three times before it left. Correct what the reason "
    "names, then send it.",
    "address": "The clinic corrects the address and lets letters go again; a letter with a new "
    "link then goes out by itself. This one can be given up.",
    "mailbox": "Full on three days. The clinic asks the patient for another address.",
    "policy": "The mail server refuses letters from us. Put right what it names (SPF, DKIM, DMARC, "
    "a block list), then send it once more.",
    "content": "The mail server refuses this letter as it is written. Correct the letter's words, "
    "then send it once more.",
    "server": "The mail server is in trouble. Ask whoever runs it.",
}


@dead_letters.get("/outbox/dead")
def index() -> ResponseReturnValue:
    """Every such letter, the newest first. Study numbers, no names and no addresses."""
    first = max(request.args.get("from", 1, int), 1)
    with reading(http.runtime()) as session:
        found, total = queries.dead_letters(session, first, PAGE)
    return render_template(
        "admin/dead_letters.html", found=found, total=total, ends=ENDS, todo=WHAT_TO_DO,
        pager=pager("dead_letters.index", first, len(found), total, PAGE),
    )  # fmt: skip


@dead_letters.route("/outbox/dead/<int:letter_id>/resend", methods=["GET", "POST"])
def resend(letter_id: int) -> ResponseReturnValue:
    """Send it once more."""

    def act(session: Session, data: dict[str, Any]) -> str:
        actions.resend(session, letter_id, by=http.by(), at=http.at())
        return url_for("dead_letters.index", done="resent")

    page = _page(letter_id, f"Send letter {letter_id} once more", "Send it once more")
    page.act = act
    page.consequences = (
        "It is checked like any other letter: it does not go to somebody who answered or left.",
        "If it was unclear, the patient may get it twice; both copies are the same.",
        "This can be done once for each letter.",
    )
    return page.respond()


@dead_letters.route("/outbox/dead/<int:letter_id>/give-up", methods=["GET", "POST"])
def give_up(letter_id: int) -> ResponseReturnValue:
    """Leave it unsent."""

    def act(session: Session, data: dict[str, Any]) -> str:
        actions.give_up(session, letter_id, data["reason"], by=http.by(), at=http.at())
        return url_for("dead_letters.index", done="given_up")

    page = _page(letter_id, f"Give up letter {letter_id}", "Give it up")
    page.act, page.schema = act, GivenUpSchema()
    page.boxes = (Box("reason", "Why is it not sent?", "lines"),)
    return page.respond()


def _page(letter_id: int, title: str, button: str) -> FormPage:
    index = url_for("dead_letters.index")
    return FormPage(
        title=title, boxes=(), schema=GivenUpSchema(only=()), act=lambda _session, _data: index,
        button=button, back=("Go back", index),
        crumbs=[("Outbox", url_for("post.outbox")), ("Needs a person", index), (title, None)],
    )  # fmt: skip
