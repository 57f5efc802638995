"""What came back of letters: as pages show it, and what it amounts to."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import distinct, func, or_, select
from sqlalchemy.orm import Session

from registry.models import Bounce, FollowUp, MailHold, OutboxEmail
from surveys.lifecycle import OutboxState

SOFT_DAYS = 3  # so many days with a full or unreachable mailbox,
SOFT_WITHIN = timedelta(days=14)  # within this time, and no letter goes there any more


def newest(session: Session, letter_ids: Collection[int]) -> Mapping[int, Bounce]:
    """The newest message that came back of each of these letters, by the letter's id."""
    rows = session.scalars(
        select(Bounce)
        .where(Bounce.outbox_id.in_(letter_ids), Bounce.source == "message")
        .order_by(Bounce.id)
    )
    return {row.outbox_id: row for row in rows}


def lock_follow_ups(session: Session, patient_id: int | None) -> Sequence[FollowUp]:
    """Lock all follow-ups of a patient, always in the same order, before any of their letters."""
    return session.scalars(
        select(FollowUp)
        .where(FollowUp.patient_id == patient_id)
        .order_by(FollowUp.id)
        .with_for_update()
    ).all()


def is_worn_out(session: Session, bounce: Bounce) -> bool:
    """Whether this patient's mailbox was full or out of reach on three days within two weeks.

    A day counts once, and not at all if its letter was taken later on, went to another address, or
    lies before the last time that a person let letters go again.
    """
    lifted_at = select(func.max(MailHold.lifted_at)).where(MailHold.patient_id == bounce.patient_id)
    since = session.scalar(lifted_at)
    days = session.scalar(
        select(func.count(distinct(Bounce.local_on)))
        .join(OutboxEmail, OutboxEmail.id == Bounce.outbox_id)
        .where(
            Bounce.patient_id == bounce.patient_id,
            Bounce.kind == "soft",
            Bounce.local_on > bounce.local_on - SOFT_WITHIN,
            Bounce.address_digest == bounce.address_digest,
            or_(Bounce.source == "message", OutboxEmail.state != OutboxState.SENT),
            Bounce.recorded_at > since if since else Bounce.id > 0,
        )
    )
    return (days or 0) >= SOFT_DAYS
