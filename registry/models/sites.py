"""Clinics, the protocol in force, and the identity of this installation."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, text_of
from registry.models.versions import Recorded


class Instance(Base):
    """One row: which registry this is. A demo registry has a clock that can be moved.

    `epoch` is 0 until the registry was paired with its side journal, and rises each time a restored
    database is reconciled; `restored_at`: it came back from a backup and was not reconciled yet.
    `numbered` counts the study numbers given out; locking the row makes them one by one.
    """

    __tablename__ = "instance"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    instance_id: Mapped[str] = mapped_column(text_of(32))
    epoch: Mapped[int] = mapped_column(default=0)
    restored_at: Mapped[datetime | None]
    numbered: Mapped[int] = mapped_column(default=0)
    demo_now: Mapped[datetime | None]


class Site(Recorded, Base):
    """A clinic. All texts are for patients' eyes; none may name an illness or a speciality.

    `public_name` is empty until a person has given it: an import knows only the code, which may
    name an illness. No letter goes out to the patients of a site without it.
    """

    __tablename__ = "site"
    __audited__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(text_of(40), unique=True)
    public_name: Mapped[str] = mapped_column(text_of(200))
    telephone: Mapped[str] = mapped_column(text_of(40), default="")
    hours: Mapped[str] = mapped_column(text_of(200), default="")
    emergency_text: Mapped[str] = mapped_column(text_of(500), default="")
    zone: Mapped[str] = mapped_column(text_of(64), default="UTC")

    @property
    def staff_name(self) -> str:
        """What staff read: the name, or the code as long as there is none."""
        return self.public_name or self.code


class SiteHoliday(Recorded, Base):
    """A day on which no letter to a patient of that clinic goes out."""

    __tablename__ = "site_holiday"
    __audited__ = True
    __table_args__ = (UniqueConstraint("site_id", "on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    on: Mapped[date]
    name: Mapped[str] = mapped_column(text_of(80), default="")


class ProtocolVersion(Recorded, Base):
    """A protocol file as it was activated; the newest activation is the one in force."""

    __tablename__ = "protocol"
    __audited__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(text_of(40))
    version: Mapped[str] = mapped_column(text_of(40))
    fingerprint: Mapped[str] = mapped_column(text_of(64), unique=True)
    content: Mapped[str]
    instrument_code: Mapped[str] = mapped_column(text_of(40))
    instrument_version: Mapped[str] = mapped_column(text_of(40))
    answer_codes: Mapped[list[Any]] = mapped_column(default=list)


class Heartbeat(Base):
    """When each background job last ran, and what stopped it."""

    __tablename__ = "heartbeat"

    job: Mapped[str] = mapped_column(text_of(40), primary_key=True)
    last_run_at: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(text_of(500))
