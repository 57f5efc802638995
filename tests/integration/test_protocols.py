"""Protocols: one is in force from the first moment, and none may make answers unreadable."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from registry import audit
from registry.actions.protocols import ProtocolRefused, activate, prepare_registry
from registry.db import reading, transaction
from registry.models import (
    Answer,
    Instance,
    Patient,
    ProtocolVersion,
    Response,
    Site,
)
from registry.protocols import Protocol, bundled, from_text
from registry.queries import protocols
from registry.runtime import Runtime


def version(number: int) -> Protocol:
    """The bundled protocol under another version number."""
    return from_text(bundled().text.replace('"version": 1', f'"version": {number}', 1))


def prepare(runtime: Runtime) -> None:
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=runtime.clock.now())


def put_in_force(runtime: Runtime, protocol: Protocol) -> int:
    with transaction(runtime) as session:
        return activate(session, protocol, by="Ada", at=runtime.clock.now())


def an_answer(runtime: Runtime) -> None:
    """One answer, without the roads that lead to it."""
    at = runtime.clock.now()
    who = {"recorded_at": at, "recorded_by": "test"}
    with transaction(runtime) as session:
        site = Site(code="A", public_name="A", **who)
        session.add(site)
        session.flush()
        patient = Patient(study_number="1", site_id=site.id, protocol_id=1, **who)
        session.add(patient)
        session.flush()
        response = Response(patient_id=patient.id, month=1, mode="web", **who)
        session.add(response)
        session.flush()
        session.add(Answer(response_id=response.id, question="fatigue", value=3, **who))
        audit.record(session, by="test", at=at, action="test", subject="patient:1")


def pretend_once_asked(runtime: Runtime, code: str) -> None:
    """As if the instrument of the protocol in force had had one more code."""
    with transaction(runtime) as session:
        row = protocols.newest(session)
        assert row is not None
        row.answer_codes = [*row.answer_codes, code]
        audit.record(session, by="test", at=runtime.clock.now(), action="test", subject="registry")


def test_an_empty_database_gets_an_identity_and_the_bundled_protocol(runtime: Runtime) -> None:
    prepare(runtime)
    with reading(runtime) as session:
        found = protocols.in_force(session)
        assert found.protocol.fingerprint == bundled().fingerprint
        assert protocols.of_id(session, found.id) == found
        instance = session.get_one(Instance, 1)
    assert len(instance.instance_id) == 32


def test_preparing_twice_changes_nothing(runtime: Runtime) -> None:
    prepare(runtime)
    with reading(runtime) as session:
        before = session.get_one(Instance, 1).instance_id
    prepare(runtime)
    with reading(runtime) as session:
        assert session.get_one(Instance, 1).instance_id == before
        assert session.scalar(select(func.count()).select_from(ProtocolVersion)) == 1
        assert audit.verify(session).events == 1


def test_without_a_protocol_the_message_says_what_to_do(runtime: Runtime) -> None:
    with reading(runtime) as session, pytest.raises(protocols.NoProtocol, match="registry migrate"):
        protocols.in_force(session)


def test_the_newest_activation_is_in_force(registry: Runtime) -> None:
    first = put_in_force(registry, bundled())
    second = put_in_force(registry, version(2))
    assert second != first
    with reading(registry) as session:
        assert protocols.in_force(session).protocol.version == 2
        assert protocols.of_id(session, first).protocol.version == 1


def test_a_version_is_activated_once(registry: Runtime) -> None:
    put_in_force(registry, version(2))
    with pytest.raises(ProtocolRefused, match="SLE-MSC version 1 was activated on 2026-01-05"):
        put_in_force(registry, bundled())
    other = replace(version(2), fingerprint="f" * 64)
    with pytest.raises(ProtocolRefused, match="Give the file a higher version"):
        put_in_force(registry, other)


def test_an_answer_code_may_go_while_nobody_has_answered(registry: Runtime) -> None:
    pretend_once_asked(registry, "fatigue = endless")
    put_in_force(registry, version(2))
    prepare(registry)


def test_an_answer_code_may_not_go_once_answers_exist(registry: Runtime) -> None:
    pretend_once_asked(registry, "fatigue = endless")
    an_answer(registry)
    with pytest.raises(ProtocolRefused, match="fatigue = endless"):
        put_in_force(registry, version(2))
    with pytest.raises(ProtocolRefused, match="new version of the instrument"):
        prepare(registry)
