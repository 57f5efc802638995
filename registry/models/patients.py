"""The patient, and apart from it who the patient is."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import NEVER_AGAIN, Base, text_of
from registry.models.versions import Recorded, Versioned, one_current


class Patient(Recorded, Base):
    """A treated patient, by study number. Everything that can change stands in other tables."""

    __tablename__ = "patient"
    __audited__ = True
    __table_args__ = NEVER_AGAIN

    id: Mapped[int] = mapped_column(primary_key=True)
    study_number: Mapped[str] = mapped_column(text_of(40), unique=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    protocol_id: Mapped[int] = mapped_column(ForeignKey("protocol.id"))


class Demographics(Versioned, Base):
    """What is known of the patient that does not identify. `age` in whole years at treatment."""

    __tablename__ = "demographics"
    __table_args__ = (one_current("patient_id"), one_current("fact_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    sex: Mapped[str | None] = mapped_column(text_of(10))
    age: Mapped[int | None]
    language: Mapped[str] = mapped_column(text_of(10), default="en")
    zone: Mapped[str | None] = mapped_column(text_of(64))


class DataKey(Base):
    """The patient's own key, wrapped by a master key; destroying it erases who the patient is."""

    __tablename__ = "data_key"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    wrapped: Mapped[bytes | None]
    master_version: Mapped[int]
    destroyed_at: Mapped[datetime | None]


class Identity(Versioned, Base):
    """Name, e-mail, telephone, birth date: each encrypted under the patient's data key."""

    __tablename__ = "identity"
    __table_args__ = (one_current("patient_id"), one_current("fact_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    name: Mapped[bytes | None]
    email: Mapped[bytes | None]
    telephone: Mapped[bytes | None]
    birth_date: Mapped[bytes | None]


class IdentityIndex(Base):
    """Keyed hashes by which a patient is found: `email` and `name` (a word of it) in full,
    `birth_date` cut to twelve bits, for so few dates exist that a full hash would give them away.
    """

    __tablename__ = "identity_index"
    __table_args__ = (Index(None, "kind", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[str] = mapped_column(text_of(12))
    digest: Mapped[str] = mapped_column(text_of(64))


class Consent(Versioned, Base):
    """Which consent text the patient agreed to, when. No row: consent not recorded."""

    __tablename__ = "consent"
    __table_args__ = (one_current("fact_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    consent_version: Mapped[str] = mapped_column(text_of(40))
    language: Mapped[str] = mapped_column(text_of(10))
    given_on: Mapped[date]
    withdrawn_on: Mapped[date | None]


class Covariate(Versioned, Base):
    """A baseline characteristic: a number or a code. Usable for weighting and matching."""

    __tablename__ = "covariate"
    __table_args__ = (
        one_current("patient_id", "name"),
        one_current("fact_key"),
        CheckConstraint("(number IS NULL) <> (code IS NULL)", name="number_or_code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    name: Mapped[str] = mapped_column(text_of(60))
    number: Mapped[Decimal | None]
    code: Mapped[str | None] = mapped_column(text_of(40))
