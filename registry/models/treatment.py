"""What the patient had, was given, and what was measured."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from registry.db import Base, text_of
from registry.models.versions import Versioned, one_current


class Diagnosis(Versioned, Base):
    """The diagnosis and its type (codes of the protocol)."""

    __tablename__ = "diagnosis"
    __table_args__ = (one_current("patient_id"), one_current("fact_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[str] = mapped_column(text_of(40))
    diagnosed_on: Mapped[date | None]


class Medicine(Versioned, Base):
    """A medicine taken at baseline; a corticosteroid with its daily prednisone equivalent in mg."""

    __tablename__ = "medicine"
    __table_args__ = (one_current("fact_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    medicine_class: Mapped[str] = mapped_column(text_of(40))
    name: Mapped[str] = mapped_column(text_of(100), default="")
    daily_dose_mg: Mapped[Decimal | None]
    prednisone_mg_per_day: Mapped[Decimal | None]


class TreatmentCourse(Versioned, Base):
    """A course of treatment. `started_on` of course 1 is day 0; later courses are intercurrent
    events. Cells are as given in the record, never derived.
    """

    __tablename__ = "treatment_course"
    __table_args__ = (
        one_current("patient_id", "number"),
        one_current("fact_key"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    number: Mapped[int] = mapped_column(default=1)
    started_on: Mapped[date] = mapped_column(index=True)
    cell_source: Mapped[str | None] = mapped_column(text_of(40))
    donor: Mapped[str | None] = mapped_column(text_of(40))
    passage: Mapped[str | None] = mapped_column(text_of(40))
    lot: Mapped[str | None] = mapped_column(text_of(80))
    certificate: Mapped[str | None] = mapped_column(text_of(200))
    cells_total: Mapped[str | None] = mapped_column(text_of(40))


class Administration(Versioned, Base):
    """One giving of cells, of the patient's course `course_number`."""

    __tablename__ = "administration"
    __table_args__ = (one_current("fact_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    course_number: Mapped[int] = mapped_column(default=1)
    given_on: Mapped[date]
    route: Mapped[str] = mapped_column(text_of(40))
    cells: Mapped[str | None] = mapped_column(text_of(40))


class Observation(Versioned, Base):
    """One item of the record of the 24 to 48 hours after a course."""

    __tablename__ = "observation"
    __table_args__ = (one_current("fact_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    course_number: Mapped[int] = mapped_column(default=1)
    observed_on: Mapped[date]
    item: Mapped[str] = mapped_column(text_of(60))
    value: Mapped[str] = mapped_column(text_of(200))


class LabResult(Versioned, Base):
    """A laboratory result: as reported, and in the canonical unit of the laboratory table.

    `flag` is low, normal or high against `reference_low`/`reference_high` (in `unit`);
    `reference_from` says whose limits they are: the reporting laboratory's own, which a grade
    needs, or those of our table, which are for orientation.
    """

    __tablename__ = "lab_result"
    __table_args__ = (
        one_current("fact_key"),
        CheckConstraint("reference_from IN ('laboratory','table')", name="reference_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    collected_on: Mapped[date]
    test: Mapped[str] = mapped_column(text_of(40), index=True)
    loinc: Mapped[str | None] = mapped_column(text_of(12))
    reported_value: Mapped[str] = mapped_column(text_of(40))
    reported_unit: Mapped[str] = mapped_column(text_of(40))
    comparator: Mapped[str | None] = mapped_column(text_of(2))
    value: Mapped[Decimal | None]
    unit: Mapped[str] = mapped_column(text_of(40))
    reference_low: Mapped[Decimal | None]
    reference_high: Mapped[Decimal | None]
    reference_from: Mapped[str | None] = mapped_column(text_of(10))
    flag: Mapped[str | None] = mapped_column(text_of(10))
    grade: Mapped[int | None]
