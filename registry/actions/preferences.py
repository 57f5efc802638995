"""What a patient decides at the door: a new link, no more letters, leaving. Each is recorded."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import endings
from registry.models import FollowUp, MailHold, OutboxEmail
from registry.queries import surveys
from registry.queries.surveys import Standing

NEW_LINK_EVERY = timedelta(hours=1)


def ask_for_link(session: Session, follow_up_id: int, *, by: str, at: datetime) -> bool:
    """Ask for a letter with a new link to the address on file, for the newest questionnaire that
    this patient can answer. False where one was asked for in the last hour. A worker makes it.
    """
    patient_id = session.get_one(FollowUp, follow_up_id).patient_id
    follow_ups = session.scalars(
        select(FollowUp)
        .where(FollowUp.patient_id == patient_id, FollowUp.opened_at.is_not(None))
        .order_by(FollowUp.month.desc())
        .with_for_update()
    ).all()
    for follow_up in follow_ups:
        on = surveys.local_day(follow_up, at)
        if follow_up.month and surveys.standing(follow_up, on) is Standing.ANSWERABLE:
            return _ask(session, follow_up, by=by, at=at)
    return True


def _ask(session: Session, follow_up: FollowUp, *, by: str, at: datetime) -> bool:
    if follow_up.link_asked_at and at - follow_up.link_asked_at < NEW_LINK_EVERY:
        return False
    follow_up.link_asked_at = at
    audit.record(
        session,
        by=by,
        at=at,
        action="link.asked",
        subject=f"patient:{follow_up.patient_id}",
        changes={"month": follow_up.month},
    )
    return True


def stop_mail(session: Session, follow_up_id: int, *, by: str, at: datetime) -> None:
    """No more letters to this patient, those that wait included. A second call changes nothing."""
    follow_up = session.get_one(FollowUp, follow_up_id, with_for_update=True)
    patient_id = follow_up.patient_id
    held = session.scalar(
        select(MailHold.id).where(
            MailHold.patient_id == patient_id,
            MailHold.kind == "unsubscribed",
            MailHold.lifted_at.is_(None),
        )
    )
    if held is not None:
        return
    session.add(
        MailHold(
            patient_id=patient_id,
            kind="unsubscribed",
            since=surveys.local_day(follow_up, at),
            recorded_at=at,
            recorded_by=by,
        )
    )
    session.execute(
        update(OutboxEmail)
        .where(OutboxEmail.patient_id == patient_id, OutboxEmail.state.in_(("queued", "leased")))
        .values(state="cancelled", state_reason="unsubscribed", ended_at=at)
    )
    audit.record(session, by=by, at=at, action="mail.stopped", subject=f"patient:{patient_id}")


def leave(session: Session, follow_up_id: int, why: str | None, *, by: str, at: datetime) -> None:
    """Leave the registry, at the patient's own word. A second call changes nothing."""
    follow_up = session.get_one(FollowUp, follow_up_id, with_for_update=True)
    on = surveys.local_day(follow_up, at)
    endings.withdraw(session, follow_up.patient_id, on, scope="registry", why=why, by=by, at=at)
