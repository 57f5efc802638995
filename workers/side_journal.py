"""What the sending owes the side journal: a line before each letter leaves, and a halt where the
database is not the one that the journal is of.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy.orm import Session

from registry.actions import delivery_faults, installation
from registry.db import transaction
from registry.errors import DomainError
from registry.journal import Fact, JournalFault
from registry.models import OutboxEmail
from registry.queries.installation import Seen, send_hold
from registry.queries.letters import Ready
from registry.runtime import Runtime

log = logging.getLogger(__name__)


class HeldBack(DomainError):
    """Nothing is sent; the message says why and what to do."""


def tend(runtime: Runtime, by: str) -> None:
    """Pair what is new, pay what the journal is owed, take over what stops letters."""
    with transaction(runtime) as session:
        installation.tend(session, runtime.journal, by=by, at=runtime.clock.now())


def refuse_while_held(session: Session, seen: Seen) -> None:
    """Raises HeldBack unless this database is the one that the side journal is of."""
    held = send_hold(session, seen)
    if held is not None:
        log.error("%s", held)
        raise HeldBack(str(held))


def write_down(
    runtime: Runtime,
    letter: OutboxEmail,
    ready: Ready,
    by: str,
    marked_at: datetime,
    also: Sequence[Fact] = (),
) -> None:
    """Have the disk keep that this letter, marked then, is handed over, before it is; `also`: what
    became of the letter before it.

    Raises JournalFault after putting the letter back: without the line nothing may leave.
    """
    facts = [*also, Fact("handed_over", ready.told)]
    try:
        runtime.journal.append(facts, at=marked_at)
    except JournalFault as fault:
        why = f"the side journal: {fault}"[:200]
        with transaction(runtime) as session:
            at = runtime.clock.now()
            delivery_faults.put_back(session, letter, why, all_wait=True, by=by, at=at)
        raise


def outcome(kind: str, ready: Ready) -> Fact:
    """What became of a letter: `sent` or `returned`. Nothing waits for this line; without it a
    restored registry takes it that the letter may have arrived, and leaves it to a person.
    """
    return Fact(kind, {name: ready.told[name] for name in ("letter", "message_id")})


def tell(runtime: Runtime, fact: Fact, at: datetime) -> None:
    """Write down what became of a letter, without waiting for the disk."""
    with suppress(JournalFault):
        runtime.journal.append([fact], at=at, durable=False)
