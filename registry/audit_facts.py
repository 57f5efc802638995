"""Whether the facts in the tables are those that the trail tells of: row by row, field by field.

The trail holds keyed hashes, so a fault is told by place, never by value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.orm import Session

from registry.audit import patient_of
from registry.db import Base
from registry.models import AuditEvent, AuditHead, DataKey, Patient, Response, noting
from registry.models.versions import Versioned

PATIENTS = 200  # at a time, so that memory does not grow with the registry
SHOWN = 100  # faults told one by one
SEALED = ("name", "email", "telephone", "birth_date")


@dataclass(slots=True)
class Version:
    """One row as the trail tells it."""

    event: int
    hashes: Mapping[str, str]
    ended_at: datetime | None = None


@dataclass(slots=True)
class Facts:
    """`rows` compared; `faults`: how many, of which the first are told in `first`; `erased`:
    patients whose key was destroyed, of whom emptied fields are no fault.
    """

    rows: int = 0
    faults: int = 0
    first: list[str] = field(default_factory=list)
    erased: int = 0

    def tell(self, fault: str) -> None:
        """One more fault."""
        self.faults += 1
        if len(self.first) < SHOWN:
            self.first.append(fault)


def patients(session: Session) -> int:
    """How many patients there are to compare."""
    return session.scalar(select(func.count()).select_from(Patient)) or 0


def verify(
    session: Session, patient_id: int | None = None, moved: Callable[[int], None] = lambda _: None
) -> Facts:
    """Compare every version of every fact with its audit event, of all patients or of one.

    `moved` is told how many patients are done. Verify the chains first: they say whether the
    events themselves are genuine.
    """
    found = Facts()
    for ids in _chunks(session, patient_id):
        told = _told(session, ids)
        erased = set(
            session.scalars(
                select(DataKey.patient_id).where(
                    DataKey.patient_id.in_(ids), DataKey.destroyed_at.is_not(None)
                )
            )
        )
        found.erased += len(erased)
        for model in noting.tables().values():
            _compare(session, model, ids, told.get(model.__tablename__, {}), erased, found)
        moved(len(ids))
    for gone in _gone(session, patient_id):
        found.tell(f"{gone}: the trail tells of this patient, whose row is gone")
    return found


def _chunks(session: Session, only: int | None) -> Iterator[Sequence[int]]:
    if only is not None:
        yield [only]
        return
    last = 0
    page = select(Patient.id).order_by(Patient.id).limit(PATIENTS)
    while ids := session.scalars(page.where(Patient.id > last)).all():
        yield ids
        last = ids[-1]


def _gone(session: Session, only: int | None) -> Sequence[str]:
    """Patients of whom nothing but the trail is left."""
    own = literal("patient:") + cast(Patient.id, String)
    left = ~select(Patient.id).where(own == AuditHead.subject).exists()
    which = "patient:%" if only is None else f"patient:{only}"
    return session.scalars(
        select(AuditHead.subject).where(AuditHead.subject.like(which), left)
    ).all()


def _told(session: Session, ids: Sequence[int]) -> dict[str, dict[tuple[int, str], list[Version]]]:
    """By table, patient and fact: its versions as the trail tells them, oldest first."""
    events = session.execute(
        select(AuditEvent.subject, AuditEvent.number, AuditEvent.at, AuditEvent.facts)
        .where(AuditEvent.subject.in_([f"patient:{one}" for one in ids]))
        .order_by(AuditEvent.subject, AuditEvent.number)
    )
    told: dict[str, dict[tuple[int, str], list[Version]]] = {}
    for subject, number, at, facts in events:
        patient_id = patient_of(subject)
        for table, items in facts.items():
            for key, hashes in items:
                versions = told.setdefault(table, {}).setdefault((patient_id, key), [])
                if hashes is not None:
                    _next(versions, Version(number, hashes), table)
                elif versions:
                    versions[-1].ended_at = at
    return told


def _next(versions: list[Version], new: Version, table: str) -> None:
    """A further version; of a table without versions, the row as it is now."""
    if not issubclass(noting.tables()[table], Versioned):
        versions.clear()
    versions.append(new)


def _compare(
    session: Session,
    model: type[Base],
    ids: Sequence[int],
    told: dict[tuple[int, str], list[Version]],
    erased: set[int],
    found: Facts,
) -> None:
    rows: dict[tuple[int, str], list[Any]] = {}
    key = noting.key_of(model) or ""
    for whose, row in _rows(session, model, ids):
        found.rows += 1
        rows.setdefault((whose, str(getattr(row, key))), []).append(row)
    for fact in sorted({*rows, *told}):
        for fault in _faults(
            session, model, rows.get(fact, []), told.get(fact, []), fact[0] in erased
        ):
            found.tell(f"patient:{fact[0]}, {model.__tablename__} {fault}")


def _rows(session: Session, model: type[Base], ids: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """The rows of these patients, by id, with whose they are."""
    table = model.metadata.tables[model.__tablename__]
    chosen = select(table).order_by(table.c.id)
    whose = table.c.id if model is Patient else table.c.get("patient_id")
    if whose is None:
        responses = Response.metadata.tables[Response.__tablename__]
        whose = responses.c.patient_id
        chosen = chosen.join(responses, responses.c.id == table.c.response_id)
    found = session.execute(chosen.add_columns(whose.label("whose")).where(whose.in_(ids)))
    yield from ((row.whose, row) for row in found)


def _faults(
    session: Session, model: type[Base], rows: list[Any], told: list[Version], erased: bool
) -> Iterator[str]:
    """What is wrong with the versions of one fact: pair by pair, or which has no counterpart."""
    if len(rows) == len(told):
        for row, version in zip(rows, told, strict=True):
            for name in _differing(session, model, row, version, erased):
                yield f"{row.id}, {name}: is not what event {version.event} recorded"
        return
    left = list(told)
    for row in rows:
        fits = [one for one in left if not _differing(session, model, row, one, erased)]
        if fits:
            left.remove(fits[0])
        else:
            yield f"{row.id}: no audit event tells of this row"
    yield from (f"of event {one.event}: the row is gone" for one in left)


def _differing(
    session: Session, model: type[Base], row: Any, told: Version, erased: bool
) -> list[str]:
    """The fields of a row that are not as they were recorded."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    values = row._mapping
    now = noting.hashes(session.info["audit_key"], model, values, is_sqlite)
    names = [field.name for field in noting.fields_of(model, is_sqlite)]
    found = [name for name in names if now.get(name) != told.hashes.get(name)]
    if erased and model.__tablename__ == "identity":
        found = [name for name in found if name not in SEALED or values[name] is not None]
    if issubclass(model, Versioned) and values["superseded_at"] != told.ended_at:
        found.append("superseded_at")
    return found
