"""One worker's attempt at one letter: what it may still record, and the trail of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry import audit
from registry.models import OutboxEmail
from surveys.lifecycle import OutboxState

# built once: it runs with every letter that fails, and building it costs more than running it
OWN = (
    select(OutboxEmail)
    .where(
        OutboxEmail.id == bindparam("id_"),
        OutboxEmail.fence == bindparam("fence_"),
        OutboxEmail.state.in_(bindparam("states", expanding=True)),
    )
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A letter as it was claimed. What is recorded counts only while its fence is the row's."""

    session: Session
    letter: OutboxEmail
    by: str
    at: datetime

    def own(self, *states: OutboxState) -> OutboxEmail | None:
        """The letter's row, locked, while it is in one of the states and nobody else has it."""
        mine = {"id_": self.letter.id, "fence_": self.letter.fence, "states": states}
        return self.session.scalars(OWN, mine).one_or_none()

    def record(self, action: str, reason: str | None = None) -> None:
        """Write the line in the trail, in the same transaction."""
        audit.record_many(
            self.session, [entry(self.letter, action, reason)], by=self.by, at=self.at
        )


def entry(one: OutboxEmail, action: str, reason: str | None = None) -> audit.Entry:
    """What the trail says of a letter."""
    subject = f"user:{one.user_id}" if one.patient_id is None else f"patient:{one.patient_id}"
    return audit.Entry(subject, action, {"letter": one.id, "kind": one.kind}, reason)


def end(one: OutboxEmail, state: OutboxState, reason: str | None, at: datetime) -> None:
    """Bring a letter to a state in which no worker takes it."""
    one.state, one.state_reason, one.lease_until, one.ended_at = state, reason, None, at


def back(one: OutboxEmail, next_attempt_at: datetime) -> None:
    """Put a letter back into the queue."""
    one.state, one.lease_until, one.next_attempt_at = OutboxState.QUEUED, None, next_attempt_at


def anew(one: OutboxEmail) -> None:
    """Have it made anew from what holds at the next attempt, if nobody can have got a copy yet."""
    if one.uncertain_count == 0:
        one.facts = one.address_digest = one.dated_at = None


def again(one: OutboxEmail, at: datetime) -> None:
    """Put a letter that had come to an end back into the queue, as if it had not been tried."""
    anew(one)
    back(one, at)
    one.attempts = one.broken_count = one.lapse_count = 0
    one.ended_at = one.state_reason = one.fault = None
