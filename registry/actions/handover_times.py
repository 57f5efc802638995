"""How long hand-overs take: counted by bound, for the histogram of /metrics."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from registry.models import HandoverTime

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)
BEYOND = 1e9


def add(session: Session, seconds: Iterable[float], *, by: str, at: datetime) -> None:
    """Count these hand-overs. Not in the trail: no fact of anybody."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    counted: dict[float, list[float]] = {}
    for one in seconds:
        bound = next((bound for bound in BOUNDS if one <= bound), BEYOND)
        counted.setdefault(bound, []).append(one)
    for bound in sorted(counted):  # always in one order: two workers do not wait for each other
        some = counted[bound]
        session.execute(
            insert(HandoverTime)
            .values(bound=bound, letters=len(some), seconds=sum(some))
            .on_conflict_do_update(
                index_elements=[HandoverTime.bound],
                set_={
                    "letters": HandoverTime.letters + len(some),
                    "seconds": HandoverTime.seconds + sum(some),
                },
            )
        )
