"""What came back of letters, and the holds that stop letters of a site or of all."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, text_of

SOURCES = ("reply", "message")
BOUNCES = ("hard", "soft", "policy", "complaint", "auto_reply", "delayed", "other")


class Bounce(Base):
    """What came back of one letter: a server's refusal, or a message to its envelope sender.

    `kind`: hard (no such mailbox), soft (mailbox full or not reached), policy (our letters, or this
    one, are not wanted), complaint, auto_reply, delayed, other. `local_on`: the patient's day.
    `address_digest`: of the address that the letter went to. `key` makes what comes twice count
    once.
    """

    __tablename__ = "bounce"
    __audited__ = True
    __table_args__ = (
        CheckConstraint(f"kind IN {BOUNCES}", name="kind"),
        CheckConstraint(f"source IN {SOURCES}", name="source"),
        Index(None, "recorded_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(text_of(10))
    source: Mapped[str] = mapped_column(text_of(10))
    status: Mapped[str | None] = mapped_column(text_of(12))
    words: Mapped[str] = mapped_column(text_of(200))
    local_on: Mapped[date]
    address_digest: Mapped[str | None] = mapped_column(text_of(64))
    key: Mapped[str] = mapped_column(text_of(64), unique=True)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(text_of(200))


class SendingHold(Base):
    """Letters to patients wait: those of one site, or all of them, until somebody lifts the hold.

    `kind`: person (the stop switch), policy (so many refusals in a row that are not about an
    address), flood (more letters than usual within the hour) or clock (it was moved).
    """

    __tablename__ = "sending_hold"
    __audited__ = True
    __table_args__ = (CheckConstraint("kind IN ('person','policy','flood','clock')", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(text_of(10))
    reason: Mapped[str] = mapped_column(text_of(300))
    since: Mapped[datetime]
    placed_by: Mapped[str] = mapped_column(text_of(200))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(text_of(200))
