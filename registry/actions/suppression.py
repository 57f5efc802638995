"""Addresses that get no more letters: since there is no such mailbox, or its owner complained."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import distinct, func, or_, select, update
from sqlalchemy.orm import Session

from registry.models import Bounce, Disposition, FollowUp, MailHold, OutboxEmail, known
from registry.queries import outreach
from surveys.lifecycle import FollowUpState, OutboxState

SOFT_DAYS = 3  # so many days with a full or unreachable mailbox,
SOFT_WITHIN = timedelta(days=14)  # within this time, and no letter goes there any more


def lock_follow_ups(session: Session, patient_id: int | None) -> Sequence[FollowUp]:
    """Lock all follow-ups of a patient, always in the same order, before any of their letters."""
    return session.scalars(
        select(FollowUp)
        .where(FollowUp.patient_id == patient_id)
        .order_by(FollowUp.id)
        .with_for_update()
    ).all()


def suppress(
    session: Session, patient_id: int, kind: str, reason: str, *, by: str, at: datetime
) -> bool:
    """No letters to this patient until a person lifts the hold: those that wait are cancelled, and
    open questionnaires become calls. False, and nothing changes, under such a hold already.

    `kind`: undeliverable or complaint. The caller has locked the follow-ups and writes the trail.
    """
    held = select(MailHold.id).where(
        MailHold.patient_id == patient_id, MailHold.kind == kind, MailHold.lifted_at.is_(None)
    )
    if session.scalars(held).first() is not None:
        return False
    follow_ups = lock_follow_ups(session, patient_id)
    zone = follow_ups[0].zone if follow_ups else "UTC"
    told = {"recorded_at": at, "recorded_by": by, "reason": reason[:200]}
    since = outreach.local_day(zone, at)
    session.add(MailHold(patient_id=patient_id, kind=kind, since=since, **told))
    for one in follow_ups:
        if one.state == FollowUpState.OPEN and one.month > 0:
            one.state_reason, one.call_on = f"no letter: {kind}", since
    session.execute(
        update(OutboxEmail)
        .where(OutboxEmail.patient_id == patient_id, OutboxEmail.state == OutboxState.QUEUED)
        .values(state=OutboxState.CANCELLED, state_reason=f"no letters: {kind}", ended_at=at)
    )
    return True


def undeliverable(
    session: Session, letter: OutboxEmail, follow_up: FollowUp, *, by: str, at: datetime
) -> None:
    """The time-point's disposition: its letter could not be delivered. Once per letter."""
    key = sha256(f"outbox:{letter.id}".encode()).hexdigest()
    is_known = select(Disposition.id).where(Disposition.fact_key == key, known(Disposition))
    if session.scalars(is_known).first() is None:
        session.add(
            Disposition(
                patient_id=follow_up.patient_id,
                month=follow_up.month,
                code="undeliverable",
                noted_on=outreach.local_day(follow_up.zone, at),
                source="mail",
                fact_key=key,
                recorded_at=at,
                recorded_by=by,
            )
        )


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


def current_day(follow_up: FollowUp | None, at: datetime) -> date:
    """The patient's civil day; UTC's for a letter to staff."""
    return outreach.local_day(follow_up.zone if follow_up else "UTC", at)
