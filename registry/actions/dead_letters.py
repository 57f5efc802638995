"""Letters that came to an end without having been sent: a person sends them once more, or not."""

from datetime import datetime

from sqlalchemy.orm import Session

from registry import audit
from registry.actions.attempts import again, end, entry
from registry.errors import DomainError, NotFound
from registry.models import FollowUp, OutboxEmail
from registry.queries import outreach, returned
from surveys.lifecycle import OutboxState

DEAD = (OutboxState.PARKED, OutboxState.FAILED)
GIVEN_UP = "given up by a person"


class StaysDead(DomainError):
    """This letter cannot be sent again; the message says why."""


def resend(session: Session, letter_id: int, *, by: str, at: datetime) -> None:
    """Have a letter sent again, once: it is checked anew like any other, and what may have arrived
    is repeated byte by byte. Raises NotFound, and StaysDead for what would not go, for a letter
    that is in no need of it, and the second time.
    """
    one = _locked(session, letter_id)
    if one.resent:
        raise StaysDead("This letter was sent again once already. A new link is a new letter.")
    refusal = outreach.refusal(session, one, _follow_up(session, one), at)
    if refusal:
        raise StaysDead(f"This letter would not go out: {refusal}.")
    again(one, at)
    one.resent = 1
    audit.record_many(session, [entry(one, "letter.resent")], by=by, at=at)


def give_up(session: Session, letter_id: int, reason: str, *, by: str, at: datetime) -> None:
    """Leave a letter unsent for good, with the reason. Raises NotFound, StaysDead."""
    one = _locked(session, letter_id)
    end(one, OutboxState.CANCELLED, f"{GIVEN_UP}: {reason.strip()}"[:200], at)
    audit.record_many(session, [entry(one, "letter.given_up", reason.strip())], by=by, at=at)


def _locked(session: Session, letter_id: int) -> OutboxEmail:
    found = session.get(OutboxEmail, letter_id)
    if found is None:
        raise NotFound("There is no such letter.")
    returned.lock_follow_ups(session, found.patient_id)
    session.refresh(found, with_for_update=True)
    if found.state not in DEAD:
        raise StaysDead("This letter needs nobody: it is on its way, sent or called off.")
    return found


def _follow_up(session: Session, one: OutboxEmail) -> FollowUp | None:
    return None if one.follow_up_id is None else session.get_one(FollowUp, one.follow_up_id)
