"""How an attempt at a letter fails: certainly, for good, without knowing, or by our own fault.

Each function gives False, and changes nothing, if the letter has got another worker.
"""

from datetime import date, datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from registry.actions.attempts import Attempt, back, end
from registry.actions.deliveries import COPIES, TWICE
from registry.models import Disposition, FollowUp, MailHold, OutboxEmail
from registry.queries import outreach
from surveys.lifecycle import BACK_OFF, OutboxState, retry_at

TRIES = 3  # a letter that our own faults stop is then a matter for a person


def put_back(
    session: Session,
    letter: OutboxEmail,
    reply: str,
    *,
    all_wait: bool = False,
    by: str,
    at: datetime,
) -> bool:
    """Certainly not delivered, and may be tried again: queued, with a longer pause each time.

    `all_wait`: no letter could go, so this one's pauses do not grow for it.
    """
    attempt = Attempt(session, letter, by, at)
    one = attempt.own(OutboxState.LEASED, OutboxState.HANDOVER)
    if one is None:
        return False
    if one.uncertain_count == 0:
        # nobody can have got it, so the next attempt makes it anew from what holds then
        one.facts = one.address_digest = one.dated_at = None
    one.server_reply = one.state_reason = reply
    back(one, at + BACK_OFF[0] if all_wait else retry_at(at, one.attempts))
    one.attempts -= all_wait
    attempt.record("letter.deferred", reply)
    return True


def mark_failed(
    session: Session,
    letter: OutboxEmail,
    reply: str,
    *,
    bad_address: bool = False,
    by: str,
    at: datetime,
) -> bool:
    """Refused for good. With a bad address the patient gets no more letters until it is changed,
    and the time-point has the disposition "undeliverable".
    """
    attempt = Attempt(session, letter, by, at)
    follow_up = attempt.lock_follow_up()
    one = attempt.own(OutboxState.LEASED, OutboxState.HANDOVER)
    if one is None:
        return False
    one.server_reply = reply
    end(one, OutboxState.FAILED, reply, at)
    if bad_address and follow_up is not None:
        today = outreach.local_day(follow_up.zone, at)
        session.add(_hold(follow_up, today, by, at))
        session.add(_undeliverable(follow_up, one, today, by, at))
    attempt.record("letter.failed", reply)
    return True


def _hold(follow_up: FollowUp, today: date, by: str, at: datetime) -> MailHold:
    return MailHold(
        patient_id=follow_up.patient_id,
        kind="undeliverable",
        since=today,
        recorded_at=at,
        recorded_by=by,
    )


def _undeliverable(
    follow_up: FollowUp, one: OutboxEmail, today: date, by: str, at: datetime
) -> Disposition:
    return Disposition(
        patient_id=follow_up.patient_id,
        month=follow_up.month,
        code="undeliverable",
        noted_on=today,
        source="mail",
        fact_key=sha256(f"outbox:{one.id}".encode()).hexdigest(),
        recorded_at=at,
        recorded_by=by,
    )


def mark_uncertain(
    session: Session, letter: OutboxEmail, why: str, *, by: str, at: datetime
) -> bool:
    """Handed over, and no reply: one more copy goes out, the same byte by byte; then a person
    has to look.
    """
    attempt = Attempt(session, letter, by, at)
    one = attempt.own(OutboxState.HANDOVER)
    if one is None:
        return False
    one.uncertain_count += 1
    if one.uncertain_count >= COPIES:
        end(one, OutboxState.PARKED, TWICE, at)
    else:
        one.state_reason = why
        back(one, retry_at(at, one.attempts))
    attempt.record("letter.uncertain", why)
    return True


def mark_broken(session: Session, letter: OutboxEmail, why: str, *, by: str, at: datetime) -> bool:
    """A fault of ours stopped it before the hand-over: tried again, then kept for a person."""
    attempt = Attempt(session, letter, by, at)
    one = attempt.own(OutboxState.LEASED)
    if one is None:
        return False
    one.broken_count += 1
    if one.broken_count >= TRIES:
        end(one, OutboxState.PARKED, why, at)
    else:
        one.state_reason = why
        back(one, retry_at(at, one.attempts))
    attempt.record("letter.broken", why)
    return True
