"""Monthly looks at serious events: keeping one, and closing the alert of a crossing."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from registry import audit
from registry.models import SafetyLook
from registry.protocols.monitoring import Monitoring
from registry.queries.monitoring import looks
from registry.statistics.sequential import bounds

SUBJECT = "registry"


def keep(
    session: Session,
    monitoring: Monitoring,
    on: date,
    events: int,
    days: int,
    *,
    by: str,
    at: datetime,
) -> SafetyLook:
    """Keep what was seen, with the boundary that the looks before it leave; the first crossing is
    an alert. A look that was taken already stays as it is.
    """
    before = looks(session, monitoring.key)
    for look in before:
        if look.on == on:
            return look
    bound = bounds(monitoring.plan, [*(look.days for look in before), days])[-1]
    is_new = not any(look.is_first_crossing for look in before)
    row = SafetyLook(
        plan=monitoring.key,
        on=on,
        days=days,
        events=events,
        boundary=bound.count,
        is_first_crossing=is_new and bound.is_crossed(events),
        recorded_at=at,
        recorded_by=by,
    )
    session.add(row)
    told = {"on": on, "events": events, "days": days, "boundary": bound.count}
    action = "safety.crossed" if row.is_first_crossing else "safety.looked"
    audit.record(session, by=by, at=at, action=action, subject=SUBJECT, changes=told)
    return row


def close(session: Session, look: SafetyLook, done: str, *, by: str, at: datetime) -> None:
    """Close the alert with what was done. A second call changes nothing."""
    if look.closed_at is not None:
        return
    look.closed_at, look.closed_by, look.closed_with = at, by, done
    changes = {"on": look.on, "done": done}
    audit.record(session, by=by, at=at, action="safety.closed", subject=SUBJECT, changes=changes)
