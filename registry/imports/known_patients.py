"""Patients that the registry knows already: how a row differs, and making it so."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import corrections, endings
from registry.actions.facts import ConsentGiven
from registry.imports.job import Job
from registry.models import (
    Consent,
    Covariate,
    Death,
    Demographics,
    Diagnosis,
    Patient,
    Site,
    TreatmentCourse,
    Withdrawal,
    known,
)
from registry.models.versions import Versioned
from registry.queries import identities
from registry.vault import Vault, normal

IDENTITY = ("name", "email", "telephone", "birth_date")
COURSE = ("cell_source", "donor", "passage", "lot", "certificate", "cells_total")
NO_VERSION = "not recorded"
COLUMNS: Mapping[type[Versioned], Mapping[str, str]] = {
    TreatmentCourse: {"treatment_date": "started_on"} | {name: name for name in COURSE},
    Demographics: {"sex": "sex", "age": "age", "language": "language", "time_zone": "zone"},
    Consent: {"consented_on": "given_on", "consent_version": "consent_version"},
    Diagnosis: {"diagnosis": "kind"},
    Death: {"death_date": "died_on"},
    Withdrawal: {"withdrawal_date": "withdrawn_on"},
}
"""The columns of patients.csv by the table and column that keeps them."""


@dataclass(frozen=True, slots=True)
class Known:
    """A patient as the registry knows them, by column of the file."""

    patient_id: int
    values: Mapping[str, Any]
    diagnosed_on: date | None = None

    def differences(self, told: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """What a row says otherwise: (known, told) by column. An empty cell says nothing."""
        return {
            column: (self.values.get(column), new)
            for column, new in told.items()
            if not _same(column, self.values.get(column), new)
        }


def _same(column: str, old: Any, new: Any) -> bool:
    if column == "email" and old is not None:
        return normal(old) == normal(new)
    return bool(old == new)


def known_patients(session: Session, vault: Vault, numbers: Collection[str]) -> dict[str, Known]:
    """The patients among these study numbers that the registry has, with all that is known."""
    rows = session.execute(
        select(Patient.id, Patient.study_number, Site.code)
        .join(Site, Site.id == Patient.site_id)
        .where(Patient.study_number.in_(numbers))
    ).all()
    values: dict[int, dict[str, Any]] = {row.id: {"site": row.code} for row in rows}
    for model, columns in COLUMNS.items():
        for fact in _facts(session, model, values):
            values[fact.patient_id] |= {
                name: getattr(fact, column) for name, column in columns.items()
            }
    for fact in _facts(session, Covariate, values):
        values[fact.patient_id][fact.name] = fact.code if fact.number is None else fact.number
    for patient_id, person in identities.people(session, vault, values).items():
        values[patient_id] |= {name: getattr(person, name) for name in IDENTITY}
    diagnosed = {one.patient_id: one.diagnosed_on for one in _facts(session, Diagnosis, values)}
    return {row.study_number: Known(row.id, values[row.id], diagnosed.get(row.id)) for row in rows}


def _facts(session: Session, model: Any, patient_ids: Iterable[int]) -> Iterable[Any]:
    """The current facts, in the order in which they were recorded: the last consent counts."""
    if not patient_ids:
        return []
    first_course = [TreatmentCourse.number == 1] if model is TreatmentCourse else []
    return session.scalars(
        select(model)
        .where(model.patient_id.in_(patient_ids), known(model), *first_course)
        .order_by(model.id)
    )


def apply(
    session: Session,
    patient_id: int,
    differences: Mapping[str, tuple[Any, Any]],
    job: Job,
    line: int,
) -> None:
    """Make the registry say what the row says: audited corrections, one per table."""
    new = {column: told for column, (_, told) in differences.items()}
    why: dict[str, Any] = {"reason": job.reason(line), "by": job.by, "at": job.at}
    person = _taken(new, IDENTITY)
    if person:  # first: the treatment date is held against the birth date
        before = identities.person_of(session, job.vault, patient_id)
        after = replace(before, **person)
        day_0 = new.get("treatment_date")
        corrections.change_identity(
            session, patient_id, after, vault=job.vault, treated_on=day_0, **why
        )
    _treatment_and_ends(session, patient_id, new, job.vault, why)
    consent = _taken(new, COLUMNS[Consent])
    if consent:
        _consent(session, patient_id, consent, why)
    diagnosis = _taken(new, COLUMNS[Diagnosis])
    if diagnosis:
        corrections.set_diagnosis(session, patient_id, diagnosis["diagnosis"], **why)
    for model in (TreatmentCourse, Demographics):
        given = _taken(new, COLUMNS[model])
        if given:
            fact = list(_facts(session, model, [patient_id]))[-1]
            changes = {COLUMNS[model][name]: value for name, value in given.items()}
            corrections.change_fact(session, fact, changes, **why)
    for name, value in new.items():
        corrections.set_covariate(session, patient_id, name, value, **why)


def _taken(new: dict[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    return {column: new.pop(column) for column in columns if column in new}


def _treatment_and_ends(
    session: Session, patient_id: int, new: dict[str, Any], vault: Vault, why: Mapping[str, Any]
) -> None:
    """The treatment date first, unless it moves behind an end that moves too."""
    treated_on = new.pop("treatment_date", None)
    death = next(iter(_facts(session, Death, [patient_id])), None)
    withdrawal = next(iter(_facts(session, Withdrawal, [patient_id])), None)
    ends = [death.died_on if death else None, withdrawal.withdrawn_on if withdrawal else None]
    last = treated_on is not None and any(day is not None and day < treated_on for day in ends)
    if treated_on is not None and not last:
        corrections.correct_treatment_date(session, patient_id, treated_on, vault=vault, **why)
    given = _taken(new, ("death_date", "withdrawal_date"))
    who = {"by": why["by"], "at": why["at"]}
    if "death_date" in given and death:
        endings.correct_death(session, patient_id, given["death_date"], **why)
    elif "death_date" in given:
        endings.record_death(session, patient_id, given["death_date"], **who)
    if "withdrawal_date" in given and withdrawal:
        endings.correct_withdrawal(session, patient_id, given["withdrawal_date"], **why)
    elif "withdrawal_date" in given:
        endings.record_withdrawal(session, patient_id, given["withdrawal_date"], **who)
    if last:
        corrections.correct_treatment_date(session, patient_id, treated_on, vault=vault, **why)


def _consent(
    session: Session, patient_id: int, new: Mapping[str, Any], why: Mapping[str, Any]
) -> None:
    before = list(_facts(session, Consent, [patient_id]))
    given = ConsentGiven(version=NO_VERSION, given_on=date.min)
    if before:
        last = before[-1]
        given = ConsentGiven(
            version=last.consent_version, given_on=last.given_on, language=last.language
        )
    given = replace(
        given,
        version=new.get("consent_version", given.version),
        given_on=new.get("consented_on", given.given_on),
    )
    corrections.record_consent(session, patient_id, given, **why)
