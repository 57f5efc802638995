"""Expected against sent: of the questionnaires due on each day, what became of the first letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from registry.models import FollowUp, OutboxEmail
from surveys.lifecycle import FollowUpState, OutboxState

NOT_CALLED_OFF = [state for state in FollowUpState if state is not FollowUpState.CANCELLED]
UNDER_WAY = (OutboxState.QUEUED, OutboxState.LEASED, OutboxState.HANDOVER)
DEAD = (OutboxState.PARKED, OutboxState.FAILED)


@dataclass(frozen=True, slots=True)
class PostDay:
    """One day's questionnaires: `due` is the sum of the others. `without` have had no letter: the
    patient gets none, answered before, or nothing has begun them.
    """

    on: date
    due: int
    sent: int
    under_way: int
    dead: int
    without: int


def post_days(session: Session, until: date, days: int = 14) -> Sequence[PostDay]:
    """The days with anything due among the last `days` up to `until`, the newest first."""
    sent = _has_letter(OutboxEmail.state == OutboxState.SENT)
    under_way = and_(not_(sent), _has_letter(OutboxEmail.state.in_(UNDER_WAY)))
    dead = and_(not_(or_(sent, under_way)), _has_letter(OutboxEmail.state.in_(DEAD)))
    rows = session.execute(
        select(
            FollowUp.due_on,
            func.count(),
            func.count().filter(sent),
            func.count().filter(under_way),
            func.count().filter(dead),
        )
        .where(
            FollowUp.state.in_(NOT_CALLED_OFF),
            FollowUp.due_on > until - timedelta(days=days),
            FollowUp.due_on <= until,
            FollowUp.month > 0,
        )
        .group_by(FollowUp.due_on)
        .order_by(FollowUp.due_on.desc())
    )
    return [
        PostDay(on, due, gone, going, ended, due - gone - going - ended)
        for on, due, gone, going, ended in rows
    ]


def _has_letter(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = OutboxEmail.follow_up_id == FollowUp.id
    return exists().where(mine, OutboxEmail.kind == "invitation", condition)
