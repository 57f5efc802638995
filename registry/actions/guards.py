"""Guards that hold all letters by themselves: a flood, and a clock that was moved."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, extract, func, select
from sqlalchemy.orm import Session

from registry.actions import holds
from registry.clock import SystemClock
from registry.models import AuditEvent, OutboxEmail, SendingHold
from surveys.lifecycle import OutboxState

FLOOR = 1000  # letters an hour that are never held: a small registry does not know the guard
TIMES = 3  # as many as in the busiest hour of the last
MEMORY = timedelta(days=30)
HOUR = timedelta(hours=1)
TRUST = timedelta(hours=24)  # after a person let a flood go
MASS = ("invitation", "reminder")
# built once: they run with every look for letters, and building them costs more than running them
_COUNT = select(func.count(OutboxEmail.id)).where(OutboxEmail.kind.in_(MASS))
DUE = _COUNT.where(
    OutboxEmail.state == OutboxState.QUEUED,
    OutboxEmail.next_attempt_at <= bindparam("now"),
    OutboxEmail.dated_at.is_(None),
)
GONE = _COUNT.where(OutboxEmail.dated_at > bindparam("since"))
TOLERANCE = timedelta(minutes=10)
BEHIND = "The clock stands before what was recorded last. Put it right, or let letters go again."
MOVED = "The clock was moved by more than ten minutes. Put it right, or let letters go again."


def watch_flood(session: Session, *, by: str, at: datetime) -> bool:
    """Hold all letters when more than three times as many as in the busiest hour of the last 30
    days are about to go within the hour; whether it did. A person lets them go.
    """
    volume = _volume(session, at)
    if volume <= FLOOR or _was_lifted(session, at):
        return False
    limit = max(FLOOR, TIMES * _busiest(session, at))
    if volume <= limit or _clock_or_flood(session, "flood") is not None:
        return False
    reason = f"{volume} letters would go within the hour; more than {limit} need a person's word."
    holds.place(session, None, reason, kind="flood", by=by, at=at)
    return True


def _volume(session: Session, at: datetime) -> int:
    """Letters to patients that went within the last hour or are due."""
    due, gone = session.scalar(DUE, {"now": at}), session.scalar(GONE, {"since": at - HOUR})
    return (due or 0) + (gone or 0)


def _busiest(session: Session, at: datetime) -> int:
    """The most letters handed over in a clock hour of the last 30 days, this hour left out."""
    hours = [extract(part, OutboxEmail.dated_at) for part in ("year", "doy", "hour")]
    per_hour = (
        select(func.count().label("letters"))
        .where(
            OutboxEmail.dated_at > at - MEMORY,
            OutboxEmail.dated_at <= at - HOUR,
            OutboxEmail.kind.in_(MASS),
        )
        .group_by(*hours)
        .subquery()
    )
    return session.scalar(select(func.max(per_hour.c.letters))) or 0


def _was_lifted(session: Session, at: datetime) -> bool:
    lifted_at = session.scalar(
        select(func.max(SendingHold.lifted_at)).where(SendingHold.kind == "flood")
    )
    return lifted_at is not None and lifted_at > at - TRUST


def watch_clock(session: Session, clock: SystemClock, *, by: str, at: datetime) -> str | None:
    """Why the machine's clock cannot be trusted; None: it can. Holds all letters while it cannot,
    and lets them go once it is right again. A person who lifts the hold says that it is right.
    """
    is_moved, is_behind = abs(clock.shift()) > TOLERANCE, _is_behind(session, at)
    hold = _clock_or_flood(session, "clock")
    if hold is not None:
        is_right = not is_behind if hold.reason == BEHIND else clock.is_doubted and not is_moved
        if not is_right:
            return hold.reason
        holds.lift(session, hold.id, by=by, at=at)
    elif (is_moved and not clock.is_doubted) or is_behind:
        clock.is_doubted = is_moved
        reason = BEHIND if is_behind else MOVED
        return holds.place(session, None, reason, kind="clock", by=by, at=at).reason
    clock.trust()
    return None


def _is_behind(session: Session, at: datetime) -> bool:
    """Whether something is recorded of a later time, since a hold was lifted last."""
    seen = session.scalar(
        select(func.max(AuditEvent.id)).where(AuditEvent.action == "mail.released")
    )
    newest = session.scalar(
        select(AuditEvent.at)
        .where(AuditEvent.id > (seen or 0))
        .order_by(AuditEvent.at.desc())
        .limit(1)
    )
    return newest is not None and at < newest - TOLERANCE


def _clock_or_flood(session: Session, kind: str) -> SendingHold | None:
    return session.scalars(
        select(SendingHold).where(SendingHold.kind == kind, SendingHold.lifted_at.is_(None))
    ).first()
