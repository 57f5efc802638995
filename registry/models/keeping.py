"""What keeps the registry whole: debts to the side journal, and whether the plan adds up."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, text_of


class JournalDebt(Base):
    """A fact that was committed while the side journal could not be written. Nothing is sent until
    it is written there. Not in the trail: the fact itself is.
    """

    __tablename__ = "journal_debt"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(text_of(20))
    told: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Conservation(Base):
    """A reckoning: whether every planned follow-up is still there and in one state.

    `found` lists what is wrong, at most a hundred of `faults`. Not in the trail: no fact of
    anybody.
    """

    __tablename__ = "conservation"

    id: Mapped[int] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(index=True)
    patients: Mapped[int]
    planned: Mapped[int]
    states: Mapped[dict[str, Any]]
    faults: Mapped[int]
    found: Mapped[list[Any]]


class HandoverTime(Base):
    """How long hand-overs took, from the marker to the kept reply: letters and their seconds, by
    the bound (seconds) that they stayed under. Not in the trail: no fact of anybody.
    """

    __tablename__ = "handover_time"

    bound: Mapped[float] = mapped_column(primary_key=True)
    letters: Mapped[int]
    seconds: Mapped[float]
