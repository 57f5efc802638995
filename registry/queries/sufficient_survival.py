"""Deaths, censorings and delayed entries per day: all that a survival curve needs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from registry.queries.sufficient import Cut, people, smaller
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
    """Day counts of both curves, in one statement."""
    person = _followed(people(cut), cut)
    never = and_(person.c.entry_day > 0, person.c.end_day <= person.c.entry_day)
    silent = and_(
        person.c.death_day.is_(None),
        person.c.left_day.is_(None),
        person.c.contact_day < person.c.cut_day - YEAR,
    )
    zero, one = literal(0), literal(1)
    parts = union_all(
        *_leaving(person, "overall", person.c.end_day),
        *_leaving(person, "last_contact", person.c.contact_end),
        _row(person, "never", zero, one, zero, zero).where(never),
        _row(person, "silent", zero, one, zero, zero).where(silent),
    ).cte("leaving")
    rows = session.execute(
        select(parts.c.what, parts.c.day, *(func.sum(parts.c[name]) for name in "dce"))
        .group_by(parts.c.what, parts.c.day)
        .order_by(parts.c.day)
    )
    found: dict[str, list[DayCounts]] = {}
    for what, day, *counts in rows:
        found.setdefault(what, []).append(DayCounts(day, *(int(count) for count in counts)))
    return SurvivalCounts(
        tuple(found.get("overall", ())),
        tuple(found.get("last_contact", ())),
        sum(row.deaths for row in found.get("never", ())),
        sum(row.deaths for row in found.get("silent", ())),
    )


def _leaving(person: CTE, what: str, end: ColumnElement[int]) -> tuple[Select[Any], Select[Any]]:
    """Who leaves on which day, and who entered late; the day of entry itself is not at risk."""
    died = and_(person.c.death_day.is_not(None), person.c.death_day <= end)
    late = person.c.entry_day > 0
    at_risk = case((late, end > person.c.entry_day), else_=literal(True))
    dead, zero, one = case((died, 1), else_=0), literal(0), literal(1)
    left = _row(person, what, end, dead, 1 - dead, zero)
    entered = _row(person, what, person.c.entry_day, zero, zero, one)
    return left.where(at_risk), entered.where(late, at_risk)


def _row(
    person: CTE, what: str, day: ColumnElement[int], *counts: ColumnElement[int]
) -> Select[Any]:
    """One row per person: dead, censored and entered on a day."""
    named = (count.label(name) for count, name in zip(counts, "dce", strict=True))
    columns: list[ColumnElement[Any]] = [literal(what).label("what"), day.label("day"), *named]
    return select(*columns).select_from(person)


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
