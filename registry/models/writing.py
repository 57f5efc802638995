"""How facts are written: many rows at once, and a correction as a new version."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Insert, insert, inspect
from sqlalchemy.orm import Session

from registry.db import Base
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
        if getattr(model, "__audited__", False):
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
