"""The outbox: every letter's state, those that need a person, and a test letter."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import http
from registry.actions import staff_mail
from registry.db import reading
from registry.models import OutboxEmail, Patient
from registry.queries import accounts, returned
from registry.queries.post import post_standing
from registry.queries.post_days import post_days
from registry.web.labels import LETTER_STATES, pager
from surveys.lifecycle import OutboxState

post = Blueprint("post", __name__)
PAGE = 50


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
        days = post_days(session, http.at().date())
        codes = {site.id: site.code for site in accounts.sites_by_id(session)}
        letters = session.execute(
            select(OutboxEmail, Patient.study_number)
            .outerjoin(Patient, Patient.id == OutboxEmail.patient_id)
            .where(*wanted)
            .order_by(OutboxEmail.id.desc())
            .offset(first - 1)
            .limit(PAGE)
        ).all()
        bounced = returned.newest(session, [one.id for one, _ in letters])
    total = counts.get(state, 0) if wanted else sum(counts.values())
    return render_template(
        "admin/outbox.html", standing=standing, counts=counts, letters=letters, state=state,
        words_of=LETTER_STATES, stuck=standing.is_stuck(http.at()), days=days, bounced=bounced,
        held_sites=codes, pager=pager("post.outbox", first, len(letters), total, PAGE, state=state),
    )  # fmt: skip


@post.post("/outbox/test")
def test_letter() -> ResponseReturnValue:
    """Write a test letter to whoever asks."""

    def act(session: Session) -> str:
        staff_mail.queue_test_letter(session, http.asker().user_id, by=http.by(), at=http.at())
        return url_for("post.outbox", done="test_letter")

    return http.carry_out(act)
