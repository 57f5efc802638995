"""Claim, send, record: no transaction is open while the mail server is being talked to.

What can fail without doubt comes before the hand-over is written down; what comes after it and is
not recorded is uncertain, and costs at most one more copy of the same letter.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any

from registry.actions import deliveries, delivery_faults, handover_times
from registry.db import reading, transaction
from registry.journal import JournalFault
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
PATIENCE = timedelta(seconds=60)  # a worker that waited longer for one letter gives back the rest
RUN = timedelta(minutes=10)  # one run, so that a task ends long before the broker loses patience
Stopping = Callable[[], bool]
TOOK: deque[float] = deque(maxlen=1000)  # seconds from hand-over to the kept reply

if deliveries.BATCH * PATIENCE >= deliveries.LEASE:
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
        _send_batch(runtime, mailer, claim.letters, stopping)
        _keep_times(runtime)


def _keep_times(runtime: Runtime) -> None:
    """Once for a batch: what it takes may not stand in the way of the next letter."""
    took = [TOOK.popleft() for _ in range(len(TOOK))]
    if took:
        with transaction(runtime) as session:
            handover_times.add(session, took, by=WHO, at=runtime.clock.now())


def _send_batch(
    runtime: Runtime, mailer: Mailer, batch: Sequence[OutboxEmail], stopping: Stopping
) -> None:
    waiting = list(batch)
    try:
        while waiting and not stopping():
            began_at = runtime.clock.now()
            deliver(runtime, mailer, waiting.pop(0))
            if runtime.clock.now() - began_at > PATIENCE:
                return
    finally:
        if waiting:
            with transaction(runtime) as session:
                deliveries.release(session, waiting, by=WHO, at=runtime.clock.now())


def deliver(runtime: Runtime, mailer: Mailer, letter: OutboxEmail) -> None:
    """One claimed letter, to its end or back into the queue. Raises Unreachable after putting it
    back: no other letter would fare better.
    """
    try:
        ready = _prepare(runtime, letter)
    except Exception as fault:
        _record_broken(runtime, letter, fault)
        return
    try:
        mailer.open(ready.sender, ready.recipient)
    except MailFault as fault:
        _record_fault(runtime, letter, ready, fault)
        return
    except Exception as fault:
        _record_broken(runtime, letter, fault)
        return
    if not _is_marked(runtime, letter, ready):
        mailer.abandon()
        return
    _hand_over(runtime, mailer, letter, ready)


def _hand_over(runtime: Runtime, mailer: Mailer, letter: OutboxEmail, ready: Ready) -> None:
    try:
        side_journal.write_down(runtime, letter, ready, WHO)
    except JournalFault:
        mailer.abandon()
        raise
    began = monotonic()
    try:
        reply = mailer.hand_over(ready.raw)
    except MailFault as fault:
        if not isinstance(fault, Lost):
            side_journal.tell(runtime, "returned", ready, runtime.clock.now())
        _record_fault(runtime, letter, ready, fault)
    else:
        _record_sent(runtime, letter, ready, reply)
        TOOK.append(monotonic() - began)


def _prepare(runtime: Runtime, letter: OutboxEmail) -> Ready:
    vault = runtime.vault
    if vault is None:
        raise NoAddress("this process has no master key")
    with reading(runtime) as session:
        at = runtime.clock.now()
        return letters.ready(session, letter, vault=vault, settings=runtime.settings, at=at)


def _is_marked(runtime: Runtime, letter: OutboxEmail, ready: Ready) -> bool:
    with transaction(runtime) as session:
        at = runtime.clock.now()
        return deliveries.mark_handover(session, letter, ready, by=WHO, at=at)


def _record_sent(runtime: Runtime, letter: OutboxEmail, ready: Ready, reply: str) -> None:
    with transaction(runtime) as session:
        at = runtime.clock.now()
        if not deliveries.mark_sent(session, letter, reply, by=WHO, at=at):
            log.warning("letter %s was sent after its lease: it may go out twice", letter.id)
    side_journal.tell(runtime, "sent", ready, at)


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
