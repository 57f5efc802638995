"""Who patients are: opened from their sealed rows, and found by the blind index."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from registry.models import DataKey, Identity, IdentityIndex, Patient, known
from registry.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who the patient is: kept apart and encrypted."""

    name: str | None = None
    email: str | None = None
    telephone: str | None = None
    birth_date: date | None = None

    @property
    def initials(self) -> str:
        """The first letter of each word of the name, like "K. M."; empty where no name is kept."""
        return " ".join(f"{word[0].upper()}." for word in (self.name or "").split())

    def texts(self) -> dict[str, str | None]:
        """The columns of identity as text."""
        born = self.birth_date.isoformat() if self.birth_date else None
        return {
            "name": self.name,
            "email": self.email,
            "telephone": self.telephone,
            "birth_date": born,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """A patient who fits what was looked for."""

    patient_id: int
    study_number: str
    site_id: int
    person: Person


def people(session: Session, vault: Vault, patient_ids: Iterable[int]) -> dict[int, Person]:
    """Who these patients are, decrypted; nobody where the patient's key was destroyed."""
    rows = session.execute(
        select(Identity, DataKey)
        .join(DataKey, DataKey.patient_id == Identity.patient_id)
        .where(Identity.patient_id.in_(patient_ids), known(Identity))
    )
    return {identity.patient_id: _opened(vault, identity, key) for identity, key in rows}


def person_of(session: Session, vault: Vault, patient_id: int) -> Person:
    """Who one patient is. The caller logs that it was read."""
    return people(session, vault, [patient_id]).get(patient_id, Person())


def _opened(vault: Vault, identity: Identity, key: DataKey) -> Person:
    if key.wrapped is None:
        return Person()
    data_key = vault.open_data_key(key.patient_id, key.wrapped, key.master_version)
    texts = {
        column: vault.open(data_key, key.patient_id, column, sealed)
        for column in ("name", "email", "telephone", "birth_date")
        if (sealed := getattr(identity, column)) is not None
    }
    born = texts.pop("birth_date", None)
    return Person(**texts, birth_date=date.fromisoformat(born) if born else None)


def by_email(
    session: Session, vault: Vault, email: str, *, other_than: int | None = None
) -> int | None:
    """The patient with this e-mail address, at whatever site; None if there is none."""
    return session.scalars(
        select(IdentityIndex.patient_id).where(
            IdentityIndex.kind == "email",
            IdentityIndex.digest == vault.email_digest(email),
            IdentityIndex.patient_id != (other_than or 0),
        )
    ).first()


def owners(session: Session, digests: Iterable[str]) -> dict[str, int]:
    """The patients with these digests of e-mail addresses; of several the last."""
    rows = session.execute(
        select(IdentityIndex.digest, IdentityIndex.patient_id).where(
            IdentityIndex.kind == "email", IdentityIndex.digest.in_(list(digests))
        )
    )
    return {row.digest: row.patient_id for row in rows}


def by_number(session: Session, text: str, site_ids: Collection[int] | None) -> str | None:
    """The study number that `text` is, however it is written, at these sites (None: at all)."""
    own = true() if site_ids is None else Patient.site_id.in_(site_ids)
    return session.scalars(select(Patient.study_number).where(own, _by_number(text))).first()


def find(
    session: Session,
    vault: Vault,
    text: str,
    site_ids: Collection[int] | None,
    limit: int = 50,
) -> list[Found]:
    """Patients of these sites (None: of all) by study number, name, e-mail or birth date.

    A name fits if every word of `text` is a whole word of it. Birth dates are looked up by their
    bucket and then compared. In order of study number; the caller logs that names were read.
    """
    born = _as_date(text)
    wanted = _by_number(text) if born is None else _by_birth_date(vault, born)
    if born is None and text.strip():
        wanted = wanted | _by_email(vault, text) | _by_name(vault, text)
    own = true() if site_ids is None else Patient.site_id.in_(site_ids)
    rows = session.scalars(
        select(Patient)
        .where(own, wanted)
        .order_by(Patient.study_number)
        # a bucket of birth dates holds others too: it is cut after the comparison
        .limit(limit if born is None else None)
    ).all()
    who = people(session, vault, [row.id for row in rows])
    found = [Found(row.id, row.study_number, row.site_id, who[row.id]) for row in rows]
    return [one for one in found if born in (None, one.person.birth_date)][:limit]


def _as_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _by_number(text: str) -> ColumnElement[bool]:
    return func.lower(Patient.study_number) == text.strip().lower()


def _by_birth_date(vault: Vault, born: date) -> ColumnElement[bool]:
    return _indexed("birth_date", vault.birth_date_digest(born.isoformat()))


def _by_email(vault: Vault, text: str) -> ColumnElement[bool]:
    return _indexed("email", vault.email_digest(text))


def _by_name(vault: Vault, text: str) -> ColumnElement[bool]:
    words = (_indexed("name", digest) for digest in vault.name_digests(text))
    fits: ColumnElement[bool] = true()
    for word in words:
        fits = fits & word
    return fits


def _indexed(kind: str, digest: str) -> ColumnElement[bool]:
    return Patient.id.in_(
        select(IdentityIndex.patient_id).where(
            IdentityIndex.kind == kind, IdentityIndex.digest == digest
        )
    )
