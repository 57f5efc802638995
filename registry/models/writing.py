"""How facts are written: many rows at once, and a correction as a new version."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Insert, Update, bindparam, insert, inspect, update
from sqlalchemy.orm import Session

from registry.db import Base
from registry.models.noting import note, note_ended
from registry.models.versions import Versioned

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
    session: Session,
    model: type[Versioned],
    response_id: int,
    at: datetime,
    questions: Sequence[str] | None = None,
) -> None:
    """The current versions of a response's facts are current no longer: others follow, or none.
    `questions`: of its answers, only those to these.
    """
    told: Row = {"of": response_id, "ended": at}
    if questions is not None:
        told["codes"] = list(questions)
    table = inspect(model).local_table.name
    ended = session.execute(_end(table, questions is not None), told)
    note_ended(session, table, [dict(row) for row in ended.mappings()])
    session.info["changed"] = model.__name__


@cache
def _end(name: str, by_question: bool) -> Update:
    """Built once: it runs with every page of answers, and building it costs more."""
    table = Base.metadata.tables[name]
    whose = table.c.patient_id if "patient_id" in table.c else table.c.response_id
    which = [table.c.response_id == bindparam("of"), table.c.superseded_at.is_(None)]
    if by_question:
        which.append(table.c.question.in_(bindparam("codes", expanding=True)))
    ended = update(table).where(*which).values(superseded_at=bindparam("ended"))
    return ended.returning(table.c.fact_key, whose)


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
