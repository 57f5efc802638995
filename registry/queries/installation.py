"""Whether this database is the one that this installation works with.

A copy of a database, a backup that was restored and a standby that was promoted know nothing of
what happened since: they would send letters again and write to people who have left. The side
journal knows, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from registry.journal import Journal, JournalFault, JournalMissing, Line
from registry.models import Death, Instance, JournalDebt, MailHold, OutboxEmail, Withdrawal, known

RECONCILE = "Stop and look; then run `registry reconcile`."
PUT_BACK = (
    "On a copy of the database leave it so. Otherwise put the side journal back where "
    "REGISTRY_JOURNAL says; `registry reconcile --help` tells what to do when it is lost."
)
# built once: they run with every batch of letters, and building them costs more than running them
DEBTS = select(func.count(JournalDebt.id))
MESSAGE_ID = select(OutboxEmail.message_id).where(OutboxEmail.id == bindparam("letter"))
UNDER_WAY = timedelta(minutes=1)  # a fact so young may be about to be committed


@dataclass(frozen=True, slots=True)
class SendHold:
    """Why nothing is sent at all. `cause` is a code, `why` says what is the matter, `remedy` what
    to do.
    """

    cause: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"Nothing is sent: {self.why} {self.remedy}"


@dataclass(frozen=True, slots=True)
class Seen:
    """The end of the side journal: its newest line, the file's own place, the lines back to the
    newest letter; or what stood in the way of reading it.
    """

    name: str
    last: Line | None = None
    place: str = ""
    newest: Sequence[Line] = ()
    fault: JournalFault | None = None


def look(journal: Journal) -> Seen:
    """Read the end of the side journal. Before the session begins that is compared with it: then
    the session sees every commit that the lines tell of.
    """
    try:
        return Seen(journal.name, journal.last(), journal.place(), newest_lines(journal))
    except JournalFault as fault:
        return Seen(journal.name, fault=fault)


def send_hold(session: Session, seen: Seen) -> SendHold | None:
    """Why nothing may be sent; None: this is the database that the side journal is of."""
    instance = session.get(Instance, 1, populate_existing=True)
    if instance is None or instance.epoch == 0:
        why = "this database was not paired with a side journal yet."
        return SendHold("unpaired", why, "Run `registry migrate`.")
    if instance.restored_at is not None:
        when = f"{instance.restored_at:%Y-%m-%d %H:%M} UTC"
        why = f"this database came back from a backup or a copy (known since {when})."
        return SendHold("restored", why, RECONCILE)
    return _unusable(seen) or _another(instance, seen) or _unequal(session, seen)


def _unusable(seen: Seen) -> SendHold | None:
    if isinstance(seen.fault, JournalMissing) or (seen.fault is None and seen.last is None):
        why = str(seen.fault or f"The side journal {seen.name} is empty.")
        return SendHold("missing", why, PUT_BACK)
    if seen.fault is not None:
        return SendHold("journal", str(seen.fault), "Nothing is sent until it can be used.")
    return None


def _another(instance: Instance, seen: Seen) -> SendHold | None:
    last = seen.last
    if last is None or last.instance != instance.instance_id:
        why = f"{seen.name} is the side journal of another registry."
        return SendHold("other", why, "Name the right one in REGISTRY_JOURNAL; on a copy, do not.")
    if last.epoch != instance.epoch:
        return SendHold("epoch", "this is an older state of the database.", RECONCILE)
    if last.place != seen.place:
        return SendHold("copied", f"{seen.name} is a copy of a side journal.", RECONCILE)
    return None


def _unequal(session: Session, seen: Seen) -> SendHold | None:
    if session.scalar(DEBTS):
        why = "something that stops letters could not be written to the side journal yet."
        return SendHold("debts", why, "It is tried again every half minute.")
    letters = [line for line in seen.newest if line.kind == "handed_over"]
    if not all(is_known(session, line) for line in letters):
        why = "letters went out that this database knows nothing of: it was restored or promoted."
        return SendHold("behind", why, RECONCILE)
    return None


def newest_lines(journal: Journal) -> list[Line]:
    """The lines of this epoch back to the newest letter, that included."""
    lines = journal.tail(lambda line: line.kind in {"handed_over", "epoch"})
    found: list[Line] = []
    for line in reversed(lines):
        if line.kind == "epoch":
            break
        found.append(line)
        if line.kind == "handed_over":
            break
    return found[::-1]


def is_known(session: Session, line: Line) -> bool:
    """Whether the database knows what a line of a letter tells: its marker comes before the line,
    so it does, unless it has lost a commit.
    """
    found: str | None = session.scalar(MESSAGE_ID, {"letter": line.told["letter"]})
    told: str = line.told["message_id"]
    return found == told


def lost_facts(session: Session, lines: Sequence[Line], at: datetime) -> list[Line]:
    """Those lines that stop letters and are not in the database, though they have had the time."""
    return [
        line
        for line in _last_words(lines)
        if line.kind in STOPS and line.at < at - UNDER_WAY and not _is_stopped(session, line)
    ]


def lost_undoings(session: Session, lines: Sequence[Line]) -> list[Line]:
    """Those lines that let letters go again and that the database does not know."""
    undone = [line for line in _last_words(lines) if line.kind not in STOPS]
    return [line for line in undone if _is_stopped(session, line)]


def _last_words(lines: Sequence[Line]) -> list[Line]:
    """Of each patient the newest line about each thing."""
    told = [line for line in lines if line.kind in TOPICS]
    return list({(line.told["patient"], topic(line)): line for line in told}.values())


TOPICS = {
    "withdrawn": "withdrawal",
    "withdrawal_undone": "withdrawal",
    "died": "death",
    "death_undone": "death",
    "held": "hold",
    "lifted": "hold",
}
STOPS = frozenset({"withdrawn", "died", "held"})


def topic(line: Line) -> str:
    """What a line is about: the newest of a patient's lines about it is the one that counts."""
    return f"{TOPICS[line.kind]} {line.told.get('hold', '')}"


def _is_stopped(session: Session, line: Line) -> bool:
    mine = line.told["patient"]
    match line.kind:
        case "withdrawn" | "withdrawal_undone":
            condition = (Withdrawal.patient_id == mine) & known(Withdrawal)
            scopes = session.scalars(select(Withdrawal.scope).where(condition)).all()
            return "registry" in scopes or line.told.get("scope", "contact") in scopes
        case "died" | "death_undone":
            condition = (Death.patient_id == mine) & known(Death)
            return session.scalar(select(Death.id).where(condition)) is not None
        case _:
            held = session.scalar(
                select(MailHold.id).where(
                    MailHold.patient_id == mine,
                    MailHold.kind == line.told["hold"],
                    MailHold.lifted_at.is_(None),
                )
            )
            return held is not None
