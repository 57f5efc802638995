"""The one way to write the trail, and the way to check it.

Each subject ("patient:7", "site:1", "registry") has a chain of its own. An event's seal is a keyed
hash of the event and of its predecessor's hash; the event shows only a hash of its seal. The seal
of the newest event stands in the chain's head, and is gone as soon as the next one follows: who has
the database and not the key can neither write an event nor set a head back to an earlier one.
Values are not stored: only keyed hashes of them, so that destroying a patient's key leaves the
chain whole (the values live in version rows).
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, bindparam, cast, event, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session, sessionmaker

from registry.errors import DomainError
from registry.models import AuditEvent, AuditHead, Patient, noting

START = "0" * 64
COLUMNS = (
    "subject",
    "number",
    "at",
    "by",
    "action",
    "reason",
    "changes",
    "facts",
    "previous_hash",
    "hash",
)
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
PLAIN = json.JSONEncoder(default=str)
# built once, and without an object for each row: every transaction of the registry ends with these
HEADS = (
    select(AuditHead.subject, AuditHead.number, AuditHead.hash)
    .where(AuditHead.subject.in_(bindparam("subjects", expanding=True)))
    .order_by(AuditHead.subject)
    .with_for_update()
)
_EVENTS, _HEADS = (one.metadata.tables[one.__tablename__] for one in (AuditEvent, AuditHead))
MOVE_HEADS = (
    update(_HEADS)
    .where(_HEADS.c.subject == bindparam("subject_"))
    .values(number=bindparam("number_"), hash=bindparam("hash_"))
)


@dataclass(frozen=True)
class Entry:
    """One thing done. `changes` maps field names to new values, or to (old, new) pairs."""

    subject: str
    action: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None


class NotAudited(DomainError):
    """Something was written without a line in the trail: a defect, so nothing is committed."""

    status = 500


def record(
    session: Session,
    *,
    by: str,
    at: datetime,
    action: str,
    subject: str,
    changes: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Write one event, in the caller's transaction."""
    record_many(session, [Entry(subject, action, changes or {}, reason)], by=by, at=at)


