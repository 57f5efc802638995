"""Claim, send, record: no transaction is open while the mail server is being talked to.

What can fail without doubt comes before the hand-over is written down; what comes after it and is
not recorded is uncertain, and costs at most one more copy of the same letter. That a letter was
taken is recorded with the marker of the next one, in one commit; without waiting for that where
there is no next one, where the mail server is slow, and where anything fails.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy.exc import DBAPIError

from registry.actions import deliveries, delivery_faults, handover_times, handovers
from registry.actions.deliveries import Claim
from registry.actions.handovers import Taken
from registry.db import is_locked_out, reading, transaction, wait_briefly
from registry.journal import Fact, JournalFault
from registry.mail import Fault, Lost, Mailer, MailFault, Rejected, Unreachable
from registry.models import OutboxEmail
from registry.queries import letters
from registry.queries.installation import look
from registry.queries.letters import NoAddress, Ready
from registry.runtime import Runtime
from workers import side_journal
from workers.traces import trace

log = logging.getLogger(__name__)
WHO = "worker"
# so long after the last marker, or the claim, the rest is given back: openings that fail mark
# nothing, so several slow refusals count together
PATIENCE = timedelta(seconds=60)
TIME = timedelta(minutes=10)  # and so is that of a slow batch: within the lease
QUICK = timedelta(seconds=0.05)  # a result waits for the next opening only where none takes longer
RUN = timedelta(minutes=10)  # one run, so that a task ends long before the broker loses patience
Stopping = Callable[[], bool]
TOOK: deque[float] = deque(maxlen=1000)  # seconds from hand-over to the kept reply

if TIME >= deliveries.LEASE:
    raise RuntimeError("a slow batch would outlive its lease and be claimed a second time")


def never() -> bool:
    """Nobody asks this process to stop."""
    return False


def send_due(runtime: Runtime, mailer: Mailer, stopping: Stopping = never) -> None:
    """Send every letter that is due; ends after the letter in hand when asked to stop.

    Raises Unreachable when the mail server cannot be used, HeldBack and JournalFault when the side
    journal is not this database's or cannot be written; the letters then wait.
    """
    side_journal.tend(runtime, WHO)
    ends_at = runtime.clock.now() + RUN
    while not stopping() and runtime.clock.now() < ends_at:
        seen = look(runtime.journal)
        with transaction(runtime) as session:
            side_journal.refuse_while_held(session, seen)
            at = runtime.clock.now()
            claim = deliveries.claim(session, settings=runtime.settings, by=WHO, at=at)
        if not claim.taken:
            return
        _send_batch(runtime, mailer, claim, stopping, at)
        _keep_times(runtime)


def _keep_times(runtime: Runtime) -> None:
    """Once for a batch: what it takes may not stand in the way of the next letter."""
    took = [TOOK.popleft() for _ in range(len(TOOK))]
    if took:
        with transaction(runtime) as session:
            handover_times.add(session, took, by=WHO, at=runtime.clock.now())


def _send_batch(
    runtime: Runtime, mailer: Mailer, claim: Claim, stopping: Stopping, at: datetime
) -> None:
    waiting, carrier = deque(claim.letters), _Carrier(runtime, mailer, at)
    try:
        made = _prepare(runtime, claim.letters)
        while waiting and not stopping() and not carrier.is_late(at):
            one = waiting.popleft()
            carrier.deliver(one, made[one.id])
    finally:
        try:
            carrier.settle()
        finally:
            _release(runtime, list(waiting))


def _release(runtime: Runtime, rest: Sequence[OutboxEmail]) -> None:
    if rest:
        with transaction(runtime) as session:
            deliveries.release(session, rest, by=WHO, at=runtime.clock.now())


def deliver(runtime: Runtime, mailer: Mailer, letter: OutboxEmail) -> None:
    """One claimed letter, to its end or back into the queue. Raises Unreachable after putting it
    back: no other letter would fare better.
    """
    carrier = _Carrier(runtime, mailer, runtime.clock.now())
    try:
        carrier.deliver(letter, _prepare(runtime, [letter])[letter.id])
    finally:
        carrier.settle()


def _prepare(runtime: Runtime, batch: Sequence[OutboxEmail]) -> dict[int, Ready | Exception]:
    vault = runtime.vault
    if vault is None:
        fault = NoAddress("this process has no master key")
        return {one.id: fault for one in batch}
    with reading(runtime) as session:
        its, at = runtime.settings, runtime.clock.now()
        return letters.ready_all(session, batch, vault=vault, settings=its, at=at)


@dataclass(slots=True)
class _Unrecorded:
    """A letter that the server took, whose result is not committed yet."""

    taken: Taken
    fact: Fact
    began: float


@dataclass(slots=True)
class _Carrier:
    """Carries letters over one connection, one after the other. `marked_at`: when a letter was last
    marked, or the batch claimed; `replied_at`: when the one before it was taken.
    """

    runtime: Runtime
    mailer: Mailer
    marked_at: datetime
    last: _Unrecorded | None = None
    replied_at: datetime | None = None

    def deliver(self, letter: OutboxEmail, ready: Ready | Exception) -> None:
        """One letter, as far as the server's reply."""
        if isinstance(ready, Exception):
            self.settle()
            _record_broken(self.runtime, letter, ready)
        elif self._is_open(letter, ready):
            told = self._mark(letter, ready)
            if told is None:
                self.mailer.abandon()
            else:
                self._hand_over(letter, ready, told)

    def is_late(self, claimed_at: datetime) -> bool:
        """Whether the rest should be given back; records a result that should wait no longer."""
        at = self.runtime.clock.now()
        is_late = at - self.marked_at > PATIENCE or at - claimed_at > TIME
        was_slow = self.replied_at is None or self.marked_at - self.replied_at > QUICK
        if is_late or was_slow:
            self.settle()
        self.replied_at = at
        return is_late

    def settle(self) -> None:
        """Record the result that waits, if one does."""
        last = self.last
        if last is None:
            return
        with transaction(self.runtime) as session:
            at, one = self.runtime.clock.now(), last.taken
            is_mine = handovers.mark_sent(session, one.letter, one.reply, by=WHO, at=at)
        self.last = None  # not before: a commit that failed is tried once more at the end
        _note(last, is_mine)
        side_journal.tell(self.runtime, last.fact, at)

    def _is_open(self, letter: OutboxEmail, ready: Ready) -> bool:
        try:
            self.mailer.open(ready.sender, ready.recipient)
        except MailFault as fault:
            self.settle()
            _record_fault(self.runtime, letter, ready, fault)
        except Exception as fault:
            self.settle()
            _record_broken(self.runtime, letter, fault)
        else:
            return True
        return False

    def _mark(self, letter: OutboxEmail, ready: Ready) -> list[Fact] | None:
        """Mark this letter and record the last: what the journal is to be told of that one, or
        None if this one may not go.
        """
        try:
            return self._pass_on(letter, ready)
        except DBAPIError as fault:
            if not is_locked_out(fault):
                raise
        # an import may hold this letter for long: what is known of the last one does not wait
        self.settle()
        return self._pass_on(letter, ready)

    def _pass_on(self, letter: OutboxEmail, ready: Ready) -> list[Fact] | None:
        last = self.last
        taken = None if last is None else last.taken
        with transaction(self.runtime) as session:
            if taken is not None:
                wait_briefly(session)
            at = self.runtime.clock.now()
            passed = handovers.pass_on(session, taken, letter, ready, by=WHO, at=at)
        self.last, self.marked_at = None, at
        told = []
        if last is not None:
            _note(last, passed.is_recorded)
            told.append(last.fact)
        if passed.is_marked:
            return told
        for fact in told:
            side_journal.tell(self.runtime, fact, at)
        return None

    def _hand_over(self, letter: OutboxEmail, ready: Ready, told: list[Fact]) -> None:
        try:
            side_journal.write_down(self.runtime, letter, ready, WHO, self.marked_at, told)
        except JournalFault:
            self.mailer.abandon()
            raise
        began = monotonic()
        try:
            reply = self.mailer.hand_over(ready.raw)
        except MailFault as fault:
            if not isinstance(fault, Lost):
                returned = side_journal.outcome("returned", ready)
                side_journal.tell(self.runtime, returned, self.runtime.clock.now())
            _record_fault(self.runtime, letter, ready, fault)
        else:
            fact = side_journal.outcome("sent", ready)
            self.last = _Unrecorded(Taken(letter, reply), fact, began)


