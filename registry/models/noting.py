"""What the trail is told of each row of facts: a keyed hash of every field that is not empty.

Whoever writes rows notes them here; the next audit event of their patient takes the notes along.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Boolean, Numeric, inspect, select
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.util import identity_key

from registry.db import Base
from registry.models.follow_ups import Response
from registry.models.patients import Patient
from registry.models.versions import Versioned

PLACES = Decimal("0.000000001")
APART = {"id", "patient_id", "superseded_at"}  # the chain and its events hold these
NOTES, LATER, SAVED = "facts_noted", "facts_of_responses", "facts_at_savepoints"
PLAIN = json.JSONEncoder(default=str, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
Hashes: TypeAlias = dict[str, str]
Told: TypeAlias = dict[str, list[list[Any]]]
"""By table: the key of a fact with the hashes of its fields, or with None where it was ended."""


@dataclass(frozen=True)
class Field:
    """A column that is hashed, and how its value is written for that."""

    name: str
    text: Callable[[Any], str]
    default: Callable[[], Any]


@cache
def tables() -> Mapping[str, type[Base]]:
    """Every table of facts about patients, by name."""
    models = [mapper.class_ for mapper in Base.registry.mappers]
    return {one.__tablename__: one for one in models if _named_by(one)}


def _named_by(model: type[Any]) -> str | None:
    if issubclass(model, Versioned):
        columns = inspect(model).columns
        return "fact_key" if "patient_id" in columns or "response_id" in columns else None
    return {"patient": "study_number", "response": "id"}.get(model.__tablename__)


@cache
def _names() -> Mapping[str, str | None]:
    return {table: _named_by(model) for table, model in tables().items()}


def key_of(model: type[Any]) -> str | None:
    """The column by which the chains of patients name rows of this table; None: they do not."""
    return _names().get(model.__tablename__)


@cache
def fields_of(model: type[Base], is_sqlite: bool) -> tuple[Field, ...]:
    """The columns of this table that are hashed."""
    found = []
    for column in inspect(model).columns:
        if column.key not in APART | {key_of(model)}:
            text = _writer(column.type, is_sqlite)
            found.append(Field(column.key, text, _default(column.default)))
    return tuple(found)


def _default(default: Any) -> Callable[[], Any]:
    """What a bulk insert fills in, for each row anew."""
    if default is None:
        return lambda: None
    return lambda: default.arg(None) if default.is_callable else default.arg


def _writer(kind: Any, is_sqlite: bool) -> Callable[[Any], str]:
    if isinstance(kind, Boolean):
        return lambda value: str(bool(value))
    if isinstance(kind, Numeric):
        return _as_float if is_sqlite else _as_decimal
    return _as_text


def _as_float(value: Any) -> str:
    """A number as SQLite keeps it."""
    return f"{float(value):.9f}"


def _as_decimal(value: Any) -> str:
    """A number as PostgreSQL rounds it."""
    return f"{Decimal(str(value)).quantize(PLACES, ROUND_HALF_UP):f}"


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    return PLAIN.encode(value)


def hashes(key: bytes, model: type[Base], row: Mapping[str, Any], is_sqlite: bool) -> Hashes:
    """A keyed hash of each field that is not empty, bound to the table, the row and the field."""
    place = f"{model.__tablename__}|{row[key_of(model) or '']}|"
    found = {}
    for field in fields_of(model, is_sqlite):
        value = row[field.name] if field.name in row else field.default()
        if value is not None:
            text = f"{place}{field.name}|{field.text(value)}"
            found[field.name] = hmac.digest(key, text.encode(), "sha256").hex()[:8]
    return found


def note(session: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    """Note rows just written; of a table that is not kept, nothing."""
    key = key_of(model)
    if key is None:
        return
    secret, is_sqlite = session.info["audit_key"], _is_sqlite(session)
    for row in rows:
        told = [str(row[key]), hashes(secret, model, row, is_sqlite)]
        _keep(session, model.__tablename__, row, told)


def note_ended(session: Session, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Note versions that are no longer current: their keys, and whose they are."""
    for row in rows:
        _keep(session, table, row, [row["fact_key"], None])


def _keep(session: Session, table: str, row: Mapping[str, Any], told: list[Any]) -> None:
    if table == Patient.__tablename__:
        place = session.info.setdefault(NOTES, {}).setdefault(row["id"], {})
    elif "patient_id" in row:
        place = session.info.setdefault(NOTES, {}).setdefault(row["patient_id"], {})
    else:
        place = session.info.setdefault(LATER, {}).setdefault(row["response_id"], {})
    place.setdefault(table, []).append(told)


def taken(session: Session) -> dict[int, Told]:
    """All notes by patient. Whoever takes some out of it writes them down."""
    noted: dict[int, Told] = session.info.setdefault(NOTES, {})
    later: dict[int, Told] = session.info.pop(LATER, {})
    patients = _patients_of(session, later)
    for response_id, told in later.items():
        mine = noted.setdefault(patients[response_id], {})
        for table, items in told.items():
            mine.setdefault(table, []).extend(items)
    return noted


def save(session: Session, begun: SessionTransaction) -> None:
    """Remember the notes as they are at a savepoint."""
    if begun.nested:
        notes = {name: deepcopy(session.info.get(name, {})) for name in (NOTES, LATER)}
        session.info.setdefault(SAVED, {})[begun] = notes


def restore(session: Session, ended: SessionTransaction) -> None:
    """Rows that went with a savepoint are not noted; those before it are again, for the event that
    took their notes along is gone too.
    """
    session.info.update(session.info.get(SAVED, {}).pop(ended, {}))


def _patients_of(session: Session, response_ids: Iterable[int]) -> dict[int, int]:
    """Whose responses these are, asking the database only for those that are not in memory."""
    ids = set(response_ids)
    loaded = (session.identity_map.get(identity_key(Response, one)) for one in ids)
    found = {one.id: one.patient_id for one in loaded if one is not None}
    if ids - found.keys():
        rest = Response.id.in_(ids - found.keys())
        found |= dict(session.execute(select(Response.id, Response.patient_id).where(rest)).all())
    return found


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def note_flush(session: Session, _context: Any = None) -> None:
    """Note what a flush wrote of objects."""
    for one in session.new:
        note(session, type(one), [_row(one)])
    for one in session.dirty:
        state = inspect(one)
        if isinstance(one, Versioned) and key_of(type(one)):
            if state.attrs.superseded_at.history.has_changes():
                note_ended(session, state.mapper.local_table.name, [_whose(one)])
        elif key_of(type(one)) and session.is_modified(one):
            note(session, type(one), [_row(one)])


def _whose(fact: Any) -> dict[str, Any]:
    """What names a version; the patient door may not read the rest of some."""
    names = {"fact_key", "patient_id", "response_id"} & set(inspect(type(fact)).columns.keys())
    return {name: getattr(fact, name) for name in names}


def _row(thing: Any) -> dict[str, Any]:
    return {column.key: getattr(thing, column.key) for column in inspect(type(thing)).columns}
