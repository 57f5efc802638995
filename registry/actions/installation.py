"""The database and its side journal: paired once, kept equal, and marked when they are not."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import journal_facts
from registry.db import never_below
from registry.journal import Fact, Journal, JournalMissing, Line
from registry.models import FollowUp, Instance, JournalDebt, OutboxEmail, Patient
from registry.queries import installation

NUMBERED = {"patient": Patient, "follow_up": FollowUp, "letter": OutboxEmail}


def pair(session: Session, journal: Journal, *, by: str, at: datetime) -> bool:
    """Pair a new database with an empty side journal, once; whether they were paired now.

    A journal that tells anything is left alone, and nothing is sent: somebody has to look.
    """
    known = session.get(Instance, 1)
    if known is None or known.epoch:
        return False
    instance = session.get_one(Instance, 1, with_for_update=True, populate_existing=True)
    if instance.epoch or not _begin(journal, instance.instance_id, at):
        return False
    instance.epoch = 1
    audit.record(session, by=by, at=at, action="journal.paired", subject="registry")
    return True


def _begin(journal: Journal, instance_id: str, at: datetime) -> bool:
    try:
        last = journal.last()
    except JournalMissing:
        last = None
    if last is None:
        journal.begin(instance_id, 1, at=at)
        return True
    # begun, and the commit that belonged to it was lost
    return last.number == 1 and last.instance == instance_id


def tend(session: Session, journal: Journal, *, by: str, at: datetime) -> None:
    """Pair what is new, pay the debts, and take over what stops letters from the newest lines.

    A database that lacks a letter of the journal is marked as restored, and from then on gives no
    number that was given before.
    """
    pair(session, journal, by=by, at=at)
    _pay(session, journal, at)
    seen = installation.look(journal)
    held = installation.send_hold(session, seen)
    if held is None:
        lost = installation.lost_facts(session, seen.newest, at)
        journal_facts.apply(session, lost, by=by, at=at)
    elif held.cause in {"behind", "epoch"}:
        mark_restored(session, journal.lines(), str(held), by=by, at=at)


def mark_restored(
    session: Session, lines: Iterable[Line], why: str, *, by: str, at: datetime
) -> None:
    """Have nothing sent until somebody reconciles."""
    session.get_one(Instance, 1).restored_at = at
    keep_numbers(session, lines, by=by, at=at)
    audit.record(session, by=by, at=at, action="mail.held", subject="registry", reason=why[:500])


def keep_numbers(session: Session, lines: Iterable[Line], *, by: str, at: datetime) -> None:
    """Never give again a number that stood in a letter: its link would open another's questions."""
    highest = dict.fromkeys(NUMBERED, 0)
    for line in lines:
        for name in NUMBERED:
            highest[name] = max(highest[name], line.told.get(name) or 0)
    for name, model in NUMBERED.items():
        never_below(session, model, highest[name])


def _pay(session: Session, journal: Journal, at: datetime) -> None:
    debts = session.scalars(select(JournalDebt).order_by(JournalDebt.id).with_for_update()).all()
    if debts:
        journal.append([Fact(one.kind, one.told) for one in debts], at=at)
        session.execute(delete(JournalDebt).where(JournalDebt.id.in_([one.id for one in debts])))
