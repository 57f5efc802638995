"""Alerts: somebody takes one on, and closes it with what was done."""

from datetime import datetime

from sqlalchemy.orm import Session

from registry import audit
from registry.models import Alert


def acknowledge(session: Session, alert: Alert, *, by: str, at: datetime) -> None:
    """Take an alert on; whoever was first keeps it."""
    if alert.acknowledged_at is not None or alert.closed_at is not None:
        return
    alert.acknowledged_at, alert.acknowledged_by = at, by
    _record(session, alert, "alert.acknowledged", {}, by=by, at=at)


def close(session: Session, alert: Alert, done: str, *, by: str, at: datetime) -> None:
    """Close an alert with what was done about it. A second call changes nothing."""
    if alert.closed_at is not None:
        return
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = at, by
    alert.closed_at, alert.closed_by, alert.closed_with = at, by, done
    _record(session, alert, "alert.closed", {"done": done}, by=by, at=at)


def _record(
    session: Session,
    alert: Alert,
    action: str,
    changes: dict[str, object],
    *,
    by: str,
    at: datetime,
) -> None:
    audit.record(
        session,
        by=by,
        at=at,
        action=action,
        subject=f"patient:{alert.patient_id}",
        changes={"alert": alert.id, **changes},
    )
