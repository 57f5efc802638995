"""Who does what is on the worklist: somebody takes it on, takes it over, or gives it back."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import alerts
from registry.errors import DomainError
from registry.models import Alert, Patient, TaskOwner
from registry.queries import worklists
from registry.queries.worklists import Kind


class TakenMeanwhile(DomainError):
    """Somebody else took it on between the look at the list and the button."""


class NotYours(DomainError):
    """Only who has taken something on gives it back."""


def take(
    session: Session,
    patient_id: int,
    kind: str,
    key: str,
    *,
    instead_of: str | None = None,
    by: str,
    at: datetime,
) -> None:
    """Take a task on; from `instead_of` (an address) if they have it. An alert is acknowledged
    with it. Raises NotFound for what is done, TakenMeanwhile if somebody else has it.
    """
    session.get_one(Patient, patient_id, with_for_update=True)  # two at once: one after the other
    task = worklists.task(session, patient_id, kind, key, at)
    if task.owner == by:
        return
    if task.owner is not None and task.owner != instead_of:
        raise TakenMeanwhile(f"{task.owner} has taken this on a moment ago.")
    row = _row(session, patient_id, kind, key)
    if row is None:
        row = TaskOwner(patient_id=patient_id, kind=kind, key=key)
        session.add(row)
    row.taken_by, row.taken_at = by, at
    if kind == Kind.ALERT:
        alerts.acknowledge(session, session.get_one(Alert, int(key)), by=by, at=at)
    told = {"kind": kind, "key": key, "owner": (task.owner, by)}
    audit.record_of_patient(session, patient_id, "task.taken", told, by=by, at=at)


def give_back(
    session: Session, patient_id: int, kind: str, key: str, *, by: str, at: datetime
) -> None:
    """Nobody has it any more. Raises NotFound for what is done, NotYours."""
    session.get_one(Patient, patient_id, with_for_update=True)
    task = worklists.task(session, patient_id, kind, key, at)
    if task.owner is None:
        return
    if task.owner != by:
        raise NotYours(f"{task.owner} has this. Take it over, or ask them to give it back.")
    session.delete(_row(session, patient_id, kind, key))
    told = {"kind": kind, "key": key, "owner": (by, None)}
    audit.record_of_patient(session, patient_id, "task.given_back", told, by=by, at=at)


def _row(session: Session, patient_id: int, kind: str, key: str) -> TaskOwner | None:
    return session.scalars(
        select(TaskOwner).where(
            TaskOwner.patient_id == patient_id, TaskOwner.kind == kind, TaskOwner.key == key
        )
    ).one_or_none()
