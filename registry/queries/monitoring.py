"""Monthly looks at serious events: those that were taken, those that are due, what they count."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import NotFound
from registry.models import SafetyLook
from registry.protocols import Protocol
from registry.queries import breakdowns
from registry.queries.sufficient import Cut
from registry.queries.sufficient_events import SERIOUS
from registry.queries.sufficient_safety import safety


def looks(session: Session, plan: str) -> Sequence[SafetyLook]:
    """Every look under this plan, in order of time."""
    wanted = select(SafetyLook).where(SafetyLook.plan == plan)
    return session.scalars(wanted.order_by(SafetyLook.on)).all()


def others(session: Session, plan: str | None) -> Sequence[SafetyLook]:
    """Every look under another plan, in the order in which they were taken."""
    wanted = select(SafetyLook).where(SafetyLook.plan != (plan or ""))
    return session.scalars(wanted.order_by(SafetyLook.id)).all()


def open_alert(session: Session) -> SafetyLook | None:
    """The first crossing that nobody has closed, whether its plan is still in force or not."""
    wanted = select(SafetyLook).where(SafetyLook.is_first_crossing, SafetyLook.closed_at.is_(None))
    return session.scalars(wanted.order_by(SafetyLook.id).limit(1)).one_or_none()


def alert(session: Session) -> SafetyLook:
    """The open alert. Raises NotFound."""
    found = open_alert(session)
    if found is None:
        raise NotFound("No alert about serious events is open.")
    return found


def due_on(session: Session, plan: str, today: date) -> list[date]:
    """The ends of months at which a look is still to be taken.

    Under a new plan only the newest: what came before is in its counts.
    """
    newest = next(_month_ends(today))
    last = session.scalar(
        select(SafetyLook.on).where(SafetyLook.plan == plan).order_by(SafetyLook.on.desc()).limit(1)
    )
    if last is None:
        first = breakdowns.first_treated_on(session)
        return [newest] if first is not None and first <= newest else []
    missed = []
    for end in _month_ends(today):
        if end <= last:
            break
        missed.append(end)
    return missed[::-1]


def _month_ends(today: date) -> Iterator[date]:
    """The last days of the months that are over, the newest first."""
    end = today.replace(day=1) - timedelta(days=1)
    while True:
        yield end
        end = end.replace(day=1) - timedelta(days=1)


def seen(session: Session, protocol: Protocol, on: date) -> tuple[int, int]:
    """Patients with a first serious event by the clinic within follow-up, and days at risk of it,
    summed over all patients.
    """
    found = safety(session, Cut(protocol.code, on, last_day=protocol.safety_days), {})
    serious = found.clinic.of((SERIOUS, ""))
    return serious.patients, serious.days_to_first
