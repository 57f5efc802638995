"""When a patient was known to be alive: answers, calls that reached them, visits, blood tests.

Events are no contacts: they are told afterwards.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, exists, func, or_, select, union_all

from registry.models import (
    Administration,
    Disposition,
    LabResult,
    Observation,
    ResponseStatus,
    TreatmentCourse,
    known,
)
from registry.queries.sufficient import Cut, day_of, seen

REACHED = ("refused", "other", "promised")
PLACES: tuple[tuple[Any, Any], ...] = (
    (ResponseStatus, ResponseStatus.answered_on),
    (Disposition, Disposition.noted_on),
    (Administration, Administration.given_on),
    (Observation, Observation.observed_on),
    (TreatmentCourse, TreatmentCourse.started_on),
    (LabResult, LabResult.collected_on),
)


def _contacts(person: CTE, cut: Cut) -> Iterator[tuple[Any, Any, list[ColumnElement[bool]]]]:
    for table, on in PLACES:
        reached = [table.code.in_(REACHED)] if table is Disposition else []
        yield table, on, [known(table, cut.known_at), seen(person, on, cut), *reached]


def known_alive(person: CTE, cut: Cut, day: int) -> ColumnElement[bool]:
    """SQL: a contact on or after that day since treatment, or a death after it."""
    met: list[ColumnElement[bool]] = [
        exists().where(
            table.patient_id == person.c.patient_id, day_of(on, person) >= day, *conditions
        )
        for table, on, conditions in _contacts(person, cut)
    ]
    # never NULL: the opposite is asked for as well
    return or_(func.coalesce(person.c.death_day, -1) > day, *met)


def last_contacts(person: CTE, cut: Cut) -> CTE:
    """One row per patient with a contact: the date of the last one, `last_on`."""
    rows: list[Select[Any]] = [
        select(table.patient_id.label("patient_id"), on.label("on"))
        .join(person, person.c.patient_id == table.patient_id)
        .where(*conditions)
        for table, on, conditions in _contacts(person, cut)
    ]
    contacts = union_all(*rows).subquery()
    return (
        select(contacts.c.patient_id, func.max(contacts.c.on).label("last_on"))
        .group_by(contacts.c.patient_id)
        .cte("last_contact")
    )
