"""Enrolling patients: one transaction writes all that is known and the plan of follow-ups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import identities, laboratory, medicines, plans
from registry.actions.enrolment_rows import FACTS
from registry.actions.facts import (
    Enrolment,
    Problem,
    Unusable,
    date_problems,
    record_problems,
)
from registry.errors import DomainError
from registry.models import (
    DataKey,
    FollowUp,
    Identity,
    IdentityIndex,
    Instance,
    Patient,
    Site,
)
from registry.models.writing import Row, insert_numbered, insert_rows, stamp
from registry.protocols import Protocol
from registry.queries import identities as people
from registry.queries import protocols
from registry.vault import Vault
from surveys.timepoints import last_civil_day


class AlreadyEnrolled(DomainError):
    """A patient with this e-mail address is enrolled; `patient_id` for those who may see them."""

    def __init__(self, patient_id: int) -> None:
        super().__init__(
            "This e-mail address is already enrolled. Look for the patient first; "
            "if it is another person, ask for an address of their own or leave it empty."
        )
        self.patient_id = patient_id


class NumberTaken(DomainError):
    """The study number belongs to a patient already."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A patient as just written, with the dated plan of follow-ups."""

    patient_id: int
    study_number: str
    plan: tuple[plans.PlanLine, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the rows of every patient of one call need."""

    session: Session
    vault: Vault
    protocol: protocols.InForce
    sites: Mapping[int, Site]
    by: str
    at: datetime


def problems(enrolment: Enrolment, protocol: Protocol, at: datetime) -> list[Problem]:
    """Everything that cannot be as it stands: dates, codes, doses, laboratory results."""
    today = last_civil_day(at)
    return [
        *date_problems(enrolment, today),
        *record_problems(enrolment, today),
        *medicines.problems(enrolment.medicines or (), protocol),
        *(
            Problem("labs", f"{measured.test}: {problem.text}")
            for measured in enrolment.labs
            for problem in laboratory.problems(measured)
        ),
    ]


def doubts(enrolment: Enrolment) -> list[str]:
    """Questions to ask before a faultless enrolment: laboratory results hardly possible."""
    return [question for one in enrolment.labs if (question := laboratory.doubt(one))]


def code_problems(enrolment: Enrolment, protocol: Protocol) -> list[Problem]:
    """Codes that the protocol does not have: what staff choose from its lists."""
    course = enrolment.course
    chosen = [
        ("diagnosis", enrolment.diagnosis, protocol.diagnosis_types),
        ("cell_source", course.cell_source, protocol.cell_sources),
        ("donor", course.donor, protocol.donors),
        *(("administrations", one.route, protocol.routes) for one in enrolment.administrations),
        *(("observations", one.item, protocol.observation_items) for one in enrolment.observations),
    ]
    return [
        Problem(name, f"{code} is none of: {', '.join(item.code for item in coded)}")
        for name, code, coded in chosen
        if code is not None and code not in [item.code for item in coded]
    ]


def enrol(
    session: Session,
    enrolment: Enrolment,
    *,
    vault: Vault,
    by: str,
    at: datetime,
    confirmed: bool = False,
) -> Enrolled:
    """Enrol one patient; gives the study number and the plan.

    Raises Unusable (all problems by field), AlreadyEnrolled, NumberTaken, and Implausible for a
    laboratory result that is hardly possible, unless `confirmed`.
    """
    protocol = protocols.in_force(session).protocol
    found = problems(enrolment, protocol, at) + code_problems(enrolment, protocol)
    if found:
        raise Unusable(found)
    questions = [] if confirmed else doubts(enrolment)
    if questions:
        raise laboratory.Implausible("; ".join(questions))
    # one enrolment at a time from here on: two at once would see neither number nor address
    instance = session.get_one(Instance, 1, with_for_update=True)
    _refuse_known_email(session, vault, enrolment.person.email)
    number = enrolment.study_number or _next_number(session, instance)
    if enrolment.study_number and _is_taken(session, number):
        raise NumberTaken(f"The study number {number} is taken. Choose another or leave it empty.")
    return enrol_many(session, {number: enrolment}, vault=vault, by=by, at=at)[0]


def enrol_many(
    session: Session,
    enrolments: Mapping[str, Enrolment],
    *,
    vault: Vault,
    by: str,
    at: datetime,
    imported: bool = False,
    start_mailing: bool = False,
) -> list[Enrolled]:
    """Enrol patients by study number, already checked, in as few statements as possible.

    `imported`: of the follow-ups whose day has passed none is sent, or with `start_mailing` the
    newest, to patients with consent and an e-mail address.
    """
    sites = {
        site.id: site
        for site in session.scalars(
            select(Site).where(Site.id.in_({one.site_id for one in enrolments.values()}))
        )
    }
    batch = _Batch(session, vault, protocols.in_force(session), sites, by, at)
    ids = _patients(batch, enrolments)
    pairs = list(zip(ids, enrolments.values(), strict=True))
    _identities(batch, pairs)
    _facts(batch, pairs)
    lines = _plans(batch, pairs, imported=imported, start_mailing=start_mailing)
    entries = [
        audit.Entry(f"patient:{patient_id}", "patient.enrolled", _told(number, enrolment))
        for (patient_id, enrolment), number in zip(pairs, enrolments, strict=True)
    ]
    audit.record_many(session, entries, by=by, at=at)
    return [
        Enrolled(patient_id, number, tuple(lines[patient_id]))
        for patient_id, number in zip(ids, enrolments, strict=True)
    ]


def _refuse_known_email(session: Session, vault: Vault, email: str | None) -> None:
    known = people.by_email(session, vault, email) if email else None
    if known is not None:
        raise AlreadyEnrolled(known)


def _next_number(session: Session, instance: Instance) -> str:
    """The next free of R-0001, R-0002 …; an import may have taken some."""
    while True:
        instance.numbered += 1
        number = f"R-{instance.numbered:04}"
        if not _is_taken(session, number):
            return number


def _is_taken(session: Session, number: str) -> bool:
    taken = select(Patient.id).where(Patient.study_number == number)
    return session.scalar(taken) is not None


def _patients(batch: _Batch, enrolments: Mapping[str, Enrolment]) -> Sequence[int]:
    rows = [
        {
            "study_number": number,
            "site_id": enrolment.site_id,
            "protocol_id": batch.protocol.id,
            "recorded_by": batch.by,
            "recorded_at": batch.at,
        }
        for number, enrolment in enrolments.items()
    ]
    return insert_numbered(batch.session, Patient, rows)


def _identities(batch: _Batch, pairs: Sequence[tuple[int, Enrolment]]) -> None:
    keys: list[Row] = []
    rows: list[Row] = []
    index: list[Row] = []
    for patient_id, enrolment in pairs:
        key, wrapped, version = batch.vault.new_data_key(patient_id)
        keys.append({"patient_id": patient_id, "wrapped": wrapped, "master_version": version})
        columns = identities.sealed(batch.vault, key, patient_id, enrolment.person)
        rows.append({"patient_id": patient_id, **columns, **stamp(batch.by, batch.at)})
        index += identities.index_rows(batch.vault, patient_id, enrolment.person)
    insert_rows(batch.session, DataKey, keys)
    insert_rows(batch.session, Identity, rows)
    insert_rows(batch.session, IdentityIndex, index)


def _facts(batch: _Batch, pairs: Sequence[tuple[int, Enrolment]]) -> None:
    for model, of_one in FACTS.items():
        rows = [
            {"patient_id": patient_id, **columns, **stamp(batch.by, batch.at)}
            for patient_id, enrolment in pairs
            for columns in of_one(enrolment, batch.protocol.protocol)
        ]
        insert_rows(batch.session, model, rows)


def _plans(
    batch: _Batch,
    pairs: Sequence[tuple[int, Enrolment]],
    *,
    imported: bool,
    start_mailing: bool,
) -> dict[int, list[plans.PlanLine]]:
    rows: list[Row] = []
    for patient_id, one in pairs:
        reachable = start_mailing and one.consent is not None and bool(one.person.email)
        case = plans.Circumstances(
            patient_id=patient_id,
            site_id=one.site_id,
            treated_on=one.treated_on,
            zone=one.zone or batch.sites[one.site_id].zone,
            language=one.language,
            sex=one.sex,
            age=one.age,
            consent_version=one.consent.version if one.consent else None,
            ended=plans.DIED if one.died_on else plans.WITHDREW if one.withdrawn_on else None,
            mailing=reachable or not imported,
            before="import" if imported else "enrolment",
        )
        rows += plans.rows(batch.protocol.protocol, case, batch.at)
    insert_rows(batch.session, FollowUp, rows)
    lines: dict[int, list[plans.PlanLine]] = {patient_id: [] for patient_id, _ in pairs}
    for row in rows:
        lines[row["patient_id"]].append(plans.line(row))
    return lines


def _told(number: str, enrolment: Enrolment) -> dict[str, Any]:
    """What the trail keeps keyed hashes of."""
    return {
        "study_number": number,
        "site_id": enrolment.site_id,
        "treated_on": enrolment.treated_on,
        "identity": enrolment.person.texts(),
        "consent": enrolment.consent,
        "demographics": [enrolment.sex, enrolment.age, enrolment.language, enrolment.zone],
        "diagnosis": enrolment.diagnosis,
        "medicines": enrolment.medicines,
        "treatment": [enrolment.course, enrolment.administrations],
        "observations": enrolment.observations,
        "labs": enrolment.labs,
        "covariates": dict(enrolment.covariates),
        "end": [enrolment.died_on, enrolment.withdrawn_on],
    }
