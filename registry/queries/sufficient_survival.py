"""Deaths, censorings and delayed entries per day: all that a survival curve needs."""

from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from registry.queries.sufficient import Cut, counted, people, smaller
from registry.queries.sufficient_contacts import last_contacts

YEAR = 365


@dataclass(frozen=True)
class DayCounts:
    """Of one day of follow-up: deaths, people last seen, and people who entered late."""

    day: int
    deaths: int
    censored: int
    entries: int


@dataclass(frozen=True)
class SurvivalCounts:
    """Both curves from the same patients.

    `overall` follows the silent to the cut-off, `last_contact` only to the day they were last known
    alive. `never_at_risk` entered on or after their last day; `silent_year` are neither dead nor
    withdrawn and had no contact in the last 365 days.
    """

    overall: tuple[DayCounts, ...]
    last_contact: tuple[DayCounts, ...]
    never_at_risk: int
    silent_year: int


def survival(session: Session, cut: Cut) -> SurvivalCounts:
    """Day counts of both curves."""
    person = _followed(people(cut), cut)
    never, silent = session.execute(
        select(
            counted(and_(person.c.entry_day > 0, person.c.end_day <= person.c.entry_day)),
            counted(
                and_(
                    person.c.death_day.is_(None),
                    person.c.left_day.is_(None),
                    person.c.contact_day < person.c.cut_day - YEAR,
                )
            ),
        )
    ).one()
    return SurvivalCounts(
        _days(session, person, person.c.end_day),
        _days(session, person, person.c.contact_end),
        int(never),
        int(silent),
    )


def _days(session: Session, person: CTE, end: ColumnElement[int]) -> tuple[DayCounts, ...]:
    """Counts by day of those at risk at all; the day of entry itself is not at risk."""
    died = and_(person.c.death_day.is_not(None), person.c.death_day <= end)
    late = person.c.entry_day > 0
    at_risk = case((late, end > person.c.entry_day), else_=literal(True))
    left = select(
        end.label("day"),
        case((died, 1), else_=0).label("d"),
        case((died, 0), else_=1).label("c"),
        literal(0).label("e"),
    ).where(at_risk)
    entered = select(person.c.entry_day, literal(0), literal(0), literal(1)).where(late, at_risk)
    rows = union_all(left, entered).cte("leaving")
    grouped = (
        select(rows.c.day, func.sum(rows.c.d), func.sum(rows.c.c), func.sum(rows.c.e))
        .group_by(rows.c.day)
        .order_by(rows.c.day)
    )
    return tuple(DayCounts(*(int(value) for value in row)) for row in session.execute(grouped))


def _followed(person: CTE, cut: Cut) -> CTE:
    """People with `contact_day`, when they were last known alive, and `contact_end`, where a curve
    that ends there leaves them: on the day of death for the dead.
    """
    last = last_contacts(person, cut)
    contact = func.coalesce(func.days_between(last.c.last_on, person.c.treated_on), 0)
    told = case((person.c.left_day > contact, person.c.left_day), else_=contact)
    end = case(
        (person.c.death_day <= person.c.end_day, person.c.death_day),
        else_=smaller(told, person.c.end_day),
    )
    return (
        select(
            person, told.label("contact_day"), case((end < 0, 0), else_=end).label("contact_end")
        )
        .outerjoin(last, last.c.patient_id == person.c.patient_id)
        .cte("followed")
    )
