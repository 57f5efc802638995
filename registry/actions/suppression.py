"""Addresses that get no more letters: since there is no such mailbox, or its owner complained."""

from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.models import Disposition, FollowUp, MailHold, OutboxEmail, known
from registry.queries import outreach, returned
from surveys.lifecycle import FollowUpState, OutboxState


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
    follow_ups = returned.lock_follow_ups(session, patient_id)
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


def current_day(follow_up: FollowUp | None, at: datetime) -> date:
    """The patient's civil day; UTC's for a letter to staff."""
    return outreach.local_day(follow_up.zone if follow_up else "UTC", at)
