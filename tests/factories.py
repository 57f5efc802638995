"""Builders that tests share: whole, valid things in one call, written by the real actions.

Every builder takes the runtime first and works in a transaction of its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import select

from registry import audit
from registry.actions import enrolment, sites
from registry.actions.enrolment import Enrolled
from registry.actions.facts import ConsentGiven, Enrolment, Person
from registry.db import reading, transaction
from registry.models import (
    AdverseEvent,
    Answer,
    EventCategory,
    FollowUp,
    OutcomeValue,
    Patient,
    Response,
    ResponseStatus,
    RoleGrant,
    Site,
    User,
)
from registry.protocols import categories_of
from registry.queries import protocols
from registry.runtime import Runtime
from registry.vault import Vault

BY = "test"
TREATED_ON = date(2025, 12, 29)
_NUMBERS = count(1)


def vault_of(runtime: Runtime) -> Vault:
    """The vault, which every test's runtime has."""
    assert runtime.vault is not None
    return runtime.vault


def a_site(runtime: Runtime, code: str = "A", **texts: str) -> Site:
    """A clinic; the one of that code if there is one already."""
    defaults = {
        "public_name": f"Clinic {code}",
        "telephone": "+49 30 5550100",
        "hours": "Monday to Friday, 9 to 16 h",
        "emergency_text": "In an emergency call 112.",
        "zone": "Europe/Berlin",
    }
    with transaction(runtime) as session:
        known = session.scalars(select(Site).where(Site.code == code)).one_or_none()
        if known is not None:
            return known
        told = sites.SiteTexts(**(defaults | texts))
        return sites.add(session, code, told, by=BY, at=runtime.clock.now())


def a_person(**known: Any) -> Person:
    """Somebody plainly invented, with an e-mail address that nobody else has."""
    number = next(_NUMBERS)
    defaults: dict[str, Any] = {
        "name": f"Tess Invented{number}",
        "email": f"tess{number}@example.org",
        "telephone": "+49 30 5550199",
        "birth_date": date(1985, 4, 12),
    }
    return Person(**(defaults | known))


def an_enrolment(site_id: int, **known: Any) -> Enrolment:
    """A woman of 40 treated a week ago, who agreed and has an e-mail address."""
    treated_on = known.get("treated_on", TREATED_ON)
    default = Enrolment(
        site_id=site_id,
        treated_on=treated_on,
        person=a_person(),
        sex="female",
        age=40,
        consent=ConsentGiven(version="1", given_on=treated_on),
        diagnosis="systemic",
    )
    return replace(default, **known)


def a_patient(runtime: Runtime, site: str = "A", **known: Any) -> Enrolled:
    """An enrolled patient with the plan of follow-ups. `known`: fields of Enrolment."""
    wanted = an_enrolment(a_site(runtime, site).id, **known)
    with transaction(runtime) as session:
        return enrolment.enrol(
            session, wanted, vault=vault_of(runtime), by=BY, at=runtime.clock.now()
        )


def a_user(runtime: Runtime, *roles: str, site: str | None = "A", **known: Any) -> User:
    """A member of staff with these roles at that site (None: at all). No password unless given
    as `password_hash`.
    """
    number, at = next(_NUMBERS), runtime.clock.now()
    site_id = a_site(runtime, site).id if site else None
    who = {"recorded_by": BY, "recorded_at": at}
    defaults = {"email": f"staff{number}@example.org", "name": f"Sam Staff{number}"}
    with transaction(runtime) as session:
        user = User(**(defaults | known), **who)
        session.add(user)
        session.flush()
        for role in roles:
            session.add(RoleGrant(user_id=user.id, role=role, site_id=site_id, **who))
        audit.record(session, by=BY, at=at, action="user.invited", subject=f"user:{user.id}")
        return user


def follow_up_of(runtime: Runtime, patient_id: int, month: int) -> FollowUp:
    """The patient's follow-up of that month."""
    with reading(runtime) as session:
        return session.scalars(
            select(FollowUp).where(FollowUp.patient_id == patient_id, FollowUp.month == month)
        ).one()


def an_answered_follow_up(
    runtime: Runtime,
    patient: Enrolled,
    month: int,
    *,
    on: date | None = None,
    status: str = "complete",
    answers: Mapping[str, Any] | None = None,
    outcomes: Mapping[str, Decimal | int] | None = None,
) -> int:
    """A sent response of that month, answered on its due day (or `on`); gives the response's id.

    The rows are written as given: `outcomes` are not computed from `answers`.
    """
    at = runtime.clock.now()
    who = {"recorded_by": BY, "recorded_at": at}
    with transaction(runtime) as session:
        follow_up = session.scalars(
            select(FollowUp).where(
                FollowUp.patient_id == patient.patient_id, FollowUp.month == month
            )
        ).one()
        day = on or follow_up.due_on
        of_one = {"patient_id": patient.patient_id, "month": month}
        response = Response(
            follow_up_id=follow_up.id,
            mode="web",
            instrument_code=follow_up.instrument_code,
            instrument_version=follow_up.instrument_version,
            consent_version=follow_up.consent_version,
            **of_one,
            **who,
        )
        session.add(response)
        session.flush()
        session.add(
            ResponseStatus(
                response_id=response.id,
                status=status,
                answered_on=day,
                submitted_at=datetime.combine(day, time(12), UTC),
                recall_from=follow_up.recall_from,
                **of_one,
                **who,
            )
        )
        for question, value in (answers or {}).items():
            session.add(Answer(response_id=response.id, question=question, value=value, **who))
        for code, number in (outcomes or {}).items():
            session.add(
                OutcomeValue(response_id=response.id, code=code, value=Decimal(number), **who)
            )
        follow_up.state = "answered" if day <= follow_up.closes_on else "answered_late"
        follow_up.state_reason, follow_up.ended_at = None, at
        subject = f"patient:{patient.patient_id}"
        audit.record(session, by=BY, at=at, action="response.submitted", subject=subject)
        return response.id


def an_adverse_event(
    runtime: Runtime, patient: Enrolled, term: str = "Pneumonia", **known: Any
) -> AdverseEvent:
    """An event that the clinic entered, with its categories."""
    at = runtime.clock.now()
    who = {"recorded_by": BY, "recorded_at": at}
    defaults = {"onset_on": TREATED_ON, "grade": 2, "serious": False, "related": None}
    with transaction(runtime) as session:
        event = AdverseEvent(patient_id=patient.patient_id, term=term, **(defaults | known), **who)
        session.add(event)
        session.flush()
        protocol = protocols.in_force(session).protocol
        for code in categories_of(protocol.event_categories, term, event.serious, event.grade):
            session.add(
                EventCategory(
                    patient_id=event.patient_id, event_key=event.fact_key, category=code, **who
                )
            )
        subject = f"patient:{patient.patient_id}"
        audit.record(session, by=BY, at=at, action="event.recorded", subject=subject)
        return event


def patient_row(runtime: Runtime, patient: Enrolled) -> Patient:
    """The patient's row."""
    with reading(runtime) as session:
        return session.get_one(Patient, patient.patient_id)
