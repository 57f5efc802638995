"""Adverse events in days since treatment, by clinic and by patient report, under their labels."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from registry.models import AdverseEvent, EventCategory, ReportedEvent, ResponseStatus, known
from registry.queries.sufficient import Cut, day_of, seen

DEATH = "death"
ANY, SERIOUS, GRADE3, RELATED, TERM = "any", "serious", "grade3plus", "related", "term"


class AsciiOrder(GenericFunction[str]):
    """SQL: a text compared and turned to lower case by its ASCII letters only, on any database."""

    name = "ascii_order"
    type = String()
    inherit_cache = True


@compiles(AsciiOrder, "sqlite")
def _ascii_sqlite(element: AsciiOrder, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(AsciiOrder, "postgresql")
def _ascii_postgresql(element: AsciiOrder, compiler: SQLCompiler, **kw: Any) -> str:
    return f'({compiler.process(element.clauses, **kw)} COLLATE "C")'


def term_key(term: str) -> str:
    """What two spellings of a term have in common: the same as `_key` makes in SQL."""
    ascii_upper = str.maketrans({chr(code): chr(code + 32) for code in range(65, 91)})
    return term.strip(" ").translate(ascii_upper)


def _key(term: Any) -> ColumnElement[str]:
    return func.lower(func.ascii_order(func.trim(term)))


def spelling(events: CTE) -> Select[str, str]:
    """Each term's key with the spelling that stands first by ASCII order."""
    written = func.min(func.ascii_order(func.trim(events.c.term)))
    return select(_key(events.c.term), written).group_by(_key(events.c.term))


def clinic_events(person: CTE, cut: Cut) -> CTE:
    """One row per event entered or confirmed by staff, of any day up to the cut-off."""
    event = AdverseEvent
    return (
        select(
            person.c.patient_id,
            event.fact_key.label("event_key"),
            day_of(event.onset_on, person).label("day"),
            person.c.end_day.label("last"),
            person.c.death_day,
            event.serious,
            event.grade,
            event.related,
            event.term,
        )
        .join(event, event.patient_id == person.c.patient_id)
        .where(known(event, cut.known_at), event.onset_on <= cut.as_of)
        .cte("clinic_event")
    )


def reported_events(person: CTE, asked: CTE, cut: Cut) -> CTE:
    """One row per event that a patient told, with its `state`; `last` is NULL if never asked.

    Without a day of onset the day of the answer stands in for it: it happened before.
    """
    event, status = ReportedEvent, ResponseStatus
    told_on = func.coalesce(status.answered_on, event.onset_on)
    answer = and_(status.response_id == event.response_id, known(status, cut.known_at))
    return (
        select(
            person.c.patient_id,
            event.fact_key.label("event_key"),
            day_of(func.coalesce(event.onset_on, status.answered_on), person).label("day"),
            asked.c.last,
            event.serious,
            event.grade,
            event.related,
            event.term,
            event.state,
        )
        .join(event, event.patient_id == person.c.patient_id)
        .outerjoin(status, answer)
        .outerjoin(asked, asked.c.patient_id == person.c.patient_id)
        .where(
            known(event, cut.known_at),
            or_(status.id.is_(None), status.submitted_at.is_not(None)),
            or_(told_on.is_(None), seen(person, told_on, cut)),
        )
        .cte("reported_event_day")
    )


def labelled(events: CTE, person: CTE | None, cut: Cut, named: Mapping[str, str]) -> CTE:
    """(patient_id, kind, name, day) of events within follow-up, once under each of their labels.

    `named`: category by the key of the term that stands for it. With `person`, deaths are events
    under the term "death", in place of an event of that term.
    """

    def under(kind: str, *conditions: ColumnElement[bool]) -> Select[Any]:
        chosen = select(events.c.patient_id, literal(kind), literal(""), events.c.day)
        return chosen.where(inside, *conditions)

    inside = and_(events.c.day >= 0, events.c.day <= events.c.last)
    own = select(
        events.c.patient_id,
        literal(TERM).label("kind"),
        _key(events.c.term).label("name"),
        events.c.day,
    ).where(inside)
    parts = [
        under(ANY),
        under(SERIOUS, events.c.serious),
        under(GRADE3, events.c.grade >= 3),
        under(RELATED, events.c.related),
    ]
    if person is not None:
        died = and_(person.c.death_day >= 0, person.c.death_day <= person.c.end_day)
        own = own.where(or_(_key(events.c.term) != DEATH, events.c.death_day.is_(None)))
        dead = select(person.c.patient_id, literal(TERM), literal(DEATH), person.c.death_day)
        parts.append(dead.where(died))
    if named:
        parts.append(_by_category(events, cut, named).where(inside))
    return union_all(own, *parts).cte("labelled")


def _by_category(events: CTE, cut: Cut, named: Mapping[str, str]) -> Select[Any]:
    """Events of a named category under its name, unless their own term is that name."""
    name = case({category: key for key, category in named.items()}, value=EventCategory.category)
    return (
        select(events.c.patient_id, literal(TERM), name, events.c.day)
        .join(EventCategory, EventCategory.event_key == events.c.event_key)
        .where(
            known(EventCategory, cut.known_at),
            EventCategory.category.in_(named.values()),
            _key(events.c.term) != name,
        )
    )


def first_days(person: CTE, cut: Cut, categories: list[str]) -> CTE:
    """One row per patient with an event by clinic: the first day of each category within follow-up.

    Columns `c0`, `c1`, … in the order of `categories`.
    """
    events = clinic_events(person, cut)
    firsts = [
        func.min(case((EventCategory.category == code, events.c.day), else_=null())).label(f"c{i}")
        for i, code in enumerate(categories)
    ]
    return (
        select(events.c.patient_id, *firsts)
        .join(EventCategory, EventCategory.event_key == events.c.event_key)
        .where(
            known(EventCategory, cut.known_at),
            EventCategory.category.in_(categories),
            events.c.day >= 0,
            events.c.day <= events.c.last,
        )
        .group_by(events.c.patient_id)
        .cte("first_day")
    )
