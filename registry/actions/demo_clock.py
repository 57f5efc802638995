"""The clock of a demo database: the only one that can be moved."""

from datetime import datetime

from sqlalchemy.orm import Session

from registry import audit
from registry.errors import DomainError
from registry.models import Instance


class NotMovable(DomainError):
    """Time cannot be moved there."""


def move(session: Session, *, by: str, at: datetime) -> None:
    """Stand at `at` from now on. Raises NotMovable outside a demo database, and for the past."""
    instance = session.get(Instance, 1, with_for_update=True)
    if instance is None or instance.demo_now is None:
        raise NotMovable("Only the clock of a demo database can be moved. Leave out --at.")
    if at < instance.demo_now:
        raise NotMovable(f"The demo stands at {instance.demo_now:%Y-%m-%d %H:%M} UTC already.")
    instance.demo_now = at
    audit.record(session, by=by, at=at, action="demo.moved", subject="registry")