def _note(last: _Unrecorded, is_mine: bool) -> None:
    TOOK.append(monotonic() - last.began)
    if not is_mine:
        letter = last.taken.letter.id
        log.warning("letter %s was sent after its lease: it may go out twice", letter)


def _record_broken(runtime: Runtime, letter: OutboxEmail, fault: Exception) -> None:
    """One letter that cannot be made or opened must not stop those behind it."""
    log.error("letter %s could not be made: %s", letter.id, trace(fault))
    with transaction(runtime) as session:
        why = f"could not be made: {type(fault).__name__}"
        delivery_faults.mark_broken(session, letter, why, by=WHO, at=runtime.clock.now())


def _record_fault(runtime: Runtime, letter: OutboxEmail, ready: Ready, fault: MailFault) -> None:
    """Write down how the letter failed; raises what concerns every letter again."""
    why, at = str(fault), runtime.clock.now()
    to: dict[str, Any] = {"digest": ready.address_digest, "by": WHO, "at": at}
    with transaction(runtime) as session:
        match fault:
            case Unreachable():
                delivery_faults.put_back(session, letter, why, all_wait=True, by=WHO, at=at)
            case Lost():
                delivery_faults.mark_uncertain(session, letter, why, by=WHO, at=at)
            case MailFault(fault=Fault.MAILBOX):
                is_final = isinstance(fault, Rejected)
                delivery_faults.put_off(session, letter, why, is_final=is_final, **to)
            case Rejected():
                delivery_faults.mark_failed(session, letter, why, fault=fault.fault, **to)
            case _:
                delivery_faults.put_back(session, letter, why, by=WHO, at=at)
    if isinstance(fault, Unreachable):
        raise fault
