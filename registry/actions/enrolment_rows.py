"""The rows that an enrolment makes in each table of facts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal

from registry.actions import laboratory, medicines
from registry.actions.facts import Enrolment
from registry.db import Base
from registry.models import (
    Administration,
    Consent,
    Covariate,
    Death,
    Demographics,
    Diagnosis,
    LabResult,
    Medicine,
    Observation,
    TreatmentCourse,
    Withdrawal,
)
from registry.models.writing import Row
from registry.protocols import Protocol

Rows = Iterator[Row]


def _demographics(one: Enrolment, _protocol: Protocol) -> Rows:
    yield {"sex": one.sex, "age": one.age, "language": one.language, "zone": one.zone}


def _consent(one: Enrolment, _protocol: Protocol) -> Rows:
    if one.consent:
        given = one.consent
        yield {
            "consent_version": given.version,
            "language": given.language,
            "given_on": given.given_on,
        }


def _diagnosis(one: Enrolment, _protocol: Protocol) -> Rows:
    if one.diagnosis:
        yield {"kind": one.diagnosis, "diagnosed_on": one.diagnosed_on}


def _medicines(one: Enrolment, protocol: Protocol) -> Rows:
    for medicine in one.medicines or ():
        dose = medicines.prednisone_mg(medicine, protocol)
        yield {**asdict(medicine), "prednisone_mg_per_day": dose}


def _course(one: Enrolment, _protocol: Protocol) -> Rows:
    yield {"number": 1, "started_on": one.treated_on, **asdict(one.course)}


def _administrations(one: Enrolment, _protocol: Protocol) -> Rows:
    yield from (asdict(given) for given in one.administrations)


def _observations(one: Enrolment, _protocol: Protocol) -> Rows:
    yield from (asdict(observed) for observed in one.observations)


def _labs(one: Enrolment, _protocol: Protocol) -> Rows:
    yield from (laboratory.columns(measured, one.sex) for measured in one.labs)


def _covariates(one: Enrolment, protocol: Protocol) -> Rows:
    dose = medicines.baseline_dose(one.medicines, protocol)
    computed = {} if dose is None else {medicines.COVARIATE: dose}
    for name, value in (computed | dict(one.covariates)).items():
        yield covariate(name, value)


def covariate(name: str, value: Decimal | str) -> Row:
    """The columns of one covariate: a number or a code."""
    is_number = isinstance(value, Decimal)
    return {
        "name": name,
        "number": value if is_number else None,
        "code": None if is_number else value,
    }


def _death(one: Enrolment, _protocol: Protocol) -> Rows:
    if one.died_on:
        yield {"died_on": one.died_on}


def _withdrawal(one: Enrolment, _protocol: Protocol) -> Rows:
    if one.withdrawn_on:
        yield {"withdrawn_on": one.withdrawn_on, "scope": "registry"}


FACTS: Mapping[type[Base], Callable[[Enrolment, Protocol], Rows]] = {
    Demographics: _demographics,
    Consent: _consent,
    Diagnosis: _diagnosis,
    Medicine: _medicines,
    TreatmentCourse: _course,
    Administration: _administrations,
    Observation: _observations,
    LabResult: _labs,
    Covariate: _covariates,
    Death: _death,
    Withdrawal: _withdrawal,
}
