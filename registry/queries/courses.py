"""The courses of treatment of a patient."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.models import TreatmentCourse, known


def first_course(session: Session, patient_id: int) -> TreatmentCourse:
    """The course whose first day is day 0, as it is known now."""
    return session.scalars(
        select(TreatmentCourse).where(
            TreatmentCourse.patient_id == patient_id,
            TreatmentCourse.number == 1,
            known(TreatmentCourse),
        )
    ).one()
