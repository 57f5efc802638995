"""What stops letters is in the side journal with its commit; no letter leaves before its line."""

import ast
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from factories import BY, a_patient, a_person
from post import Crash, letter, letters, noon, plan_of, run
from sqlalchemy import func, select
from support import settings_for

from registry.actions import endings, preferences, staff_mail
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.journal import Fact, FileStore, Journal
from registry.mail import MemoryMailer
from registry.models import JournalDebt, Withdrawal, known
from registry.runtime import Runtime
from registry.settings import Settings
from workers.schedule import run_jobs_once

DUE = "2026-01-29"


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def patient(registry: Runtime, clock: FixedClock, mailer: MemoryMailer) -> Enrolled:
    found = a_patient(registry, person=a_person(email="pat@example.org"))
    run(registry, mailer)
    clock.move_to(noon(DUE))
    return found


def withdraw(registry: Runtime, patient: Enrolled) -> None:
    with transaction(registry) as session:
        at = registry.clock.now()
        endings.record_withdrawal(session, patient.patient_id, at.date(), by=BY, at=at)


def told(registry: Runtime) -> list[str]:
    return [line.kind for line in registry.journal.lines()]


def test_each_way_of_stopping_letters_and_each_undoing_has_its_line(
    registry: Runtime, patient: Enrolled
) -> None:
    mine, at = patient.patient_id, registry.clock.now()
    first = plan_of(registry, mine)[1].id
    withdraw(registry, patient)
    with transaction(registry) as session:
        endings.undo_withdrawal(session, mine, reason="a mistake", by=BY, at=at)
    with transaction(registry) as session:
        endings.record_death(session, mine, at.date(), by=BY, at=at)
    with transaction(registry) as session:
        endings.undo_death(session, mine, reason="a mistake", by=BY, at=at)
    with transaction(registry) as session:
        preferences.stop_mail(session, first, by="door", at=at)
    with transaction(registry) as session:
        staff_mail.lift_hold(session, mine, "unsubscribed", by=BY, at=at)
    assert told(registry) == [
        "epoch",
        "withdrawn",
        "withdrawal_undone",
        "died",
        "death_undone",
        "held",
        "lifted",
    ]
    content = registry.settings.journal_file
    assert content is not None
    assert "pat@example.org" not in content.read_text()


def test_what_is_rolled_back_has_no_line(registry: Runtime, patient: Enrolled) -> None:
    at = registry.clock.now()

    def fail() -> None:
        with transaction(registry) as session:
            endings.record_withdrawal(session, patient.patient_id, at.date(), by=BY, at=at)
            raise Crash

    with pytest.raises(Crash):
        fail()
    assert told(registry) == ["epoch"]


def test_a_letters_line_is_there_before_it_leaves(
    registry: Runtime, patient: Enrolled, mailer: MemoryMailer
) -> None:
    class Looking(MemoryMailer):
        def hand_over(self, message: bytes) -> str:
            seen.append(told(registry))
            return super().hand_over(message)

    seen: list[list[str]] = []
    run(registry, Looking())
    assert seen == [["epoch", "handed_over"]]
    assert told(registry) == ["epoch", "handed_over", "sent"]


@contextmanager
def full_disk(registry: Runtime) -> Iterator[None]:
    """The side journal cannot grow; the database, which is smaller, still can."""
    many = [Fact("padding", {"text": "x" * 500})] * 20_000
    registry.journal.append(many, at=registry.clock.now(), durable=False)
    file = registry.settings.journal_file
    assert file is not None
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_the_letters_and_nothing_else_and_they_go_on_by_themselves(
    registry: Runtime, clock: FixedClock, patient: Enrolled, mailer: MemoryMailer
) -> None:
    other = a_patient(registry, person=a_person(email="other@example.org"))
    with full_disk(registry):
        faults = run_jobs_once(registry, mailer)
        assert "Make room" in faults["send_due"]
        assert mailer.sent == []
        assert {one.state for one in letters(registry)} == {"queued"}
        withdraw(registry, patient)
        with reading(registry) as session:
            assert session.scalar(select(func.count(Withdrawal.id)).where(known(Withdrawal))) == 1
            assert session.scalar(select(func.count(JournalDebt.id))) == 1
        clock.advance(hours=1)
        assert set(run_jobs_once(registry, mailer)) == {"send_due"}
        assert mailer.sent == []
    clock.advance(hours=1)
    run(registry, mailer)
    assert [one.recipient for one in mailer.sent] == ["other@example.org"]
    assert letter(registry, patient_id=other.patient_id).uncertain_count == 0
    assert "withdrawn" in told(registry)
    with reading(registry) as session:
        assert session.scalar(select(func.count(JournalDebt.id))) == 0


def test_a_withdrawal_where_the_journal_cannot_be_reached_is_paid_in_later(
    registry: Runtime, patient: Enrolled, mailer: MemoryMailer, make: object, tmp_path: Path
) -> None:
    """As at a door whose machine does not have the file."""
    path = registry.settings.journal_file
    assert path is not None
    away = path.with_name("away")
    path.rename(away)
    withdraw(registry, patient)
    away.rename(path)
    assert told(registry) == ["epoch"]
    run(registry, mailer)
    assert told(registry) == ["epoch", "withdrawn"]
    assert mailer.sent == []


def test_a_new_database_is_not_paired_with_a_journal_that_tells_something(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    path = registry.settings.journal_file
    assert path is not None
    Journal(FileStore(path), registry.settings.audit_key).begin("another", 1, at=clock.now())
    a_patient(registry, person=a_person(email="pat@example.org"))
    clock.move_to(noon(DUE))
    assert "not paired" in run_jobs_once(registry, mailer)["send_due"]
    assert mailer.sent == []


def test_the_journal_is_beside_the_embedded_database_unless_it_is_named(tmp_path: Path) -> None:
    here = settings_for(f"sqlite:///{tmp_path}/registry.sqlite")
    assert here.journal_file == tmp_path / "registry-journal.jsonl"
    assert settings_for("sqlite://").journal_file is None, "it dies with the process"
    env = {"REGISTRY_DATABASE_URL": here.database_url, "REGISTRY_JOURNAL": "/elsewhere/journal"}
    assert Settings.from_env(env).journal_file == Path("/elsewhere/journal")


def test_nothing_that_stops_letters_is_written_past_the_session() -> None:
    """The journal sees objects; a statement over many rows would pass it by."""
    found = []
    root = Path(__file__).parents[2] / "registry"
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", "")
                about = [ast.unparse(one) for one in node.args[:2]]
                stops = {"Withdrawal", "Death", "MailHold"} & set(about)
                if name in {"update", "delete", "insert", "insert_rows"} and stops:
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []
