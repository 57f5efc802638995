"""First events, deaths before them, censorings and delayed entries per day: all that a cumulative
incidence needs.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, case, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from registry.queries.sufficient import Cut, people
from registry.queries.sufficient_events import clinic_events


@dataclass(frozen=True)
class CauseCounts:
    """Of one day of follow-up: first events, deaths without one, people last seen, late entries."""

    day: int
    events: int
    deaths: int
    censored: int
    entries: int


def first_serious(session: Session, cut: Cut) -> tuple[CauseCounts, ...]:
    """Day counts of the first serious event by clinic, with death competing, in one statement.

    An event on the day of death comes first. Who had an event, died or was last seen on or before
    the day of a delayed entry was never at risk and is not counted.
    """
    person = people(cut)
    one = _first(person, cut)
    late = one.c.entry_day > 0
    at_risk = or_(~late, one.c.day > one.c.entry_day)
    zero = literal(0)
    had, died = (case((one.c.cause == cause, 1), else_=0) for cause in (1, 2))
    rows = union_all(
        select(*_named(one.c.day, had, died, 1 - had - died, zero)).where(at_risk),
        select(*_named(one.c.entry_day, zero, zero, zero, literal(1))).where(late, at_risk),
    ).cte("cause_row")
    found = session.execute(
        select(rows.c.day, *(func.sum(rows.c[name]) for name in "fdce"))
        .group_by(rows.c.day)
        .order_by(rows.c.day)
    )
    return tuple(CauseCounts(day, *(int(count) for count in counts)) for day, *counts in found)


def _first(person: CTE, cut: Cut) -> CTE:
    """One row per patient: the day that ends their time, why (1 event, 2 death), and the entry."""
    events = clinic_events(person, cut)
    first = (
        select(events.c.patient_id, func.min(events.c.day).label("first"))
        .where(events.c.serious, events.c.day >= 0, events.c.day <= events.c.last)
        .group_by(events.c.patient_id)
        .cte("first_serious")
    )
    dead = and_(person.c.death_day.is_not(None), person.c.death_day <= person.c.end_day)
    return (
        select(
            func.coalesce(first.c.first, person.c.end_day).label("day"),
            case((first.c.first.is_not(None), 1), (dead, 2), else_=0).label("cause"),
            person.c.entry_day,
        )
        .outerjoin(first, first.c.patient_id == person.c.patient_id)
        .cte("first_cause")
    )


def _named(day: ColumnElement[int], *counts: ColumnElement[int]) -> list[ColumnElement[Any]]:
    return [
        day.label("day"),
        *(count.label(name) for name, count in zip("fdce", counts, strict=True)),
    ]
