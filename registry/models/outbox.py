"""Every letter the product sends is a row here first."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEVER_AGAIN, Base, text_of

LETTERS = ("invitation", "reminder", "new_link", "password_reset", "test")


class OutboxEmail(Base):
    """A letter on its way. The address is read when it is rendered, never kept here.

    `number` is fixed per letter of a follow-up: 0 the invitation, from 1 the reminders of the
    protocol's rule, from 101 new links; a letter to staff has a user instead, and a password
    reset's number is the reset's id. `fence` rises with each claim, so that a worker who lost its
    lease cannot record. `uncertain_count` counts attempts that ended between hand-over and the
    server's reply, `broken_count` those that a fault of ours ended before it, `lapse_count` those
    whose worker died before it. `fault` says what a refusal was about (registry.bounces.kinds);
    `resent` is 1 once a person had it sent again.
    `dated_at`, `message_id`, `facts` and `address_digest` are set at the first hand-over: every
    copy is made from them, and none goes to another address.
    """

    __tablename__ = "outbox"
    __audited__ = True
    __table_args__ = (
        UniqueConstraint("follow_up_id", "number"),
        CheckConstraint(
            "state IN ('queued','leased','handover','sent','failed','parked','cancelled')",
            name="state",
        ),
        Index("ix_outbox_state_next_attempt_at", "state", "next_attempt_at"),
        Index(
            "ix_outbox_uncertain_count",
            "uncertain_count",
            sqlite_where=text("uncertain_count > 0"),
            postgresql_where=text("uncertain_count > 0"),
        ),
        Index(None, "dated_at"),
        # the letters that have come to an end, by when: what was sent or refused lately
        Index(
            "ix_outbox_state_ended_at",
            "state",
            "ended_at",
            sqlite_where=text("ended_at IS NOT NULL"),
            postgresql_where=text("ended_at IS NOT NULL"),
        ),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(text_of(20))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    follow_up_id: Mapped[int | None] = mapped_column(ForeignKey("follow_up.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    number: Mapped[int] = mapped_column(default=0)
    template: Mapped[str] = mapped_column(text_of(40))
    template_version: Mapped[int] = mapped_column(default=1)
    language: Mapped[str] = mapped_column(text_of(10), default="en")
    state: Mapped[str] = mapped_column(text_of(20), default="queued")
    state_reason: Mapped[str | None] = mapped_column(text_of(200))
    queued_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    uncertain_count: Mapped[int] = mapped_column(default=0)
    broken_count: Mapped[int] = mapped_column(default=0)
    lapse_count: Mapped[int] = mapped_column(default=0)
    fault: Mapped[str | None] = mapped_column(text_of(10))
    resent: Mapped[int] = mapped_column(default=0)
    dated_at: Mapped[datetime | None]
    message_id: Mapped[str | None] = mapped_column(text_of(200), unique=True)
    facts: Mapped[dict[str, Any] | None]
    address_digest: Mapped[str | None] = mapped_column(text_of(64))
    server_reply: Mapped[str | None] = mapped_column(text_of(500))
    ended_at: Mapped[datetime | None]


class MailHold(Base):
    """No mail to this patient: unsubscribed, undeliverable or complained, until lifted.

    `reason`: the server's words, or what came back, without an address.
    """

    __tablename__ = "mail_hold"
    __audited__ = True
    __table_args__ = (
        CheckConstraint("kind IN ('unsubscribed','undeliverable','complaint')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[str] = mapped_column(text_of(20))
    reason: Mapped[str | None] = mapped_column(text_of(200))
    since: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(text_of(200))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(text_of(200))


class MailPreference(Base):
    """How a patient wants the letters: from which local hour on, and how often reminded.

    No row, and None, stand for the protocol's rule. The zone is the follow-ups' own.
    """

    __tablename__ = "mail_preference"
    __audited__ = True
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    hour: Mapped[int | None]
    fewer: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(text_of(200))
