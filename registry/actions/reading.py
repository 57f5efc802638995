"""Reading is logged too: who opened which record, and what of it."""

from datetime import datetime

from sqlalchemy.orm import Session

from registry import audit
from registry.queries.audit_log import LISTED


def log_read(session: Session, patient_id: int, what: str, *, by: str, at: datetime) -> None:
    """Somebody opened a patient's record or identity (`what`); the trail says so."""
    log_reads(session, [patient_id], what, by=by, at=at)


def log_reads(
    session: Session, patient_ids: list[int], what: str, *, by: str, at: datetime
) -> None:
    """The same for several patients at once, such as the results of a search."""
    entries = [
        audit.Entry(f"patient:{patient_id}", "patient.read", {what: True})
        for patient_id in patient_ids
    ]
    audit.record_many(session, entries, by=by, at=at)


def log_list(
    session: Session, user_id: int, patient_ids: list[int], what: str, *, by: str, at: datetime
) -> None:
    """A list showed something of who these patients are: one event in the reader's own chain that
    names them all, for a list is opened often.
    """
    audit.record(
        session,
        by=by,
        at=at,
        action=LISTED,
        subject=f"user:{user_id}",
        changes={what: True} | {f"patient:{patient_id}": True for patient_id in patient_ids},
    )
