"""Treatment that is recorded after enrolment: further courses, administrations, observations."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions.facts import Course, Given, Observed, Problem, Unusable
from registry.models import (
    Administration,
    Observation,
    Patient,
    TreatmentCourse,
    known,
)
from registry.models.writing import insert_rows, stamp
from registry.protocols import Protocol
from registry.queries import protocols
from surveys.timepoints import last_civil_day


def record_course(
    session: Session,
    patient_id: int,
    started_on: date,
    course: Course,
    *,
    by: str,
    at: datetime,
) -> TreatmentCourse:
    """A further course: an intercurrent event; day 0 and the follow-ups stay. Raises Unusable."""
    first = _started_on(session, patient_id, 1)
    found = _future("started_on", started_on, at)
    if started_on <= first:
        found.append(
            Problem("started_on", f"{started_on} is not after the first course, on {first}")
        )
    _refuse(found)
    number = session.scalar(
        select(func.max(TreatmentCourse.number)).where(
            TreatmentCourse.patient_id == patient_id, known(TreatmentCourse)
        )
    )
    new = TreatmentCourse(
        patient_id=patient_id,
        number=(number or 0) + 1,
        started_on=started_on,
        **asdict(course),
        **stamp(by, at),
    )
    session.add(new)
    told = {"number": new.number, "started_on": started_on, **asdict(course)}
    audit.record_of_patient(session, patient_id, "course.recorded", told, by=by, at=at)
    return new


def record_administrations(
    session: Session,
    patient_id: int,
    given: Sequence[Given],
    *,
    course_number: int = 1,
    by: str,
    at: datetime,
) -> None:
    """Administrations of a course, none before its first day. Raises Unusable."""
    started_on = _started_on(session, patient_id, course_number)
    routes = [coded.code for coded in _protocol(session, patient_id).routes]
    found = []
    for one in given:
        found += _future("given_on", one.given_on, at)
        if one.given_on < started_on:
            found.append(
                Problem("given_on", f"{one.given_on} is before the course began on {started_on}")
            )
        if one.route not in routes:
            found.append(Problem("route", f"{one.route} is none of: {', '.join(routes)}"))
    _refuse(found)
    _insert(session, Administration, patient_id, course_number, given, by=by, at=at)
    audit.record_of_patient(
        session, patient_id, "administrations.recorded", {"given": list(given)}, by=by, at=at
    )


def record_observations(
    session: Session,
    patient_id: int,
    observed: Sequence[Observed],
    *,
    course_number: int = 1,
    by: str,
    at: datetime,
) -> None:
    """Items of the record of the first 24 to 48 hours after a course. Raises Unusable."""
    started_on = _started_on(session, patient_id, course_number)
    items = [coded.code for coded in _protocol(session, patient_id).observation_items]
    found = []
    for one in observed:
        found += _future("observed_on", one.observed_on, at)
        if one.observed_on < started_on:
            found.append(
                Problem(
                    "observed_on", f"{one.observed_on} is before the course began on {started_on}"
                )
            )
        if one.item not in items:
            found.append(Problem("item", f"{one.item} is none of: {', '.join(items)}"))
    _refuse(found)
    _insert(session, Observation, patient_id, course_number, observed, by=by, at=at)
    audit.record_of_patient(
        session, patient_id, "observations.recorded", {"observed": list(observed)}, by=by, at=at
    )


def _insert(
    session: Session,
    model: type[Administration] | type[Observation],
    patient_id: int,
    course_number: int,
    facts: Sequence[Given] | Sequence[Observed],
    *,
    by: str,
    at: datetime,
) -> None:
    whose = {"patient_id": patient_id, "course_number": course_number}
    insert_rows(session, model, [{**whose, **asdict(fact), **stamp(by, at)} for fact in facts])


def _started_on(session: Session, patient_id: int, number: int) -> date:
    started_on = session.scalar(
        select(TreatmentCourse.started_on).where(
            TreatmentCourse.patient_id == patient_id,
            TreatmentCourse.number == number,
            known(TreatmentCourse),
        )
    )
    if started_on is None:
        raise Unusable([Problem("course_number", f"this patient has no course {number}")])
    return started_on


def _protocol(session: Session, patient_id: int) -> Protocol:
    return protocols.of_id(session, session.get_one(Patient, patient_id).protocol_id).protocol


def _future(field: str, day: date, at: datetime) -> list[Problem]:
    return [Problem(field, f"{day} lies in the future")] if day > last_civil_day(at) else []


def _refuse(found: list[Problem]) -> None:
    if found:
        raise Unusable(found)
