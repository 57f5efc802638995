"""What happened to the patient: events told, events confirmed, death, withdrawal, alerts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, Json, text_of
from registry.models.versions import Recorded, Versioned, one_current


class ReportedEvent(Versioned, Base):
    """A health problem in the patient's own words. `state`: waiting, confirmed or rejected.

    A confirmed one names the clinician's adverse event by its `fact_key`.
    """

    __tablename__ = "reported_event"
    __table_args__ = (
        one_current("fact_key"),
        CheckConstraint("state IN ('waiting','confirmed','rejected')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    response_id: Mapped[int | None] = mapped_column(ForeignKey("response.id"), index=True)
    term: Mapped[str] = mapped_column(text_of(200))
    categories: Mapped[list[Any]] = mapped_column(Json, default=list)
    onset_on: Mapped[date | None]
    severity: Mapped[str | None] = mapped_column(text_of(20))
    grade: Mapped[int | None]
    in_hospital: Mapped[bool | None]
    still_there: Mapped[bool | None]
    serious: Mapped[bool] = mapped_column(default=False)
    related: Mapped[bool | None]
    state: Mapped[str] = mapped_column(text_of(10), default="waiting")
    adverse_event_key: Mapped[str | None] = mapped_column(text_of(64), index=True)


class AdverseEvent(Versioned, Base):
    """An adverse event entered or confirmed by staff, graded by CTCAE."""

    __tablename__ = "adverse_event"
    __table_args__ = (
        one_current("fact_key"),
        CheckConstraint("grade BETWEEN 1 AND 5", name="grade"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    term: Mapped[str] = mapped_column(text_of(200))
    onset_on: Mapped[date]
    ended_on: Mapped[date | None]
    grade: Mapped[int | None]
    ctcae_version: Mapped[str | None] = mapped_column(text_of(10))
    serious: Mapped[bool]
    serious_because: Mapped[list[Any]] = mapped_column(Json, default=list)
    related: Mapped[bool | None]
    outcome: Mapped[str | None] = mapped_column(text_of(40))
    confirmed_by: Mapped[str | None] = mapped_column(text_of(200))
    confirmed_on: Mapped[date | None]


class EventCategory(Versioned, Base):
    """A category that an adverse event falls in, by the protocol's category file."""

    __tablename__ = "event_category"
    __table_args__ = (one_current("event_key", "category"), one_current("fact_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    event_key: Mapped[str] = mapped_column(text_of(64), index=True)
    category: Mapped[str] = mapped_column(text_of(40))


class Death(Versioned, Base):
    """The patient died."""

    __tablename__ = "death"
    __table_args__ = (one_current("patient_id"), one_current("fact_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    died_on: Mapped[date]
    cause: Mapped[str | None] = mapped_column(text_of(200))


class Withdrawal(Versioned, Base):
    """The patient left. `scope`: contact (no more letters or calls, data go on) or registry."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        one_current("patient_id"),
        one_current("fact_key"),
        CheckConstraint("scope IN ('contact','registry')", name="scope"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    withdrawn_on: Mapped[date]
    scope: Mapped[str] = mapped_column(text_of(10), default="registry")
    why: Mapped[str | None] = mapped_column(text_of(500))


class Alert(Recorded, Base):
    """Something a person must look at by `due_at`. It is acknowledged and then closed with what was
    done.
    """

    __tablename__ = "alert"
    __audited__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    follow_up_id: Mapped[int | None] = mapped_column(ForeignKey("follow_up.id"), index=True)
    kind: Mapped[str] = mapped_column(text_of(40))
    question: Mapped[str | None] = mapped_column(text_of(60))
    message: Mapped[str] = mapped_column(text_of(500))
    due_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(text_of(200))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(text_of(200))
    closed_with: Mapped[str | None] = mapped_column(text_of(500))


class TaskOwner(Base):
    """Who has taken on something of the worklist. `kind` and `key` as there: an alert's id, an
    event's key, the month of a call, the kind of a mail hold. A line older than the task is that
    of an earlier one.
    """

    __tablename__ = "task_owner"
    __audited__ = True
    __table_args__ = (UniqueConstraint("patient_id", "kind", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    kind: Mapped[str] = mapped_column(text_of(10))
    key: Mapped[str] = mapped_column(text_of(64))
    taken_by: Mapped[str] = mapped_column(text_of(200))
    taken_at: Mapped[datetime]
