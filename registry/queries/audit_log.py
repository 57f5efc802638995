"""The trail as people read it: of one subject, of one person, of one action."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from registry.models import AuditEvent

PAGE = 50
LISTED = "identity.listed"
"""A list showed something of who its patients are; `changes` names them."""
LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Trail:
    """One page of the trail, newest first; `before` leads to the next, None at its end."""

    events: Sequence[AuditEvent]
    total: int
    before: int | None


def events(
    session: Session,
    *,
    subject: str | None = None,
    by: str | None = None,
    action: str | None = None,
    before: int | None = None,
) -> Trail:
    """The newest events that fit everything given, older than the event `before` (its id).

    Those of a patient are their chain, and the lists in which somebody saw who they are.
    """
    wanted: list[ColumnElement[bool]] = []
    if subject:
        wanted.append(_about(subject))
    if by:
        wanted.append(AuditEvent.by == by)
    if action:
        wanted.append(AuditEvent.action == action)
    total = session.scalar(select(func.count(AuditEvent.id)).where(*wanted)) or 0
    older = [AuditEvent.id < min(before, LARGEST)] if before and before > 0 else []
    rows = session.scalars(
        select(AuditEvent).where(*wanted, *older).order_by(AuditEvent.id.desc()).limit(PAGE + 1)
    ).all()
    more = rows[PAGE - 1].id if len(rows) > PAGE else None
    return Trail(rows[:PAGE], total, more)


def _about(subject: str) -> ColumnElement[bool]:
    """The subject's own chain; for a patient also the lists of readers in which they stood."""
    own = AuditEvent.subject == subject
    if not subject.startswith("patient:"):
        return own
    is_named = AuditEvent.changes[subject].as_string().is_not(None)
    return or_(own, and_(AuditEvent.action == LISTED, is_named))


def actions(session: Session) -> Sequence[str]:
    """Every action that the trail knows, for a list to choose from."""
    return session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action)).all()
