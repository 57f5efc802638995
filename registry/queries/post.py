"""How the post stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.models import Heartbeat, OutboxEmail, SendingHold
from registry.queries import holds
from surveys.lifecycle import OutboxState

IN_FLIGHT = (OutboxState.QUEUED, OutboxState.LEASED, OutboxState.HANDOVER)


@dataclass(frozen=True, slots=True)
class PostStanding:
    """How the post stands: for the banner on the staff's first page and for /metrics.

    `held` letters are kept back by a hold, or because their site has no name yet, and counted
    nowhere else; `holds`: those in force.
    `waiting_since` is the planned time of the oldest letter that should have gone by now,
    `error` what last stopped the sending, `sent_at` when the sending last ran.
    """

    holds: Sequence[SendingHold]
    held: int
    waiting: int
    waiting_since: datetime | None
    parked: int
    failed: int
    ran_at: datetime | None
    error: str | None

    def is_stuck(self, at: datetime, patience: timedelta = timedelta(minutes=15)) -> bool:
        """Whether mail is not going out: something waits too long, or nobody sends."""
        late = self.waiting_since is not None and at - self.waiting_since > patience
        idle = self.ran_at is not None and at - self.ran_at > patience
        return late or idle or self.error is not None


def post_standing(session: Session, at: datetime) -> PostStanding:
    """Counts of letters by what a person has to know of them."""
    late = OutboxEmail.state.in_(IN_FLIGHT) & (OutboxEmail.next_attempt_at <= at)
    may_go, in_force = holds.may_go(session), holds.in_force(session)
    waiting, since = session.execute(
        select(func.count(), func.min(OutboxEmail.next_attempt_at)).where(late, may_go)
    ).one()
    held = OutboxEmail.state.in_(IN_FLIGHT) & ~may_go
    states = session.execute(
        select(OutboxEmail.state, func.count())
        .where(OutboxEmail.state.in_((OutboxState.PARKED, OutboxState.FAILED)))
        .group_by(OutboxEmail.state)
    )
    counts = {row[0]: row[1] for row in states}
    beat = session.get(Heartbeat, "send_due")
    return PostStanding(
        holds=in_force,
        held=session.scalar(select(func.count(OutboxEmail.id)).where(held)) or 0,
        waiting=waiting,
        waiting_since=since,
        parked=counts.get(OutboxState.PARKED, 0),
        failed=counts.get(OutboxState.FAILED, 0),
        ran_at=beat.last_run_at if beat else None,
        error=beat.last_error if beat else None,
    )