def record_of_patient(
    session: Session,
    patient_id: int,
    action: str,
    changes: Mapping[str, Any],
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """`record` on the chain of a patient."""
    entry = Entry(f"patient:{patient_id}", action, changes, reason)
    record_many(session, [entry], by=by, at=at)


def record_many(session: Session, entries: Sequence[Entry], *, by: str, at: datetime) -> None:
    """Write events in order. Locks the heads it moves, in order of subject (no deadlock).

    The first event of a patient takes along what was noted of the rows written so far.
    """
    session.flush()
    _write(session, entries, noting.taken(session), by=by, at=at)
    session.info["audited"] = True
    if entries:
        session.info["last"] = (by, at)


def _write(
    session: Session,
    entries: Sequence[Entry],
    noted: dict[int, noting.Told],
    *,
    by: str,
    at: datetime,
) -> None:
    ends = _ends(session, sorted({entry.subject for entry in entries}))
    begun = {subject for subject, (number, _) in ends.items() if number}
    key = session.info["audit_key"]
    rows = []
    for entry in entries:
        number, last = ends[entry.subject]
        changes = {name: _keyed(key, value) for name, value in entry.changes.items()}
        facts = noted.pop(patient_of(entry.subject), {})
        told = (entry.action, entry.reason, changes, facts)
        what = (entry.subject, number + 1, at, by, *told, _shown(last))
        mark = seal(key, *what)
        ends[entry.subject] = (number + 1, mark)
        rows.append(dict(zip(COLUMNS, (*what, _shown(mark)), strict=True)))
    if rows:
        session.execute(insert(_EVENTS), rows)
    _move_heads(session, ends, begun)


def patient_of(subject: str) -> int:
    """The id of the patient whose chain this is; 0 for another chain."""
    kind, _, number = subject.partition(":")
    return int(number) if kind == "patient" and number.isdecimal() else 0


def keep_facts(sessions: sessionmaker[Session]) -> None:
    """Note every row of facts that these sessions write; none is committed without its event."""
    event.listen(sessions, "after_flush", noting.note_flush)
    event.listen(sessions, "after_transaction_create", noting.save)
    event.listen(sessions, "after_soft_rollback", noting.restore)
    event.listen(sessions, "before_commit", _write_rest)


def _write_rest(session: Session) -> None:
    """What was written without an event of its patient, or after it, gets one; but where nobody
    wrote any event, it is not known who and when.
    """
    if session.in_nested_transaction():
        return
    session.flush()
    noted = noting.taken(session)
    if noted and "last" not in session.info:
        tables = sorted({table for told in noted.values() for table in told})
        raise NotAudited(f"{', '.join(tables)}: written without an audit event")
    if noted:
        by, at = session.info["last"]
        entries = [Entry(f"patient:{patient_id}", "facts.written") for patient_id in noted]
        _write(session, entries, noted, by=by, at=at)


def _ends(session: Session, subjects: list[str]) -> dict[str, tuple[int, str]]:
    """The newest number and seal of each chain."""
    found: dict[str, tuple[int, str]] = dict.fromkeys(subjects, (0, ""))
    for some in _chunks(subjects, 500):
        rows = session.execute(HEADS, {"subjects": some})
        found |= {subject: (number, digest) for subject, number, digest in rows}
    return found


def _move_heads(
    session: Session, ends: Mapping[str, tuple[int, str]], begun: Collection[str]
) -> None:
    moved = [(subject, *end) for subject, end in ends.items()]
    old = [
        dict(zip(("subject_", "number_", "hash_"), one, strict=True))
        for one in moved
        if one[0] in begun
    ]
    new = [
        dict(zip(("subject", "number", "hash"), one, strict=True))
        for one in moved
        if one[0] not in begun
    ]
    if old:
        session.execute(MOVE_HEADS, old)
    if new:
        session.execute(insert(_HEADS), new)


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _keyed(key: bytes, value: Any) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [hmac.digest(key, PLAIN.encode(one).encode(), "sha256").hex()[:32] for one in values]


def seal(
    key: bytes,
    subject: str,
    number: int,
    at: datetime,
    by: str,
    action: str,
    reason: str | None,
    changes: Mapping[str, Any],
    facts: Mapping[str, Any],
    previous_hash: str,
) -> str:
    """HMAC-SHA-256 (RFC 2104) of the event's canonical JSON, the predecessor's hash included."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    content = [subject, number, moment, by, action, reason, changes, facts, previous_hash]
    # so that no value, hashed with the same key, passes for an event
    return hmac.digest(key, f"event|{CANONICAL.encode(content)}".encode(), "sha256").hex()


def _shown(last: str) -> str:
    """What events show of the last seal of their chain."""
    return hashlib.sha256(last.encode()).hexdigest() if last else START


@dataclass(frozen=True)
class Verdict:
    """`events` and `chains` that hold; `broken`: the first broken link in words, or None."""

    events: int
    chains: int
    broken: str | None


def verify(session: Session, subject: str | None = None) -> Verdict:
    """Walk every chain (or one) from its start to its head, reading in bounded memory."""
    of_subject = [_EVENTS.c.subject == subject] if subject else []
    events = session.execute(
        select(*(_EVENTS.c[name] for name in COLUMNS))
        .where(*of_subject)
        .order_by(_EVENTS.c.subject, _EVENTS.c.number)
        .execution_options(yield_per=1000)
    )
    ends: dict[str, tuple[int, str]] = {}
    count = 0
    with closing(events):
        for one in events:
            *content, _ = one
            number, last = ends.get(one.subject, (0, ""))
            genuine = seal(session.info["audit_key"], *content)
            broken = _broken_link(one, number, last, genuine)
            if broken:
                return Verdict(count, len(ends), broken)
            ends[one.subject] = (one.number, genuine)
            count += 1
    return Verdict(count, len(ends), _broken_head(session, ends, subject))


def _broken_link(link: Any, number: int, last: str, genuine: str) -> str | None:
    where = f"{link.subject}, event {link.number}"
    if link.number != number + 1:
        return f"{link.subject}: event {number + 1} is missing"
    if link.previous_hash != _shown(last):
        return f"{where}: does not follow on event {number}"
    if link.hash != _shown(genuine):
        return f"{where}: was changed after it was written"
    return None


def _broken_head(
    session: Session, ends: Mapping[str, tuple[int, str]], subject: str | None
) -> str | None:
    of_subject = [AuditHead.subject == subject] if subject else []
    heads = session.execute(
        select(AuditHead.subject, AuditHead.number, AuditHead.hash).where(*of_subject)
    )
    for name, number, digest in heads:
        if ends.get(name) != (number, digest):
            return f"{name}: the chain ends before its head, event {number}"
    known = session.scalar(select(func.count()).select_from(AuditHead).where(*of_subject))
    return _without_chain(session, subject) if known == len(ends) else "a chain has no head"


def _without_chain(session: Session, subject: str | None) -> str | None:
    """Every patient was enrolled, so a chain that is gone together with its head is missed."""
    own = literal("patient:") + cast(Patient.id, String)
    one = [own == subject] if subject else []
    has_head = exists().where(AuditHead.subject == own)
    found = session.scalar(select(Patient.id).where(*one, ~has_head).order_by(Patient.id).limit(1))
    return None if found is None else f"patient:{found}: the whole chain is missing"


def guard(sessions: sessionmaker[Session]) -> None:
    """Refuse any commit that changed audited tables and wrote no event: for tests and the demo."""
    event.listen(sessions, "before_flush", _note_flush)
    event.listen(sessions, "do_orm_execute", _note_statement)
    event.listen(sessions, "before_commit", _refuse_unaudited)


def _note_flush(session: Session, _context: Any, _instances: Any) -> None:
    _note(session, (*session.new, *session.dirty, *session.deleted))


def _note(session: Session, things: Iterable[Any]) -> None:
    for thing in things:
        if getattr(type(thing), "__audited__", False):
            session.info["changed"] = type(thing).__name__


def _note_statement(state: Any) -> None:
    writes = state.is_insert or state.is_update or state.is_delete
    mapper = state.bind_mapper
    if writes and mapper is not None and getattr(mapper.class_, "__audited__", False):
        state.session.info["changed"] = mapper.class_.__name__


def _refuse_unaudited(session: Session) -> None:
    session.flush()
    if session.info.get("changed") and not session.info.get("audited"):
        raise NotAudited(f"{session.info['changed']} was changed without an audit event")
