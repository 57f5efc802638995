"""Letters that staff ask for: a new link for a patient, a test letter, a lost password."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit, letters, tokens
from registry.errors import DomainError
from registry.models import FollowUp, Instance, MailHold, OutboxEmail, PasswordReset
from registry.queries import outreach
from registry.settings import Settings

RESET_TIME = timedelta(hours=24)


class NoLetter(DomainError):
    """This patient cannot be sent a letter; the message says why."""


def ask_new_link(session: Session, follow_up_id: int, *, by: str, at: datetime) -> None:
    """Have a letter with a new link sent; a job writes it within a minute.

    Raises NoLetter for somebody who gets no letters and for what can no longer be answered.
    """
    follow_up = session.get_one(FollowUp, follow_up_id, with_for_update=True)
    stop = outreach.stops(session, [follow_up.patient_id]).get(follow_up.patient_id)
    if stop is not None:
        raise NoLetter(f"No letter can be sent: {stop.reason}.")
    if not outreach.is_answerable(follow_up, outreach.local_day(follow_up.zone, at)):
        raise NoLetter("No new link can be sent: this questionnaire can no longer be answered.")
    follow_up.link_asked_at = at
    audit.record(
        session,
        by=by,
        at=at,
        action="link.asked",
        subject=f"patient:{follow_up.patient_id}",
        changes={"month": follow_up.month},
    )


def lift_hold(session: Session, patient_id: int, kind: str, *, by: str, at: datetime) -> None:
    """Let letters go to the patient again: the address was corrected, or the patient asked for it.

    `kind`: unsubscribed, undeliverable or complaint. A questionnaire that is open gets a letter
    with a new link. Nothing happens where there is no such hold.
    """
    holds = session.scalars(
        select(MailHold)
        .where(
            MailHold.patient_id == patient_id,
            MailHold.kind == kind,
            MailHold.lifted_at.is_(None),
        )
        .with_for_update()
    ).all()
    if not holds:
        return
    for hold in holds:
        hold.lifted_at, hold.lifted_by = at, by
    waiting = session.scalars(
        select(FollowUp).where(
            FollowUp.patient_id == patient_id, FollowUp.state == "open", FollowUp.month > 0
        )
    )
    for follow_up in waiting:
        follow_up.link_asked_at, follow_up.state_reason = at, None
    audit.record(
        session,
        by=by,
        at=at,
        action="mail.resumed",
        subject=f"patient:{patient_id}",
        changes={"hold": kind},
    )


def queue_test_letter(session: Session, user_id: int, *, by: str, at: datetime) -> int:
    """Write a test letter to a member of staff; its id in the outbox."""
    return _put(session, "test", user_id, 0, by=by, at=at)


def queue_password_reset(
    session: Session,
    user_id: int,
    *,
    settings: Settings,
    ends_in: timedelta = RESET_TIME,
    by: str,
    at: datetime,
) -> int:
    """Make a reset that ends after `ends_in` and the letter with its link; the reset's id."""
    reset = PasswordReset(
        # the secret is derived from the row's number, which the database has yet to give
        user_id=user_id,
        secret_sha256=tokens.digest(tokens.drawn()),
        ends_at=at + ends_in,
    )
    session.add(reset)
    session.flush()
    instance = session.get_one(Instance, 1).instance_id
    keys = settings.token_keys
    reset.secret_sha256 = tokens.digest(tokens.reset_secret(keys, max(keys), instance, reset.id))
    _put(session, "password_reset", user_id, reset.id, by=by, at=at)
    return reset.id


def _put(session: Session, kind: str, user_id: int, number: int, *, by: str, at: datetime) -> int:
    words = letters.wording("en")
    one = OutboxEmail(
        kind=kind,
        user_id=user_id,
        number=number,
        template=kind,
        template_version=words.version,
        language=words.language,
        queued_at=at,
        next_attempt_at=at,
    )
    session.add(one)
    session.flush()
    audit.record(
        session,
        by=by,
        at=at,
        action="letter.queued",
        subject=f"user:{user_id}",
        changes={"letter": one.id, "kind": kind},
    )
    return one.id
