"""The plan of follow-ups, the links that open them, the answers, and why there is none."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEVER_AGAIN, Base, Json, text_of
from registry.models.versions import Recorded, Versioned, one_current

MODES = ("web", "phone", "paper", "tablet", "import")
RESPONDENTS = ("self", "parent", "carer")
DISPOSITIONS = ("refused", "other", "undeliverable", "no_contact", "promised")


class FollowUp(Base):
    """One planned questionnaire: one row per patient and time-point (month; 0 is enrolment).

    It carries all that the patient door needs, for the door may not read the patient.
    `link_asked_at`: a new link was asked for, by the patient at the door or by staff;
    `link_made_at`: the asking that a job saw to last. `remind_on`: the local day on which the
    reminders are next thought about; the rule decides then. `call_on`: the local day on which
    silence becomes a call. `snoozed_on`, `snoozed_hour`: when the patient asked to be reminded;
    until then no reminder goes out.
    """

    __tablename__ = "follow_up"
    __audited__ = True
    __table_args__ = (
        UniqueConstraint("patient_id", "month"),
        CheckConstraint(
            "state IN ('planned','open','answered','answered_late','missed','cancelled')",
            name="state",
        ),
        Index("ix_follow_up_state_due_on", "state", "due_on"),
        Index("ix_follow_up_state_closes_on", "state", "closes_on"),
        Index("ix_follow_up_state_remind_on", "state", "remind_on"),
        Index("ix_follow_up_link_asked_at", "link_asked_at"),
        NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    month: Mapped[int]
    due_on: Mapped[date]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    link_ends_on: Mapped[date]
    recall_from: Mapped[date]
    zone: Mapped[str] = mapped_column(text_of(64))
    language: Mapped[str] = mapped_column(text_of(10))
    instrument_code: Mapped[str] = mapped_column(text_of(40))
    instrument_version: Mapped[str] = mapped_column(text_of(40))
    consent_version: Mapped[str | None] = mapped_column(text_of(40))
    context: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(text_of(20), default="planned")
    state_reason: Mapped[str | None] = mapped_column(text_of(200))
    opened_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    remind_on: Mapped[date | None]
    call_on: Mapped[date | None]
    snoozed_on: Mapped[date | None]
    snoozed_hour: Mapped[int | None]
    link_asked_at: Mapped[datetime | None]
    link_made_at: Mapped[datetime | None]


class SurveyLink(Base):
    """A link of one letter. Only the hash is kept; the token is derived anew from the token key."""

    __tablename__ = "survey_link"
    __table_args__ = (UniqueConstraint("follow_up_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    follow_up_id: Mapped[int] = mapped_column(ForeignKey("follow_up.id"))
    number: Mapped[int]
    key_version: Mapped[int]
    token_sha256: Mapped[str] = mapped_column(text_of(64), unique=True)
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Response(Recorded, Base):
    """A questionnaire that was begun, on paper, by telephone or on the web; or came by import.

    Imported responses have no follow-up behind them, so that several per month can be kept;
    `invited_on` is known of them only.
    """

    __tablename__ = "response"
    __audited__ = True
    __table_args__ = (
        Index(
            "uq_response_follow_up_id",
            "follow_up_id",
            unique=True,
            sqlite_where=text("follow_up_id IS NOT NULL"),
            postgresql_where=text("follow_up_id IS NOT NULL"),
        ),
        CheckConstraint(f"mode IN {MODES}", name="mode"),
        CheckConstraint(f"respondent IN {RESPONDENTS}", name="respondent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    follow_up_id: Mapped[int | None] = mapped_column(ForeignKey("follow_up.id"))
    month: Mapped[int]
    instrument_code: Mapped[str | None] = mapped_column(text_of(40))
    instrument_version: Mapped[str | None] = mapped_column(text_of(40))
    consent_version: Mapped[str | None] = mapped_column(text_of(40))
    mode: Mapped[str] = mapped_column(text_of(10))
    respondent: Mapped[str] = mapped_column(text_of(10), default="self")
    import_key: Mapped[str | None] = mapped_column(text_of(64), unique=True)
    invited_on: Mapped[date | None]


class ResponseStatus(Versioned, Base):
    """How far a response is. `status`: complete, partial or break_off by the protocol's rule.

    `answered_on` is the civil day, in the patient's zone, of the last saving or of sending;
    `recall_from` the day from which it asked for new health problems.
    """

    __tablename__ = "response_status"
    __table_args__ = (
        one_current("response_id"),
        one_current("fact_key"),
        CheckConstraint("status IN ('complete','partial','break_off')", name="status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("response.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    month: Mapped[int]
    status: Mapped[str] = mapped_column(text_of(10))
    answered_on: Mapped[date]
    submitted_at: Mapped[datetime | None]
    recall_from: Mapped[date | None]
    items_answered: Mapped[int | None]
    items_applicable: Mapped[int | None]


class Answer(Versioned, Base):
    """One answer of a response. `value` is JSON: what surveys.answers makes of the form."""

    __tablename__ = "answer"
    __table_args__ = (one_current("response_id", "question"), one_current("fact_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("response.id"), index=True)
    question: Mapped[str] = mapped_column(text_of(60))
    value: Mapped[Any] = mapped_column(Json)


class OutcomeValue(Versioned, Base):
    """A score or outcome of a response, by rule of the protocol, or as imported."""

    __tablename__ = "outcome_value"
    __table_args__ = (one_current("response_id", "code"), one_current("fact_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    response_id: Mapped[int] = mapped_column(ForeignKey("response.id"), index=True)
    code: Mapped[str] = mapped_column(text_of(60))
    value: Mapped[Decimal]


class Disposition(Versioned, Base):
    """Why there is no answer, as far as anybody knows: from a call, a bounce, or an import."""

    __tablename__ = "disposition"
    __table_args__ = (
        one_current("fact_key"),
        CheckConstraint(f"code IN {DISPOSITIONS}", name="code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    month: Mapped[int]
    code: Mapped[str] = mapped_column(text_of(20))
    noted_on: Mapped[date | None]
    source: Mapped[str] = mapped_column(text_of(20))
    note: Mapped[str | None] = mapped_column(text_of(500))
