"""The patient door as it runs in production: on PostgreSQL, as the role that may do only its work.

Statement by statement: every column of every table, read and written as that role.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from factories import a_patient
from functional.door_visitor import Form, Visitor
from post import noon, run
from psycopg import sql
from sqlalchemy import func, select
from support import settings_for

from registry import audit, door_role
from registry.actions import endings
from registry.actions.protocols import prepare_registry
from registry.app import create_door
from registry.clock import FixedClock
from registry.db import Base, reading, transaction
from registry.mail import MemoryMailer
from registry.models import (
    Alert,
    Answer,
    FollowUp,
    MailHold,
    MailPreference,
    ReportedEvent,
    ResponseStatus,
    Withdrawal,
    known,
)
from registry.runtime import Runtime, make_runtime

TABLES = Base.metadata.tables
PROBLEM = {
    "new_problems": "yes",
    "problem_what_1": "Shingles on the back",
    "problem_severity_1": "severe",
    "problem_hospital_1": "stayed",
    "problem_another_1": "no",
    "problem_when_1-year": "2026",
    "problem_when_1-month": "1",
    "problem_when_1-day": "2",
    "hospital": "no",
    "medicines": "none",
    "work": "retired",
    "fever": "9",
    "overall_change": "better",
}


def statement(server: str, content: str) -> None:
    """On that server, as who may do everything."""
    address = server.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(content.encode())


@contextmanager
def opened(url: str, clock: FixedClock, **other: Any) -> Iterator[Runtime]:
    runtime = make_runtime(replace(settings_for(url), **other), clock, guarded=True)
    try:
        yield runtime
    finally:
        runtime.close()


@pytest.fixture
def url(postgresql_url: str) -> Iterator[str]:
    """A database of our own."""
    name = f"test_{uuid4().hex}"
    statement(f"{postgresql_url}/postgres", f"CREATE DATABASE {name} TEMPLATE template_registry")
    yield f"{postgresql_url}/{name}"
    statement(f"{postgresql_url}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def door_url(url: str) -> Iterator[str]:
    """The same database, as the door signs in."""
    role = f"door_{uuid4().hex[:12]}"
    yield url.replace("registry@", f"{role}:pass%20word@")
    statement(url, f"DROP OWNED BY {role}")
    statement(url, f"DROP ROLE {role}")


@pytest.fixture
def registry(url: str, door_url: str, clock: FixedClock) -> Iterator[Runtime]:
    """Made as `registry migrate` makes it, twice."""
    with opened(url, clock) as runtime:
        for _ in range(2):
            with transaction(runtime) as session:
                prepare_registry(session, by="test", at=clock.now())
                door_role.set_up(session.connection(), door_url)
        yield runtime


def may(connection: "psycopg.Connection[Any]", words: LiteralString, *names: str) -> bool:
    """Whether the role may do that; a right is asked for before anything else is."""
    content = sql.SQL(words).format(*map(sql.Identifier, names))
    try:
        connection.execute(content)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def listed(columns: dict[str, str], table: str) -> set[str]:
    return set(columns.get(table, "").split(", ")) - {""}


def test_the_role_reads_and_writes_what_is_listed_and_nothing_else(
    registry: Runtime, door_url: str
) -> None:
    found, wanted = set(), set()
    address = door_url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        for name, table in TABLES.items():
            every = {column.name for column in table.columns}
            wanted |= {
                *((name, "reads", one) for one in every if name in door_role.READS),
                *((name, "reads", one) for one in listed(dict(door_role.PARTLY_READS), name)),
                *((name, "adds", one) for one in every if name in door_role.ADDS),
                *((name, "changes", one) for one in listed(dict(door_role.CHANGES), name)),
            }
            for column in every:
                asked = {
                    "reads": "SELECT {1} FROM {0} WHERE false",
                    "adds": "INSERT INTO {0} ({1}) SELECT NULL WHERE false",
                    "changes": "UPDATE {0} SET {1} = DEFAULT WHERE false",
                }
                for right, words in asked.items():
                    if may(connection, words, name, column):
                        found.add((name, right, column))
            assert not may(connection, "DELETE FROM {0}", name)
            assert not may(connection, "TRUNCATE {0}", name)
            assert not may(connection, "ALTER TABLE {0} DISABLE TRIGGER ALL", name)
        assert not may(connection, "CREATE TABLE {0} (a int)", "mine")
        assert not may(connection, "SET ROLE {0}", "registry")
    assert found == wanted


OPEN_TO_THE_DOOR = {
    "instance", "site", "protocol", "follow_up", "survey_link", "response", "response_status",
    "answer", "outcome_value", "mail_hold", "mail_preference", "alert", "audit_head", "outbox",
    "withdrawal", "reported_event", "event_category", "audit_event", "journal_debt",
}  # fmt: skip


def test_a_new_table_is_closed_to_the_door_until_somebody_decides() -> None:
    named = {*door_role.READS, *door_role.ADDS, *door_role.CHANGES, *door_role.PARTLY_READS}
    assert named - {"alembic_version"} == OPEN_TO_THE_DOOR
    told = {(one, column) for one in named & set(TABLES) for column in listed_columns(one)}
    assert told <= {(one, column.name) for one in named & set(TABLES) for column in TABLES[one].c}


def listed_columns(table: str) -> set[str]:
    return listed(dict(door_role.CHANGES), table) | listed(dict(door_role.PARTLY_READS), table)


def links(mailer: MemoryMailer, number: int) -> dict[str, str]:
    """What a letter leads to, by the letter in the address."""
    body = mailer.sent[number].message.get_body(("plain",))
    assert body is not None
    found = [word.removeprefix("http://door.test") for word in body.get_content().split()]
    return {word[1]: word for word in found if word[:3] in {"/s/", "/u/", "/p/"}}


def test_all_that_patients_do_works_as_that_role(
    registry: Runtime, door_url: str, clock: FixedClock
) -> None:
    mailer = MemoryMailer()
    ids = [a_patient(registry).patient_id for _ in range(5)]
    clock.move_to(noon("2026-01-29"))
    run(registry, mailer)
    answering, asking, choosing, stopping, leaving = (links(mailer, one) for one in range(5))
    journal = registry.settings.journal_file
    with opened(door_url, clock, master_keys={}, journal=journal) as door:
        assert door.vault is None
        app = create_door(door)
        app.testing = True
        answer(Visitor(app.test_client()), answering["s"])
        client = app.test_client()
        assert client.post(asking["s"], data={"action": "new_link"}).status_code == 200
        for choice in (
            {"do": "times", "hour": "19", "zone": "America/New_York"},
            {"do": "reminders", "reminders": "fewer"},
            {"do": "snooze", "day": "2026-02-07", "part": "evening"},
            {"do": "times", "hour": "8", "zone": "Europe/Paris"},
            {"do": "stop", "sure": "yes"},
        ):
            assert client.post(choosing["p"], data=choice).status_code == 200
        one_click = {"List-Unsubscribe": "One-Click"}
        assert client.post(stopping["u"], data=one_click).status_code == 200
        leave(Visitor(app.test_client()), leaving["p"])
        with transaction(registry) as session:
            only_letters = {"scope": "contact", "by": "test", "at": clock.now()}
            endings.withdraw(session, ids[1], clock.now().date(), **only_letters)
        leave(Visitor(app.test_client()), asking["p"])
    with reading(registry) as session:
        assert audit.verify(session).broken is None
        kept = {
            model: session.scalar(select(func.count()).select_from(model))
            for model in (ReportedEvent, Alert, Withdrawal, MailHold, MailPreference)
        }
        assert session.scalar(select(func.count()).where(FollowUp.link_asked_at.is_not(None))) == 1
        sent = ResponseStatus.submitted_at.is_not(None)
        assert session.scalar(select(func.count()).where(sent)) == 1
        assert session.scalar(select(func.count()).where(Answer.superseded_at.is_not(None)))
        scopes = session.scalars(select(Withdrawal.scope).where(known(Withdrawal))).all()
    assert kept == {ReportedEvent: 1, Alert: 3, Withdrawal: 3, MailHold: 2, MailPreference: 1}
    assert scopes == ["registry", "registry"]
    told = Counter(one.kind for one in registry.journal.lines())
    assert (told["held"], told["withdrawn"]) == (2, 3)


def answer(visitor: Visitor, link: str) -> None:
    """To the end, with one answer that is corrected before it is sent."""
    visitor.answer_all(visitor.enter(link.removeprefix("/s/")), PROBLEM)
    form = Form(visitor.client.get("/s/q/fever").text)
    changed = visitor.client.post("/s/q/fever", data=form.hidden | {"fever": "1"})
    assert changed.status_code == 303
    assert "Thank you" in visitor.page(visitor.send()).text


def leave(visitor: Visitor, link: str) -> None:
    page = visitor.page(visitor.client.post(link, data={"do": "leave"}))
    form = Form(page.text).hidden | {"reason": "No more time"}
    assert "You have left the follow-up" in visitor.client.post("/s/leave", data=form).text


def test_a_withdrawal_is_kept_where_the_door_cannot_reach_the_side_journal(
    registry: Runtime, door_url: str, clock: FixedClock
) -> None:
    mailer = MemoryMailer()
    a_patient(registry)
    clock.move_to(noon("2026-01-29"))
    run(registry, mailer)
    with opened(door_url, clock, master_keys={}, journal=Path("/nowhere/journal")) as door:
        app = create_door(door)
        leave(Visitor(app.test_client()), links(mailer, 0)["p"])
    assert [one.kind for one in registry.journal.lines()] == ["epoch", "handed_over", "sent"]
    clock.advance(hours=1)
    run(registry, mailer)
    assert [one.kind for one in registry.journal.lines()][3:] == ["withdrawn"]
