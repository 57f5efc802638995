"""Patients with an event by the clinic or by their own report, and those who could not tell."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from registry.queries.sufficient import Cut, counted, people
from registry.queries.sufficient_events import (
    ANY,
    GRADE3,
    RELATED,
    SERIOUS,
    clinic_events,
    reported_events,
)
from registry.queries.sufficient_safety import asked_people

KINDS = (ANY, SERIOUS, GRADE3, RELATED)


@dataclass(frozen=True)
class EitherCounts:
    """By kind: patients with an event from either source, from each, and those never asked without.

    A patient who was never asked and of whom the clinic knows no event may still have had one.
    """

    treated: int
    either: Mapping[str, int]
    clinic: Mapping[str, int]
    patient: Mapping[str, int]
    unknown: Mapping[str, int]


def either(session: Session, cut: Cut) -> EitherCounts:
    """Counts of both sources together; events within the follow-up of their source."""
    person = people(cut)
    asked = asked_people(person, cut)
    clinic = _flags(clinic_events(person, cut), "by_clinic")
    told = reported_events(person, asked, cut)
    accepted = select(told).where(told.c.state != "rejected").cte("told_event")
    patient = _flags(accepted, "by_patient")
    sums: list[ColumnElement[int]] = [func.count()]
    for kind in KINDS:
        known, own = clinic.c[kind] == 1, patient.c[kind] == 1
        unknown = and_(asked.c.patient_id.is_(None), func.coalesce(clinic.c[kind], 0) == 0)
        sums += [counted(each) for each in (or_(known, own), known, own, unknown)]
    row = session.execute(
        select(*sums)
        .select_from(person)
        .outerjoin(clinic, clinic.c.patient_id == person.c.patient_id)
        .outerjoin(patient, patient.c.patient_id == person.c.patient_id)
        .outerjoin(asked, asked.c.patient_id == person.c.patient_id)
    ).one()
    treated, *found = (int(value) for value in row)
    columns = (dict(zip(KINDS, found[place::4], strict=True)) for place in range(4))
    return EitherCounts(treated, *columns)


def _flags(events: CTE, name: str) -> CTE:
    """One row per patient with an event: 1 for each kind of which there is one."""
    inside = and_(events.c.day >= 0, events.c.day <= events.c.last)
    conditions = {
        ANY: inside,
        SERIOUS: and_(inside, events.c.serious),
        GRADE3: and_(inside, events.c.grade >= 3),
        RELATED: and_(inside, events.c.related),
    }
    flags = [_flag(condition).label(kind) for kind, condition in conditions.items()]
    return select(events.c.patient_id, *flags).group_by(events.c.patient_id).cte(name)


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))
