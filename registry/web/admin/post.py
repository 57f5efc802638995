"""The outbox: every letter's state, those that need a person, and a test letter."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import http
from registry.actions import staff_mail
from registry.db import reading
from registry.models import OutboxEmail, Patient
from registry.queries.post import post_standing
from surveys.lifecycle import OutboxState

post = Blueprint("post", __name__)
PAGE = 50
STATE_WORDS = {
    OutboxState.PARKED: ("Needs a person", "red"),
    OutboxState.FAILED: ("Refused", "amber"),
    OutboxState.QUEUED: ("Waiting", "blue"),
    OutboxState.LEASED: ("Being sent", "blue"),
    OutboxState.HANDOVER: ("Being handed over", "blue"),
    OutboxState.SENT: ("Sent", ""),
    OutboxState.CANCELLED: ("Cancelled", ""),
}


@post.get("/outbox")
def outbox() -> ResponseReturnValue:
    """Letters by state, the newest first. Study numbers, no names and no addresses."""
    state = request.args.get("state", "")
    first = max(request.args.get("from", 1, int), 1)
    wanted = [OutboxEmail.state == state] if state in list(OutboxState) else []
    with reading(http.runtime()) as session:
        standing = post_standing(session, http.at())
        by_state = select(OutboxEmail.state, func.count()).group_by(OutboxEmail.state)
        counts = {row[0]: row[1] for row in session.execute(by_state)}
        letters = session.execute(
            select(OutboxEmail, Patient.study_number)
            .outerjoin(Patient, Patient.id == OutboxEmail.patient_id)
            .where(*wanted)
            .order_by(OutboxEmail.id.desc())
            .offset(first - 1)
            .limit(PAGE)
        ).all()
    total = counts.get(state, 0) if wanted else sum(counts.values())
    return render_template(
        "admin/outbox.html", standing=standing, counts=counts, letters=letters, state=state,
        words_of=STATE_WORDS, pager=_pager(state, first, len(letters), total),
        stuck=standing.is_stuck(http.at()),
    )  # fmt: skip


def _pager(state: str, first: int, shown: int, total: int) -> dict[str, object] | None:
    if total <= PAGE:
        return None
    last = first + shown - 1
    before, after = _address(state, max(first - PAGE, 1)), _address(state, last + 1)
    return {
        "first": first,
        "last": last,
        "total": total,
        "previous_url": before if first > 1 else None,
        "next_url": after if last < total else None,
    }


def _address(state: str, first: int) -> str:
    wanted: dict[str, Any] = {"state": state, "from": first}
    return url_for("post.outbox", **wanted)


@post.post("/outbox/test")
def test_letter() -> ResponseReturnValue:
    """Write a test letter to whoever asks."""

    def act(session: Session) -> str:
        staff_mail.queue_test_letter(session, http.asker().user_id, by=http.by(), at=http.at())
        return url_for("post.outbox", done="test_letter")

    return http.carry_out(act)
