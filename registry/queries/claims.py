"""Advertised statements that were added here, and who had an event of which the clinic or the
patient told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from registry.claims import Claim, Kind
from registry.errors import NotFound
from registry.models import ClaimVersion, EventCategory, known
from registry.protocols import Outcome, OutcomeKind
from registry.queries.sufficient import Cut, counted, people
from registry.queries.sufficient_events import clinic_events, reported_events
from registry.queries.sufficient_safety import asked_people


@dataclass(frozen=True)
class Ever:
    """Of all treated: how many had it, and how many have answered since the given day."""

    treated: int
    had: int
    answered: int


def added(session: Session) -> Sequence[ClaimVersion]:
    """The current version of every statement that was added, the first added first."""
    first = (
        select(ClaimVersion.fact_key, func.min(ClaimVersion.id).label("id"))
        .group_by(ClaimVersion.fact_key)
        .subquery()
    )
    return session.scalars(
        select(ClaimVersion)
        .join(first, first.c.fact_key == ClaimVersion.fact_key)
        .where(known(ClaimVersion))
        .order_by(first.c.id)
    ).all()


def current(session: Session, key: str) -> ClaimVersion:
    """The current version. Raises NotFound, also for one that was taken off."""
    found = session.scalars(
        select(ClaimVersion).where(ClaimVersion.fact_key == key, known(ClaimVersion))
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such claim. The page of claims lists those there are.")
    return found


def versions(session: Session, key: str) -> Sequence[ClaimVersion]:
    """Every version of a statement, the newest first."""
    wanted = select(ClaimVersion).where(ClaimVersion.fact_key == key)
    return session.scalars(wanted.order_by(ClaimVersion.id.desc())).all()


def claim_of(row: ClaimVersion) -> Claim:
    """A row as the statement that it holds."""
    return Claim(
        code=row.fact_key,
        words=row.words,
        source=row.source,
        read=row.read,
        kind=Kind(row.kind),
        outcome=row.outcome,
        threshold=row.threshold,
        month=row.month,
        needs=row.needs,
        note=row.note,
    )


def ever(session: Session, cut: Cut, outcome: Outcome, by_day: int, since_day: int) -> Ever:
    """Who had the event, or died, by that day of follow-up, whether or not anybody is due yet.

    An event counts if the clinic recorded it, or the patient told it and nobody rejected it.
    `since_day`: the first day on which an answer is one of the time-point, or of a later one.
    """
    person = people(cut)
    asked = asked_people(person, cut)
    had = _had(person, asked, cut, outcome, by_day)
    row = session.execute(
        select(func.count(), counted(had), counted(asked.c.last >= since_day))
        .select_from(person)
        .outerjoin(asked, asked.c.patient_id == person.c.patient_id)
    ).one()
    return Ever(*(int(value) for value in row))


def _had(person: CTE, asked: CTE, cut: Cut, outcome: Outcome, by_day: int) -> ColumnElement[bool]:
    if outcome.kind is OutcomeKind.DEATH:
        return and_(person.c.death_day <= by_day, person.c.death_day <= person.c.end_day)
    clinic = _of_category(clinic_events(person, cut), outcome, cut, by_day)
    told = reported_events(person, asked, cut)
    patient = _of_category(told, outcome, cut, by_day).where(told.c.state != "rejected")
    return or_(person.c.patient_id.in_(clinic), person.c.patient_id.in_(patient))


def _of_category(events: CTE, outcome: Outcome, cut: Cut, by_day: int) -> Select[tuple[int]]:
    """Patients with such an event within follow-up and by the day."""
    return (
        select(events.c.patient_id)
        .join(EventCategory, EventCategory.event_key == events.c.event_key)
        .where(
            known(EventCategory, cut.known_at),
            EventCategory.category == outcome.event,
            events.c.day.between(0, by_day),
            events.c.day <= events.c.last,
        )
    )
