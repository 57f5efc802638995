"""The result of a reckoning, kept so that no page needs to count."""

from datetime import datetime

from sqlalchemy.orm import Session

from registry.models import Conservation
from registry.queries.conservation import Reckoning


def keep(session: Session, found: Reckoning, *, by: str, at: datetime) -> Conservation:
    """Keep a reckoning. Not in the trail: it is no fact of anybody."""
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
