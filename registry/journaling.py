"""Whatever stops letters to a person goes into the side journal with its commit.

The line is made durable first and the commit follows at once: whoever is told that it is done can
rely on both. A line whose commit then fails tells of something that was asked for; applying it
stops letters and sends none. If the line cannot be written, the commit goes ahead (a withdrawal is
not refused because a disk is full) and a debt is committed with it: nothing is sent until it is
paid. Written here rather than by each action, so that no way of stopping letters can forget it.
"""

import logging
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.attributes import get_history

from registry.journal import Fact, Journal, JournalFault
from registry.models import Death, JournalDebt, MailHold, Withdrawal

log = logging.getLogger(__name__)
KEPT = "side_journal_facts"


def keep(sessions: sessionmaker[Session], journal: Journal) -> None:
    """Have every writing session of these write its facts there."""

    def _write(session: Session) -> None:
        session.flush()
        kept = session.info.pop(KEPT, [])
        if kept:
            _write_down(session, journal, kept)

    event.listen(sessions, "after_flush", _note)
    event.listen(sessions, "after_rollback", lambda session: session.info.pop(KEPT, None))
    event.listen(sessions, "before_commit", _write)


def _write_down(session: Session, journal: Journal, kept: list[tuple[Any, Fact]]) -> None:
    at = max(when for when, _ in kept)
    try:
        journal.append([fact for _, fact in kept], at=at)
    except JournalFault as fault:
        log.error("nothing is sent until this is written down: %s", fault)
        debts = [JournalDebt(kind=fact.kind, told=dict(fact.told), at=at) for _, fact in kept]
        session.add_all(debts)
        session.flush()


def _note(session: Session, _context: Any) -> None:
    for thing in session.new:
        if isinstance(thing, Withdrawal | Death | MailHold):
            _remember(session, thing.recorded_at, _begun(thing))
    for thing in session.dirty:
        ended_at = _ended_at(thing)
        if ended_at is not None:
            _remember(session, ended_at, _undone(thing))


def _remember(session: Session, at: Any, fact: Fact) -> None:
    session.info.setdefault(KEPT, []).append((at, fact))


def _begun(thing: Withdrawal | Death | MailHold) -> Fact:
    match thing:
        case Withdrawal():
            told = {"on": thing.withdrawn_on.isoformat(), "scope": thing.scope}
            return Fact("withdrawn", {"patient": thing.patient_id, **told})
        case Death():
            return Fact("died", {"patient": thing.patient_id, "on": thing.died_on.isoformat()})
        case MailHold():
            told = {"hold": thing.kind, "since": thing.since.isoformat()}
            return Fact("held", {"patient": thing.patient_id, **told})


def _ended_at(thing: object) -> Any:
    """When it ceased to hold, if that is what this flush writes."""
    if not isinstance(thing, Withdrawal | Death | MailHold):
        return None
    name = "lifted_at" if isinstance(thing, MailHold) else "superseded_at"
    added = get_history(thing, name).added
    return next(iter(added or ()), None)


def _undone(thing: Any) -> Fact:
    match thing:
        case Withdrawal():
            return Fact("withdrawal_undone", {"patient": thing.patient_id})
        case Death():
            return Fact("death_undone", {"patient": thing.patient_id})
        case _:
            return Fact("lifted", {"patient": thing.patient_id, "hold": thing.kind})
