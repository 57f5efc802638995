"""Background jobs say that they ran, and what stopped them."""

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from registry.models import Heartbeat


def beat(session: Session, *, error: str | None, by: str, at: datetime) -> None:
    """Keep when the job `by` last ran, and its fault. Not in the trail: no fact of anybody."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    told = {"last_run_at": at, "last_error": error}
    # two workers may have the first beat at once, so the row is made and changed in one statement
    session.execute(
        insert(Heartbeat)
        .values(job=by, **told)
        .on_conflict_do_update(index_elements=[Heartbeat.job], set_=told)
    )
