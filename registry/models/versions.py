"""How facts are kept: each says when it was recorded; a correction is a new row."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Index, or_, text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import text_of


class Recorded:
    """Who wrote the row, and when."""

    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(text_of(200))


class Versioned(Recorded):
    """One version of a fact. Versions of the same fact share `fact_key`; one is current.

    A fact that came from a file has a `fact_key` made from the file's row, so that the same file
    read again adds nothing.
    """

    __audited__ = True

    fact_key: Mapped[str] = mapped_column(text_of(64), default=lambda: uuid4().hex)
    superseded_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(text_of(500))


def one_current(*columns: str) -> Index:
    """A unique index over the current versions only (partial, on both databases)."""
    current = text("superseded_at IS NULL")
    return Index(None, *columns, unique=True, sqlite_where=current, postgresql_where=current)


def known(fact: type[Versioned], at: datetime | None = None) -> ColumnElement[bool]:
    """SQL condition: the version of `fact` (class or alias) known at `at`; None: now."""
    if at is None:
        return fact.superseded_at.is_(None)
    return (fact.recorded_at <= at) & or_(fact.superseded_at.is_(None), fact.superseded_at > at)
