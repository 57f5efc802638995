"""Medicines at baseline, put right later; the steroid dose at baseline follows them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import corrections, medicines
from registry.actions.facts import MedicineTaken, Problem, Unusable
from registry.models import Covariate, Medicine, Patient, known
from registry.models.writing import stamp
from registry.protocols import Protocol
from registry.queries import protocols, records


def add_medicine(
    session: Session, patient_id: int, taken: MedicineTaken, *, reason: str, by: str, at: datetime
) -> Medicine:
    """A medicine that was taken at baseline and is missing from the record. Raises Unusable."""
    protocol = _protocol(session, patient_id)
    row = _row(taken, protocol)
    new = Medicine(patient_id=patient_id, reason=reason, **row, **stamp(by, at))
    session.add(new)
    subject = f"patient:{patient_id}"
    audit.record(
        session, by=by, at=at, action="medicine.recorded", subject=subject, changes=row,
        reason=reason,
    )  # fmt: skip
    if taken.medicine_class == medicines.STEROIDS:
        _follow(session, patient_id, protocol, reason=reason, by=by, at=at)
    return new


def correct_medicine(
    session: Session,
    medicine: Medicine,
    taken: MedicineTaken,
    *,
    reason: str,
    by: str,
    at: datetime,
) -> Medicine:
    """A new version of a medicine, its prednisone equivalent worked out anew. Raises Unusable."""
    protocol = _protocol(session, medicine.patient_id)
    before = medicine.medicine_class
    new = corrections.change_fact(
        session, medicine, _row(taken, protocol), reason=reason, by=by, at=at
    )
    if medicines.STEROIDS in (before, new.medicine_class):
        _follow(session, medicine.patient_id, protocol, reason=reason, by=by, at=at)
    return new


def retract_medicine(
    session: Session, medicine: Medicine, *, reason: str, by: str, at: datetime
) -> None:
    """The patient did not take it: it stays readable as of before, and counts no more."""
    corrections.retract_fact(session, medicine, reason=reason, by=by, at=at)
    if medicine.medicine_class == medicines.STEROIDS:
        protocol = _protocol(session, medicine.patient_id)
        _follow(session, medicine.patient_id, protocol, reason=reason, by=by, at=at)


def _protocol(session: Session, patient_id: int) -> Protocol:
    patient = session.get_one(Patient, patient_id, with_for_update=True)
    return protocols.of_id(session, patient.protocol_id).protocol


def _row(taken: MedicineTaken, protocol: Protocol) -> dict[str, Any]:
    found = list(medicines.problems([taken], protocol))
    if found:
        known = {one.code for one in protocol.medicine_classes}
        box = "prednisone_mg_per_day" if taken.medicine_class in known else "medicine_class"
        raise Unusable([Problem(box, problem.text) for problem in found])
    return {**asdict(taken), "prednisone_mg_per_day": medicines.prednisone_mg(taken, protocol)}


def _follow(
    session: Session, patient_id: int, protocol: Protocol, *, reason: str, by: str, at: datetime
) -> None:
    """The covariate: the sum of all steroids; none while the dose of one of them is not known."""
    session.flush()
    taken = [
        MedicineTaken(
            medicine_class=row.medicine_class,
            name=row.name,
            daily_dose_mg=row.daily_dose_mg,
            prednisone_mg_per_day=row.prednisone_mg_per_day,
        )
        for row in records.current(session, Medicine, patient_id)
    ]
    dose = medicines.baseline_dose(taken, protocol)
    if dose is not None:
        corrections.set_covariate(
            session, patient_id, medicines.COVARIATE, dose, reason=reason, by=by, at=at
        )
        return
    old = session.scalars(
        select(Covariate).where(
            Covariate.patient_id == patient_id,
            Covariate.name == medicines.COVARIATE,
            known(Covariate),
        )
    ).one_or_none()
    if old is not None:
        corrections.retract_fact(session, old, reason=reason, by=by, at=at)
