"""The trail: append-only, one hash chain per subject, no foreign keys."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, Json, text_of


class AuditEvent(Base):
    """Who did what to which subject, when. `changes` holds field names and keyed hashes only;
    `facts` keyed hashes of the rows that were written, by table and fact (registry.models.noting).
    """

    __tablename__ = "audit_event"
    __table_args__ = (UniqueConstraint("subject", "number"), Index(None, "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(text_of(60))
    number: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(text_of(200))
    action: Mapped[str] = mapped_column(text_of(60), index=True)
    reason: Mapped[str | None] = mapped_column(text_of(500))
    changes: Mapped[dict[str, Any]] = mapped_column(Json)
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    previous_hash: Mapped[str] = mapped_column(text_of(64))
    hash: Mapped[str] = mapped_column(text_of(64))


class AuditHead(Base):
    """The newest event of each chain and its seal (registry.audit): what a writer reads and moves;
    shows a cut-off tail.
    """

    __tablename__ = "audit_head"

    subject: Mapped[str] = mapped_column(text_of(60), primary_key=True)
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(text_of(64))
