"""The reckoning: whatever was planned is there once, and what was taken away by hand shows."""

from datetime import timedelta
from typing import Any

import pytest
from factories import BY, a_patient, a_person, an_answered_follow_up
from post import noon, run
from sqlalchemy import event, select, text, update

from registry import audit
from registry.actions import endings
from registry.clock import FixedClock
from registry.db import never_below, reading, transaction
from registry.mail import MemoryMailer
from registry.models import Conservation, FollowUp, Patient
from registry.queries import conservation
from registry.queries.conservation import Reckoning
from registry.runtime import Runtime

DUE = "2026-01-29"


@pytest.fixture
def lived(registry: Runtime, clock: FixedClock) -> Runtime:
    """Three patients: one answers, one is silent, one leaves; a month and a half."""
    mailer = MemoryMailer()
    answers, _, leaves = (
        a_patient(registry, person=a_person(email=f"{name}@example.org"))
        for name in ("answers", "silent", "leaves")
    )
    clock.move_to(noon(DUE))
    run(registry, mailer)
    an_answered_follow_up(registry, answers, 1)
    with transaction(registry) as session:
        at = clock.now()
        endings.record_withdrawal(session, leaves.patient_id, at.date(), by=BY, at=at)
    for _ in range(5):
        clock.advance(days=3)
        run(registry, mailer)
    return registry


def reckoned(registry: Runtime) -> Reckoning:
    with reading(registry) as session:
        return conservation.reckon(session)


def by_hand(registry: Runtime, statement: str) -> None:
    """As a person with the database's password would."""
    with registry.sessions.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(statement))
        connection.commit()
        connection.invalidate()


def test_a_life_by_the_rules_adds_up(lived: Runtime) -> None:
    found = reckoned(lived)
    assert found.found == []
    assert (found.patients, found.planned) == (3, 15)
    assert sum(found.states.values()) == 15
    assert {"answered", "cancelled", "missed", "planned"} <= set(found.states)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM follow_up WHERE patient_id = 2 AND month = 6", "rows are gone"),
        ("DELETE FROM outbox WHERE patient_id = 2 AND number = 0", "number of letters"),
        ("DELETE FROM patient WHERE id = 2", "not among the patients"),
        ("DELETE FROM response_status", "without answers"),
        ("UPDATE follow_up SET state = 'planned' WHERE patient_id = 1 AND month = 1", "waits"),
        (
            "UPDATE follow_up SET state = 'missed' WHERE patient_id = 2 AND month = 24",
            "over without an end",
        ),
    ],
)
def test_what_is_changed_by_hand_is_reported(lived: Runtime, statement: str, words: str) -> None:
    by_hand(lived, statement)
    found = reckoned(lived)
    assert found.faults >= 1
    assert words in " ".join(what for _, what in found.found)


def test_large_numbers_of_patients_add_up_too(registry: Runtime, clock: FixedClock) -> None:
    with transaction(registry) as session:
        never_below(session, Patient, 20_000_000)
    patient = a_patient(registry, person=a_person(email="pat@example.org"))
    assert patient.patient_id > 20_000_000
    clock.move_to(noon(DUE))
    run(registry, MemoryMailer())
    an_answered_follow_up(registry, patient, 1)
    assert reckoned(registry).found == []


def test_an_answer_that_came_by_import_settles_its_time_point(lived: Runtime) -> None:
    by_hand(lived, "UPDATE response SET follow_up_id = NULL, import_key = 'file row ' || id")
    assert reckoned(lived).found == []


def test_a_follow_up_that_was_begun_and_forgotten_is_reported(
    registry: Runtime, clock: FixedClock
) -> None:
    patient = a_patient(registry, person=a_person(email="pat@example.org"))
    with transaction(registry) as session:
        mine = (FollowUp.patient_id == patient.patient_id) & (FollowUp.month == 1)
        session.execute(update(FollowUp).where(mine).values(state="open", opened_at=clock.now()))
        audit.record(session, by=BY, at=clock.now(), action="test.set", subject="registry")
    assert [what for _, what in reckoned(registry).found] == [
        "has an open follow-up for which no letter was ever written"
    ]


def test_the_job_reckons_once_a_night_and_at_once_after_a_pause(
    registry: Runtime, clock: FixedClock
) -> None:
    mailer = MemoryMailer()

    def times() -> int:
        run(registry, mailer)
        with reading(registry) as session:
            return len(session.scalars(select(Conservation.id)).all())

    assert times() == 0, "nobody is there yet"
    a_patient(registry)
    assert times() == 1
    assert times() == 1
    clock.move_to(noon("2026-01-06") - timedelta(hours=10))  # two at night
    assert [times(), times()] == [1, 1], "16 hours are no night"
    clock.move_to(noon("2026-01-07") - timedelta(hours=10))
    assert [times(), times()] == [2, 2]
    clock.move_to(noon("2026-01-07"))
    assert times() == 2
    clock.move_to(noon("2026-01-10"))
    assert times() == 3


def test_counting_takes_the_same_number_of_statements_for_any_number_of_patients(
    registry: Runtime, clock: FixedClock
) -> None:
    def statements() -> int:
        seen: list[str] = []

        def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(registry.sessions.engine, "before_cursor_execute", listen)
        assert reckoned(registry).is_clean
        event.remove(registry.sessions.engine, "before_cursor_execute", listen)
        return len(seen)

    a_patient(registry)
    one = statements()
    for _ in range(5):
        a_patient(registry)
    assert statements() == one
