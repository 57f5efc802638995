"""Corrections: a new version with its reason, never an overwrite; the trail keeps old and new."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import identities, plans
from registry.actions.endings import AWAITED
from registry.actions.enrolment import AlreadyEnrolled
from registry.actions.enrolment_rows import covariate
from registry.actions.facts import ConsentGiven, Problem, Unusable, birth_problems
from registry.actions.replanning import Change, correct_treatment_date, preview_treatment_date
from registry.errors import DomainError
from registry.models import (
    Consent,
    Covariate,
    DataKey,
    Demographics,
    Diagnosis,
    FollowUp,
    Identity,
    IdentityIndex,
    Patient,
    known,
)
from registry.models.versions import Versioned
from registry.models.writing import stamp, supersede
from registry.queries import identities as people
from registry.queries import protocols
from registry.queries.courses import first_course
from registry.queries.identities import Person
from registry.vault import Vault
from surveys.timepoints import last_civil_day

__all__ = [
    "Change",
    "change_fact",
    "change_identity",
    "correct_treatment_date",
    "preview_treatment_date",
    "record_consent",
    "retract_fact",
    "set_covariate",
    "set_diagnosis",
]
Fact = TypeVar("Fact", bound=Versioned)


class Erased(DomainError):
    """The patient's key was destroyed: who they are cannot be written any more."""


class OldVersion(DomainError):
    """Somebody corrected the value in the meantime."""


def change_fact(
    session: Session,
    fact: Fact,
    changes: Mapping[str, Any],
    *,
    reason: str,
    by: str,
    at: datetime,
) -> Fact:
    """Correct columns of one fact; gives the new version, or the old one if nothing differs.

    A change of language, zone, sex or age is carried to the follow-ups that are still to come.
    The treatment date has an action of its own. Raises OldVersion.
    """
    _refuse_old(fact)
    told = {
        name: (getattr(fact, name), value)
        for name, value in changes.items()
        if getattr(fact, name) != value
    }
    if not told:
        return fact
    _refuse_no_reason(reason)
    new = {name: value for name, (_, value) in told.items()}
    successor = supersede(session, fact, reason=reason, by=by, at=at, **new)
    if isinstance(successor, Demographics):
        _carry(session, successor, zone=new.get("zone"))
    _record(session, fact, "corrected", told, reason=reason, by=by, at=at)
    return successor


def retract_fact(session: Session, fact: Versioned, *, reason: str, by: str, at: datetime) -> None:
    """The fact was entered by mistake: it stays readable as of before, and counts no more."""
    _refuse_old(fact)
    _refuse_no_reason(reason)
    fact.superseded_at = at
    _record(session, fact, "retracted", {}, reason=reason, by=by, at=at)


def change_identity(
    session: Session,
    patient_id: int,
    person: Person,
    *,
    vault: Vault,
    treated_on: date | None = None,
    reason: str,
    by: str,
    at: datetime,
) -> None:
    """Who the patient is, corrected: `person` is the whole of it. `treated_on`: the treatment date
    if that is about to be corrected as well.

    Raises AlreadyEnrolled for another patient's e-mail address, Erased, Unusable for a birth date
    that cannot be.
    """
    _refuse_no_reason(reason)
    key = session.get_one(DataKey, patient_id, with_for_update=True)
    if key.wrapped is None:
        raise Erased("This patient was erased: there is nobody to name any more.")
    _refuse_others_email(session, vault, person.email, patient_id)
    data_key = vault.open_data_key(patient_id, key.wrapped, key.master_version)
    identity = session.scalars(
        select(Identity).where(Identity.patient_id == patient_id, known(Identity))
    ).one()
    before = people.person_of(session, vault, patient_id).texts()
    after = person.texts()
    told = {name: (before[name], text) for name, text in after.items() if before[name] != text}
    if not told:
        return
    if "birth_date" in told:
        _refuse_birth_date(session, patient_id, person.birth_date, treated_on, at)
    columns = identities.sealed(vault, data_key, patient_id, person)
    why: dict[str, Any] = {"reason": reason, "by": by, "at": at}
    supersede(session, identity, **why, **columns)
    _find_by(session, vault, patient_id, person)
    audit.record_of_patient(session, patient_id, "identity.corrected", told, **why)


def _find_by(session: Session, vault: Vault, patient_id: int, person: Person) -> None:
    """The blind index of somebody who is called or written to otherwise than before."""
    session.execute(delete(IdentityIndex).where(IdentityIndex.patient_id == patient_id))
    session.add_all(
        IdentityIndex(**row) for row in identities.index_rows(vault, patient_id, person)
    )


