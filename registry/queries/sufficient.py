"""Treated patients in whole days since treatment: what every statistic of a report starts from.

The statements of `sufficient_*` group and add up in SQL, the same on SQLite and PostgreSQL, and
return whole numbers only; no patient is ever loaded. They read facts (answers, events, deaths,
withdrawals), never the state of a follow-up or a letter.

A report has two cuts. `as_of` leaves out what is dated later; `known_at` leaves out what was
recorded or corrected later, so that both together give a past report again.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import CTE, ColumnElement, Subquery, and_, case, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from registry.models import (
    Consent,
    Death,
    Patient,
    ProtocolVersion,
    Site,
    TreatmentCourse,
    Withdrawal,
    known,
)

Day: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True)
class Cut:
    """Which patients and facts a report sees.

    `known_at` None: as known now. `site`: the code of one site, None: all. `last_day`: the last day
    of safety follow-up.
    """

    protocol: str
    as_of: date
    known_at: datetime | None = None
    site: str | None = None
    last_day: int = 730


def smaller(one: ColumnElement[Any], other: ColumnElement[Any] | int) -> ColumnElement[Any]:
    """SQL: the smaller of two numbers, neither of them NULL."""
    return case((one <= other, one), else_=other)


def larger(one: ColumnElement[Any], other: ColumnElement[Any] | int) -> ColumnElement[Any]:
    """SQL: the larger of two numbers, neither of them NULL."""
    return case((one >= other, one), else_=other)


def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """SQL: in how many rows of the group the condition holds; 0 without rows."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def day_of(on: Day, person: CTE) -> ColumnElement[int]:
    """SQL: the day since treatment of a date."""
    return func.days_between(on, person.c.treated_on)


def seen(person: CTE, on: Day, cut: Cut) -> ColumnElement[bool]:
    """SQL: dated by the cut-off and not after the patient left the registry."""
    return and_(on <= cut.as_of, or_(person.c.left_on.is_(None), on <= person.c.left_on))


def people(cut: Cut) -> CTE:
    """One row per treated patient, days counted from treatment, NULL where there is no such day.

    patient_id, treated_on, left_on (withdrawal from the registry); cut_day, left_day, death_day;
    entry_day (consent later than treatment, else 0); end_day, the first of death, withdrawal,
    cut-off and `last_day`. A death after the withdrawal is not used; on the day of the withdrawal
    it is, for of one day death comes first.
    """
    raw = _dated(cut)
    stop = func.coalesce(raw.c.death_day, raw.c.left_day, raw.c.cut_day)
    return select(
        raw,
        case((raw.c.consent_day > 0, raw.c.consent_day), else_=0).label("entry_day"),
        larger(smaller(stop, cut.last_day), 0).label("end_day"),
    ).cte("person")


def _consented(at: datetime | None) -> Subquery:
    """The day of the first consent of each patient."""
    return (
        select(Consent.patient_id, func.min(Consent.given_on).label("given_on"))
        .where(known(Consent, at))
        .group_by(Consent.patient_id)
        .subquery()
    )


def _left(cut: Cut) -> ColumnElement[bool]:
    return and_(
        Withdrawal.patient_id == Patient.id,
        Withdrawal.scope == "registry",
        Withdrawal.withdrawn_on <= cut.as_of,
        known(Withdrawal, cut.known_at),
    )


def _died(cut: Cut) -> ColumnElement[bool]:
    """Deaths that are used: not after the withdrawal, which is joined before."""
    return and_(
        Death.patient_id == Patient.id,
        Death.died_on <= cut.as_of,
        or_(Withdrawal.id.is_(None), Death.died_on <= Withdrawal.withdrawn_on),
        known(Death, cut.known_at),
    )


def _dated(cut: Cut) -> CTE:
    course, at = TreatmentCourse, cut.known_at
    consented = _consented(at)

    def since(on: Day | date) -> ColumnElement[int]:
        return func.days_between(on, course.started_on)

    chosen = (
        select(
            Patient.id.label("patient_id"),
            course.started_on.label("treated_on"),
            Withdrawal.withdrawn_on.label("left_on"),
            since(literal(cut.as_of)).label("cut_day"),
            since(Withdrawal.withdrawn_on).label("left_day"),
            since(Death.died_on).label("death_day"),
            since(consented.c.given_on).label("consent_day"),
        )
        .join(ProtocolVersion, ProtocolVersion.id == Patient.protocol_id)
        .join(course, and_(course.patient_id == Patient.id, course.number == 1))
        .outerjoin(Withdrawal, _left(cut))
        .outerjoin(Death, _died(cut))
        .outerjoin(consented, consented.c.patient_id == Patient.id)
        .where(
            ProtocolVersion.code == cut.protocol,
            # in days, lest the index by date be used: nearly all qualify, and in its order every
            # other look-up by patient would be a random one
            since(literal(cut.as_of)) >= 0,
            known(course, at),
        )
    )
    if cut.site is not None:
        chosen = chosen.join(Site, Site.id == Patient.site_id).where(Site.code == cut.site)
    return chosen.cte("dated")


def treated(session: Session, cut: Cut) -> int:
    """How many were treated by the cut-off."""
    return session.scalar(select(func.count()).select_from(people(cut))) or 0
