"""How an attempt at a letter fails: certainly, for good, without knowing, or by our own fault.

Each function gives False, and changes nothing, if the letter has got another worker.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.orm import Session

from registry.actions import bounces
from registry.actions.attempts import Attempt, anew, back, end
from registry.actions.bounces import Returned
from registry.actions.deliveries import COPIES, TWICE
from registry.bounces.kinds import ABOUT_US, Fault, enhanced_status
from registry.models import OutboxEmail
from registry.queries import returned
from surveys.lifecycle import BACK_OFF, OutboxState, retry_at

TRIES = 3  # a letter that our own faults stop is then a matter for a person
TOMORROW = timedelta(days=1)
KINDS = {Fault.ADDRESS: "hard", Fault.MAILBOX: "soft"} | dict.fromkeys(ABOUT_US, "policy")


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
    anew(one)
    one.server_reply = one.state_reason = reply
    back(one, at + BACK_OFF[0] if all_wait else retry_at(at, one.attempts))
    one.attempts -= all_wait
    attempt.record("letter.deferred", reply)
    return True


def put_off(
    session: Session,
    letter: OutboxEmail,
    reply: str,
    *,
    digest: str,
    is_final: bool = False,
    by: str,
    at: datetime,
) -> bool:
    """The mailbox is full or out of reach: tried again, a day later where the server said no for
    good (`is_final`). After three such days within two weeks it has failed, and no letter goes to
    that address any more.
    """
    attempt = Attempt(session, letter, by, at)
    returned.lock_follow_ups(session, letter.patient_id)
    one = attempt.own(OutboxState.LEASED, OutboxState.HANDOVER)
    if one is None:
        return False
    anew(one)
    one.server_reply = one.state_reason = reply
    one.fault = Fault.MAILBOX
    back(one, at + TOMORROW if is_final else retry_at(at, one.attempts))
    attempt.record("letter.deferred", reply)
    bounces.record(session, one, _returned(one, Fault.MAILBOX, reply), digest=digest, by=by, at=at)
    if one.state == OutboxState.CANCELLED:
        end(one, OutboxState.FAILED, reply, at)
    return True


def mark_failed(
    session: Session,
    letter: OutboxEmail,
    reply: str,
    *,
    fault: Fault = Fault.SERVER,
    digest: str | None = None,
    by: str,
    at: datetime,
) -> bool:
    """Refused for good. Without a mailbox the patient gets no more letters until the address is
    changed, and the time-point has the disposition "undeliverable"; many other refusals in a row
    hold the campaign.
    """
    attempt = Attempt(session, letter, by, at)
    returned.lock_follow_ups(session, letter.patient_id)
    one = attempt.own(OutboxState.LEASED, OutboxState.HANDOVER)
    if one is None:
        return False
    one.server_reply, one.fault = reply, fault
    end(one, OutboxState.FAILED, reply, at)
    attempt.record("letter.failed", reply)
    bounces.record(session, one, _returned(one, fault, reply), digest=digest, by=by, at=at)
    return True


def _returned(one: OutboxEmail, fault: Fault, reply: str) -> Returned:
    # each claim has its own fence: an attempt counts once, however often it is recorded
    key = sha256(f"reply|{one.id}|{one.fence}".encode()).hexdigest()
    return Returned(KINDS[fault], "reply", reply, key, enhanced_status(reply))


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
    if one.uncertain_count >= COPIES + one.resent:
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
