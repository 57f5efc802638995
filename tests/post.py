"""What tests about letters share: time that passes, jobs that run, the outbox read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from factories import BY
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.clock import FixedClock
from registry.db import Base, reading, transaction
from registry.mail import MailFault, MemoryMailer
from registry.models import FollowUp, OutboxEmail
from registry.runtime import Runtime
from workers.schedule import run_jobs_once


class FaultyMailer(MemoryMailer):
    """Meets the faults it is given, in order, at `open` or at `hand_over`; None: none this time.

    At `hand_over` the letter is kept all the same where the fault says that it may have arrived.
    """

    def __init__(self, **faults: Sequence[MailFault | None]) -> None:
        super().__init__()
        self.faults = {step: list(given) for step, given in faults.items()}
        self.opened = 0

    def open(self, sender: str, recipient: str) -> None:
        self.opened += 1
        super().open(sender, recipient)
        self._meet("open")

    def hand_over(self, message: bytes) -> str:
        self._meet("refuse")
        reply = super().hand_over(message)
        self._meet("lose")
        return reply

    def _meet(self, step: str) -> None:
        fault = self.faults[step].pop(0) if self.faults.get(step) else None
        if fault is not None:
            raise fault


class Crash(BaseException):
    """The process dies here: nothing catches it."""


@contextmanager
def crash_at_commit(runtime: Runtime, number: int, *, after: bool = False) -> Iterator[list[int]]:
    """The process dies at its commit of that number: just before it, or just after it.

    Gives a list that counts the commits.
    """
    seen: list[int] = []

    def _die(session: Session) -> None:
        seen.append(1)
        if len(seen) >= number:
            raise Crash

    when = "after_commit" if after else "before_commit"
    event.listen(runtime.sessions.writing, when, _die)
    try:
        yield seen
    finally:
        event.remove(runtime.sessions.writing, when, _die)


def in_protocol_hours(runtime: Runtime) -> Runtime:
    """The same registry, with letters only in the protocol's sending hours."""
    return replace(runtime, settings=replace(runtime.settings, send_window="protocol"))


def run(runtime: Runtime, mailer: MemoryMailer) -> None:
    """All jobs once, and all well."""
    assert run_jobs_once(runtime, mailer) == {}


def live_until(
    runtime: Runtime, clock: FixedClock, mailer: MemoryMailer, day: date, hours: int = 12
) -> None:
    """Run the jobs every so many hours up to the end of that day."""
    while clock.now().date() <= day:
        run(runtime, mailer)
        clock.advance(hours=hours)


def letters(runtime: Runtime, **known: Any) -> Sequence[OutboxEmail]:
    """The outbox, or the letters that fit, in the order in which they were written."""
    with reading(runtime) as session:
        return session.scalars(
            select(OutboxEmail).filter_by(**known).order_by(OutboxEmail.id)
        ).all()


def letter(runtime: Runtime, **known: Any) -> OutboxEmail:
    """The only letter that fits."""
    (one,) = letters(runtime, **known)
    return one


def plan_of(runtime: Runtime, patient_id: int) -> dict[int, FollowUp]:
    """The follow-ups of a patient by month."""
    with reading(runtime) as session:
        rows = session.scalars(select(FollowUp).where(FollowUp.patient_id == patient_id))
        return {row.month: row for row in rows}


def set_columns(runtime: Runtime, model: type[Base], where: Any, **values: Any) -> None:
    """Change rows behind the actions' back, as a correction elsewhere might."""
    with transaction(runtime) as session:
        session.execute(update(model).where(where).values(**values))
        audit.record(session, by=BY, at=runtime.clock.now(), action="test.set", subject="registry")


def add_facts(runtime: Runtime, *facts: Base) -> None:
    """Write rows behind the actions' back."""
    with transaction(runtime) as session:
        for fact in facts:
            session.add(fact)
        audit.record(session, by=BY, at=runtime.clock.now(), action="test.add", subject="registry")


def noon(day: str) -> datetime:
    """Noon UTC of an ISO date."""
    return datetime.fromisoformat(f"{day}T12:00:00+00:00")
