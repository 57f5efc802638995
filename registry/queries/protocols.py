"""The protocol in force, read and parsed once per fingerprint."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import DomainError
from registry.models import Answer, Patient, ProtocolVersion
from registry.protocols import Protocol, from_text
from surveys.instruments import answer_codes, changed_codes

NEWEST = (
    select(ProtocolVersion.id, ProtocolVersion.fingerprint)
    .order_by(ProtocolVersion.id.desc())
    .limit(1)
)
MOST_PARSED = 16
_PARSED: dict[str, Protocol] = {}


class NoProtocol(DomainError):
    """Nothing can be planned or reported before a protocol is in force."""


@dataclass(frozen=True)
class InForce:
    """A protocol as the database keeps it: its row's id, and what it says."""

    id: int
    protocol: Protocol


def newest(session: Session, known_at: datetime | None = None) -> ProtocolVersion | None:
    """The row of the newest activation, of all or of those by an instant."""
    rows = select(ProtocolVersion).order_by(ProtocolVersion.id.desc()).limit(1)
    if known_at is not None:
        rows = rows.where(ProtocolVersion.recorded_at <= known_at)
    return session.scalars(rows).one_or_none()


def in_force(session: Session, known_at: datetime | None = None) -> InForce:
    """The protocol that holds now, or held at an instant. Raises NoProtocol if there is none."""
    rows = NEWEST
    if known_at is not None:
        rows = rows.where(ProtocolVersion.recorded_at <= known_at)
    row = session.execute(rows).one_or_none()
    if row is None and known_at is not None:
        raise NoProtocol(f"No protocol was in force at {known_at:%Y-%m-%d %H:%M} UTC.")
    if row is None:
        raise NoProtocol("No protocol is in force. Run `registry migrate`.")
    return InForce(row.id, of_fingerprint(session, row.id, row.fingerprint))


def of_id(session: Session, protocol_id: int) -> InForce:
    """The protocol that a patient was enrolled under."""
    fingerprint = session.scalars(
        select(ProtocolVersion.fingerprint).where(ProtocolVersion.id == protocol_id)
    ).one()
    return InForce(protocol_id, of_fingerprint(session, protocol_id, fingerprint))


def of_patients(session: Session, patient_ids: Iterable[int]) -> dict[int, Protocol]:
    """The protocol of each of these patients."""
    rows = session.execute(
        select(Patient.id, ProtocolVersion.id.label("protocol_id"), ProtocolVersion.fingerprint)
        .join(ProtocolVersion, ProtocolVersion.id == Patient.protocol_id)
        .where(Patient.id.in_(patient_ids))
    )
    return {row.id: of_fingerprint(session, row.protocol_id, row.fingerprint) for row in rows}


def of_fingerprint(session: Session, protocol_id: int, fingerprint: str) -> Protocol:
    """A fingerprint is that of the content, so what it was parsed to holds in every database."""
    if fingerprint not in _PARSED:
        if len(_PARSED) >= MOST_PARSED:
            _PARSED.clear()
        _PARSED[fingerprint] = from_text(session.get_one(ProtocolVersion, protocol_id).content)
    return _PARSED[fingerprint]


def lost_codes(session: Session, codes: Iterable[str]) -> tuple[str, ...]:
    """Why kept answers could not be read under these answer codes; empty while there are none."""
    row = newest(session)
    answered = session.scalar(select(Answer.id).limit(1)) is not None
    return changed_codes(row.answer_codes, codes) if row and answered else ()


def lost_codes_of_the_bundle(session: Session) -> tuple[str, ...]:
    """The same of the instrument that this software brings for the protocol in force."""
    return lost_codes(session, answer_codes(in_force(session).protocol.questionnaire))
