"""Putting a protocol in force, and what an empty database needs before anything else."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.errors import DomainError
from registry.models import Instance, ProtocolVersion
from registry.protocols import Protocol, bundled
from registry.queries import protocols
from surveys.instruments import answer_codes


class ProtocolRefused(DomainError):
    """This protocol cannot be put in force."""


def activate(session: Session, protocol: Protocol, *, by: str, at: datetime) -> int:
    """Put a protocol in force from now on; gives its id. The one in force again: nothing happens.

    Raises ProtocolRefused for a version that was activated with other content, for a return to an
    earlier one, and for an instrument under which kept answers could not be read.
    """
    newest = protocols.newest(session)
    if newest is not None and newest.fingerprint == protocol.fingerprint:
        return newest.id
    codes = answer_codes(protocol.questionnaire)
    _refuse_known_version(session, protocol)
    _refuse_lost(protocols.lost_codes(session, codes))
    row = ProtocolVersion(
        code=protocol.code,
        version=str(protocol.version),
        fingerprint=protocol.fingerprint,
        content=protocol.text,
        instrument_code=protocol.instrument.code,
        instrument_version=str(protocol.instrument.version),
        answer_codes=codes,
        recorded_at=at,
        recorded_by=by,
    )
    session.add(row)
    audit.record(
        session,
        by=by,
        at=at,
        action="protocol.activated",
        subject="registry",
        changes={"protocol": row.code, "version": row.version, "fingerprint": row.fingerprint},
    )
    return row.id


def prepare_registry(session: Session, *, by: str, at: datetime) -> None:
    """Give an empty database its identity and the bundled protocol; on any other, check that the
    instrument this software brings can still read the answers kept. A second call does nothing.
    """
    if session.get(Instance, 1) is None:
        session.add(Instance(id=1, instance_id=uuid4().hex))
    if protocols.newest(session) is None:
        activate(session, bundled(), by=by, at=at)
    _refuse_lost(protocols.lost_codes_of_the_bundle(session))


def _refuse_known_version(session: Session, protocol: Protocol) -> None:
    name = f"{protocol.code} version {protocol.version}"
    earlier = session.scalars(
        select(ProtocolVersion).where(
            ProtocolVersion.code == protocol.code,
            ProtocolVersion.version == str(protocol.version),
        )
    ).first()
    if earlier is not None:
        raise ProtocolRefused(
            f"{name} was activated on {earlier.recorded_at:%Y-%m-%d} "
            "and a version is activated once. Give the file a higher version."
        )


def _refuse_lost(reasons: tuple[str, ...]) -> None:
    if reasons:
        raise ProtocolRefused(
            "Answers are kept that could not be read any more: "
            + "; ".join(reasons)
            + ". Make a new version of the instrument that keeps them."
        )
