"""Background jobs say that they ran, and what stopped them."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from registry.models import Heartbeat

_BEATS = Heartbeat.metadata.tables[Heartbeat.__tablename__]


def _beat(insert: Any) -> Any:
    """Two workers may have the first beat at once: the row is made and changed in one statement."""
    told: dict[str, Any] = {name: bindparam(name) for name in ("last_run_at", "last_error")}
    row = insert(_BEATS).values(job=bindparam("job"), **told)
    return row.on_conflict_do_update(
        index_elements=[_BEATS.c.job], set_={name: row.excluded[name] for name in told}
    )


# built once: every job ends with it, and building it costs more than running it
BEAT = {"sqlite": _beat(sqlite.insert), "postgresql": _beat(postgresql.insert)}


def beat(session: Session, *, error: str | None, by: str, at: datetime) -> None:
    """Keep when the job `by` last ran, and its fault. Not in the trail: no fact of anybody."""
    told = {"job": by, "last_run_at": at, "last_error": error}
    session.execute(BEAT[session.get_bind().dialect.name], told)