def _refuse_birth_date(
    session: Session, patient_id: int, born: date | None, treated_on: date | None, at: datetime
) -> None:
    diagnosed_on = session.scalar(
        select(Diagnosis.diagnosed_on).where(Diagnosis.patient_id == patient_id, known(Diagnosis))
    )
    day_0 = treated_on or first_course(session, patient_id).started_on
    found = list(birth_problems(born, day_0, diagnosed_on, last_civil_day(at)))
    if found:
        raise Unusable(found)


def _refuse_others_email(
    session: Session, vault: Vault, email: str | None, patient_id: int
) -> None:
    owner = people.by_email(session, vault, email, other_than=patient_id) if email else None
    if owner is not None:
        raise AlreadyEnrolled(owner)


def record_consent(
    session: Session,
    patient_id: int,
    consent: ConsentGiven,
    *,
    reason: str | None = None,
    by: str,
    at: datetime,
) -> None:
    """A consent: the first, one to a newer text, or with a reason the correction of the last.

    Follow-ups that are still to come are asked under it.
    """
    current = session.scalars(
        select(Consent)
        .where(Consent.patient_id == patient_id, known(Consent))
        .order_by(Consent.given_on.desc(), Consent.id.desc())
    ).first()
    told = {
        "consent_version": consent.version,
        "language": consent.language,
        "given_on": consent.given_on,
    }
    if current is not None and reason is not None:
        change_fact(session, current, told, reason=reason, by=by, at=at)
    else:
        new = Consent(patient_id=patient_id, **told, **stamp(by, at))
        session.add(new)
        audit.record_of_patient(
            session, new.patient_id, "consent.given", told, reason=reason, by=by, at=at
        )
    session.execute(
        update(FollowUp)
        .where(FollowUp.patient_id == patient_id, FollowUp.state.in_(AWAITED))
        .values(consent_version=consent.version)
    )


def set_covariate(
    session: Session,
    patient_id: int,
    name: str,
    value: Decimal | str,
    *,
    reason: str,
    by: str,
    at: datetime,
) -> None:
    """A baseline characteristic, new or corrected."""
    current = session.scalars(
        select(Covariate).where(
            Covariate.patient_id == patient_id, Covariate.name == name, known(Covariate)
        )
    ).one_or_none()
    columns = covariate(name, value)
    if current is not None:
        change_fact(session, current, columns, reason=reason, by=by, at=at)
        return
    new = Covariate(patient_id=patient_id, **columns, **stamp(by, at))
    session.add(new)
    audit.record_of_patient(
        session, new.patient_id, "covariate.recorded", {name: value}, reason=reason, by=by, at=at
    )


def set_diagnosis(
    session: Session, patient_id: int, kind: str, *, reason: str, by: str, at: datetime
) -> None:
    """The diagnosis, new or corrected."""
    current = session.scalars(
        select(Diagnosis).where(Diagnosis.patient_id == patient_id, known(Diagnosis))
    ).one_or_none()
    if current is not None:
        change_fact(session, current, {"kind": kind}, reason=reason, by=by, at=at)
        return
    new = Diagnosis(patient_id=patient_id, kind=kind, **stamp(by, at))
    session.add(new)
    audit.record_of_patient(
        session, new.patient_id, "diagnosis.recorded", {"kind": kind}, reason=reason, by=by, at=at
    )


def _carry(session: Session, person: Demographics, zone: str | None) -> None:
    """What the follow-ups to come know of the patient. `zone`: a new one; None: the old stays,
    which the patient may have chosen at the door.
    """
    patient = session.get_one(Patient, person.patient_id)
    groups = protocols.of_id(session, patient.protocol_id).protocol.groups
    rows = session.scalars(
        select(FollowUp).where(
            FollowUp.patient_id == person.patient_id, FollowUp.state.in_(AWAITED)
        )
    )
    for row in rows:
        row.language = person.language
        row.zone = zone or row.zone
        row.context = plans.context(groups, person.sex, person.age, row.month)


def _refuse_old(fact: Versioned) -> None:
    if fact.superseded_at is not None:
        raise OldVersion("This value was corrected in the meantime. Look at it again.")


def _refuse_no_reason(reason: str) -> None:
    if not reason.strip():
        raise Unusable([Problem("reason", "say why: the reason stays with the correction")])


def _kind(fact: Versioned) -> str:
    return str(getattr(type(fact), "__tablename__", ""))


def _record(session: Session, fact: Any, done: str, changes: Mapping[str, Any], **who: Any) -> None:
    """`fact`: any fact of a patient."""
    action = f"{_kind(fact)}.{done}"
    audit.record_of_patient(session, fact.patient_id, action, changes, **who)
