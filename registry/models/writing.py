"""How facts are written: many rows at once, and a correction as a new version."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, Insert, insert, inspect, update
from sqlalchemy.orm import Session

from registry.db import Base
from registry.models.noting import note, note_ended
from registry.models.versions import Versioned, known

Fact = TypeVar("Fact", bound=Versioned)
Row = dict[str, Any]


def stamp(by: str, at: datetime) -> Row:
    """The columns that say who recorded a fact and when, and its key."""
    return {"recorded_by": by, "recorded_at": at, "fact_key": uuid4().hex}


def insert_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns, in one statement."""
    if rows:
        # into the table, not the model: what the session does for objects costs as much again
        session.execute(_insert(model), list(rows))
        note(session, model, rows)
        if getattr(model, "__audited__", False):
            session.info["changed"] = model.__name__


def insert_numbered(session: Session, model: type[Base], rows: Sequence[Row]) -> list[int]:
    """Insert rows that all have the same columns; gives their ids, in order."""
    number = model.metadata.tables[model.__tablename__].c.id
    statement = insert(model).returning(number, sort_by_parameter_order=True)
    ids = list(session.scalars(statement, list(rows)))
    note(session, model, [{**row, "id": one} for row, one in zip(rows, ids, strict=True)])
    return ids


def end_current(
    session: Session, model: type[Versioned], which: ColumnElement[bool], at: datetime
) -> None:
    """These versions are no longer current: others follow, or nothing."""
    table = Base.metadata.tables[inspect(model).local_table.name]
    whose = table.c.patient_id if "patient_id" in table.c else table.c.response_id
    ended = session.execute(
        update(table)
        .where(which, known(model))
        .values(superseded_at=at)
        .returning(table.c.fact_key, whose)
    )
    note_ended(session, table.name, [dict(row) for row in ended.mappings()])
    session.info["changed"] = model.__name__


@cache
def _insert(model: type[Base]) -> Insert:
    return insert(model.metadata.tables[model.__tablename__])


def supersede(
    session: Session, fact: Fact, *, reason: str, by: str, at: datetime, **changes: Any
) -> Fact:
    """End a version of a fact and write the next; the caller writes the trail."""
    columns = [column.key for column in inspect(type(fact)).columns]
    values = {name: getattr(fact, name) for name in columns if name != "id"}
    fact.superseded_at = at
    # the old version must be gone from the index of current ones before the new one comes
    session.flush()
    told = {"recorded_by": by, "recorded_at": at, "superseded_at": None, "reason": reason}
    successor = type(fact)(**(values | changes | told))
    session.add(successor)
    session.flush()
    return successor
