"""Advertised statements that administrators of this registry added."""

from decimal import Decimal

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, text_of
from registry.models.versions import Versioned, one_current


class ClaimVersion(Versioned, Base):
    """One version of a statement; the columns are those of `registry.claims.Claim`."""

    __tablename__ = "claim"
    __table_args__ = (
        one_current("fact_key"),
        CheckConstraint("kind IN ('at_least','at_most','none')", name="kind"),
        CheckConstraint("(threshold IS NULL) = (kind = 'none')", name="threshold"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(text_of(500))
    source: Mapped[str] = mapped_column(text_of(300))
    read: Mapped[str] = mapped_column(text_of(40))
    kind: Mapped[str] = mapped_column(text_of(10))
    outcome: Mapped[str | None] = mapped_column(text_of(60))
    threshold: Mapped[Decimal | None]
    month: Mapped[int | None]
    needs: Mapped[str] = mapped_column(text_of(300), default="")
    note: Mapped[str] = mapped_column(text_of(500), default="")
