"""What reading a laboratory result needs to know of the patient."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.models import Demographics, LabResult, TreatmentCourse, known


def sexes(session: Session, patient_ids: Iterable[int]) -> dict[int, str | None]:
    """The sex of each patient, where it is known."""
    rows = session.execute(
        select(Demographics.patient_id, Demographics.sex).where(
            Demographics.patient_id.in_(patient_ids), known(Demographics)
        )
    )
    return {row.patient_id: row.sex for row in rows}


def baselines(session: Session, patient_ids: Iterable[int]) -> Mapping[tuple[int, str], Decimal]:
    """The last value of each test on or before day 0, by patient and test, canonical units."""
    rows = session.execute(
        select(LabResult.patient_id, LabResult.test, LabResult.value)
        .join(
            TreatmentCourse,
            (TreatmentCourse.patient_id == LabResult.patient_id)
            & (TreatmentCourse.number == 1)
            & known(TreatmentCourse)
            & (LabResult.collected_on <= TreatmentCourse.started_on),
        )
        .where(
            LabResult.patient_id.in_(patient_ids),
            LabResult.comparator.is_(None),
            known(LabResult),
        )
        .order_by(LabResult.collected_on, LabResult.id)
    )
    return {(row.patient_id, row.test): row.value for row in rows}
