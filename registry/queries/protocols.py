"""The protocol in force, parsed once per content."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import DomainError
from registry.models import Answer, ProtocolVersion
from registry.protocols import Protocol, from_text
from surveys.instruments import answer_codes, changed_codes


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
    row = newest(session, known_at)
    if row is None:
        raise NoProtocol("No protocol is in force. Run `registry migrate`.")
    return InForce(row.id, _parsed(row.content))


def of_id(session: Session, protocol_id: int) -> InForce:
    """The protocol that a patient was enrolled under."""
    return InForce(protocol_id, _parsed(session.get_one(ProtocolVersion, protocol_id).content))


def lost_codes(session: Session, codes: Iterable[str]) -> tuple[str, ...]:
    """Why kept answers could not be read under these answer codes; empty while there are none."""
    row = newest(session)
    answered = session.scalar(select(Answer.id).limit(1)) is not None
    return changed_codes(row.answer_codes, codes) if row and answered else ()


def lost_codes_of_the_bundle(session: Session) -> tuple[str, ...]:
    """The same of the instrument that this software brings for the protocol in force."""
    return lost_codes(session, answer_codes(in_force(session).protocol.questionnaire))


@lru_cache(maxsize=16)
def _parsed(content: str) -> Protocol:
    return from_text(content)
