"""The nightly reckoning of the plan, kept so that pages need not count."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.models import Conservation, Instance
from registry.queries import conservation

PAUSE = timedelta(hours=20)
PAUSE_OF_A_DEMONSTRATION = timedelta(days=90)  # its nights are seconds
NIGHT = range(1, 5)  # UTC; a registry that sleeps at night does it when it wakes


def reckon_nightly(session: Session, *, by: str, at: datetime) -> int:
    """Reckon if the last time is a night ago; how many reckonings were made.

    At once where there was none for two days. Not in the trail: it is no fact of anybody.
    """
    last = conservation.newest(session)
    if last is not None:
        is_demo = session.scalar(select(Instance.demo_now)) is not None
        age = at - last.ran_at
        if age < (PAUSE_OF_A_DEMONSTRATION if is_demo else PAUSE):
            return 0
        if at.hour not in NIGHT and age < 2 * timedelta(days=1):
            return 0
    keep(session, by=by, at=at)
    return 1


def keep(session: Session, *, by: str, at: datetime) -> Conservation:
    """Reckon now and keep the result."""
    found = conservation.reckon(session)
    row = Conservation(
        ran_at=at,
        patients=found.patients,
        planned=found.planned,
        states=dict(found.states),
        faults=found.faults,
        found=[list(one) for one in found.found],
    )
    session.add(row)
    session.flush()
    return row
