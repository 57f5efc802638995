"""Enrolling: all or nothing in one transaction, with the dated plan of follow-ups."""

from datetime import date
from decimal import Decimal

import pytest
from factories import a_patient, a_person, a_site, an_enrolment, follow_up_of, vault_of
from sqlalchemy import func, select

from registry import audit
from registry.actions import enrolment
from registry.actions.facts import (
    Course,
    Given,
    Measured,
    MedicineTaken,
    Observed,
    Unusable,
)
from registry.db import Base, reading, transaction
from registry.models import (
    Administration,
    Consent,
    Covariate,
    Demographics,
    Diagnosis,
    FollowUp,
    Identity,
    IdentityIndex,
    LabResult,
    Medicine,
    Observation,
    Patient,
    TreatmentCourse,
)
from registry.runtime import Runtime


def all_of(runtime: Runtime, model: type[Base]) -> list[Base]:
    with reading(runtime) as session:
        return list(session.scalars(select(model).order_by(model.__mapper__.primary_key[0])))


def test_five_follow_ups_are_planned_from_the_treatment_date(registry: Runtime) -> None:
    patient = a_patient(registry, treated_on=date(2025, 12, 31))
    assert [(line.month, line.due_on, line.state) for line in patient.plan] == [
        (1, date(2026, 1, 31), "planned"),
        (3, date(2026, 3, 31), "planned"),
        (6, date(2026, 6, 30), "planned"),
        (12, date(2026, 12, 31), "planned"),
        (24, date(2027, 12, 31), "planned"),
    ]
