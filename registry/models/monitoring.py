"""Monthly looks at serious events."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, text_of
from registry.models.versions import Recorded


class SafetyLook(Recorded, Base):
    """What was seen at one look, and stays so whatever is corrected later.

    `plan`: the mark of what the protocol said; `on`: the cut-off; `days` at risk and `events` by
    then, of all patients; `boundary`: the count that crosses, None if none does. The first look
    that crosses is an alert, closed with what was done.
    """

    __tablename__ = "safety_look"
    __audited__ = True
    __table_args__ = (
        UniqueConstraint("plan", "on"),
        CheckConstraint("days >= 0 AND events >= 0", name="counts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan: Mapped[str] = mapped_column(text_of(16))
    on: Mapped[date]
    days: Mapped[int]
    events: Mapped[int]
    boundary: Mapped[int | None]
    is_first_crossing: Mapped[bool] = mapped_column(default=False)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(text_of(200))
    closed_with: Mapped[str | None] = mapped_column(text_of(500))
