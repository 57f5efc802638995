"""How the registry fares as a whole: for /readyz, /metrics and the banners of the first page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from registry.models import AuditEvent, Conservation, HandoverTime, Heartbeat, OutboxEmail
from registry.queries import conservation, holds, post
from registry.queries.installation import Seen, SendHold, send_hold
from registry.queries.post import PostStanding
from surveys.lifecycle import OutboxState

SILENCE = timedelta(minutes=5)
OLD = timedelta(days=2)
BEAT = "beat"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`beats`: when each background job (and the beat) last ran. `reckoned`: the last reckoning of
    the plan. `hold`: why nothing is sent at all; None also before the first letter. `unnamed`:
    sites whose letters wait because nobody has given them the name that patients read.
    """

    at: datetime
    post: PostStanding
    hold: SendHold | None
    reckoned: Conservation | None
    beats: Mapping[str, Heartbeat]
    unnamed: int

    @property
    def degraded(self) -> list[str]:
        """Codes of what does not work, for /readyz."""
        return [code for code, is_so in self._verdicts() if is_so]

    def _verdicts(self) -> Iterator[tuple[str, bool]]:
        yield "mail", self.post.is_stuck(self.at)
        yield "send_hold", self.hold is not None
        yield "holds", bool(self.post.holds)
        yield "unnamed_sites", bool(self.unnamed)
        yield "letters_need_a_person", bool(self.post.parked)
        yield "worker", self._is_silent([one for name, one in self.beats.items() if name != BEAT])
        yield "beat", self._is_silent([one for name, one in self.beats.items() if name == BEAT])
        yield "reckoning", self.reckoned is not None and self._is_wrong(self.reckoned)

    def _is_silent(self, beats: list[Heartbeat]) -> bool:
        """Whether those that once lived are not heard of any more."""
        newest = max((one.last_run_at for one in beats), default=None)
        return newest is not None and self.at - newest > SILENCE

    def _is_wrong(self, reckoned: Conservation) -> bool:
        return bool(reckoned.faults) or self.at - reckoned.ran_at > OLD


def surroundings(session: Session, seen: Seen, at: datetime) -> Surroundings:
    """Everything at once. `seen`: the end of the side journal, looked at before the session."""
    hold = send_hold(session, seen)
    beats = session.scalars(select(Heartbeat))
    return Surroundings(
        at=at,
        post=post.post_standing(session, at),
        # a new registry is paired by its first run; if that fails, the run says so
        hold=None if hold is not None and hold.cause == "unpaired" else hold,
        reckoned=conservation.newest(session),
        beats={one.job: one for one in beats},
        unnamed=len(holds.unnamed(session)),
    )


def uncertain(session: Session) -> Mapping[str, int]:
    """Hand-overs of which nobody knows whether the letter arrived, by cause, since the beginning:
    the server gave no reply, or our own process ended before it was kept.
    """
    total = session.scalar(
        select(func.coalesce(func.sum(OutboxEmail.uncertain_count), 0)).where(
            OutboxEmail.uncertain_count > 0
        )
    )
    unanswered = session.scalar(
        select(func.count(AuditEvent.id)).where(AuditEvent.action == "letter.uncertain")
    )
    known = min(unanswered or 0, total or 0)
    return {"no_reply": known, "process_ended": (total or 0) - known}


def copies_possible(session: Session) -> int:
    """How many letters may have arrived once more than they should."""
    arrived = OutboxEmail.uncertain_count + case(
        (OutboxEmail.state == OutboxState.SENT, 1), else_=0
    )
    extra = case((arrived > 1, arrived - 1), else_=0)
    found = session.scalar(select(func.sum(extra)).where(OutboxEmail.uncertain_count > 0))
    return int(found or 0)


def handover_times(session: Session) -> list[tuple[float, int, float]]:
    """Bound in seconds, letters, and their seconds together, from the smallest bound."""
    rows = session.scalars(select(HandoverTime).order_by(HandoverTime.bound))
    return [(row.bound, row.letters, row.seconds) for row in rows]


def letters_by_state(session: Session) -> Mapping[str, int]:
    """Every state, also those in which no letter is."""
    rows = session.execute(select(OutboxEmail.state, func.count()).group_by(OutboxEmail.state))
    return dict.fromkeys((state.value for state in OutboxState), 0) | {
        row[0]: row[1] for row in rows
    }
