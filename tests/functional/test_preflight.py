"""Before a protocol is put in force: what is missing is named, and every letter can be read."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from factories import a_patient, a_person, a_site, a_user
from functional.staff_visitor import Staff
from post import in_protocol_hours, letters, live_until
from support import settings_for

from registry.cli import registry as program
from registry.clock import FixedClock
from registry.db import reading
from registry.errors import DomainError
from registry.mail import MemoryMailer
from registry.protocols import bundled, load_protocol
from registry.protocols.loading import BUNDLED
from registry.queries import preflight
from registry.queries.preflight import Missing
from registry.runtime import Runtime

SignIn = Callable[..., Staff]


def missing(registry: Runtime) -> list[Missing]:
    with reading(registry) as session:
        return preflight.missing(session, bundled(), registry.settings)


def test_a_clinic_where_nobody_would_see_an_alert_keeps_a_protocol_out(registry: Runtime) -> None:
    a_site(registry, "B")
    a_user(registry, "nurse", site="A")
    (fault,) = [one for one in missing(registry) if one.is_fault]
    assert str(fault).startswith("alerts: nobody at B would see an alert. Give")
    a_user(registry, "clinician", site="B")
    assert [one for one in missing(registry) if one.is_fault] == []


def test_the_letters_rehearsed_are_those_that_go_out(registry: Runtime, clock: FixedClock) -> None:
    """One patient stays silent for four months in the protocol's hours."""
    runtime, mailer = in_protocol_hours(registry), MemoryMailer()
    patient = a_patient(runtime, person=a_person(email="pat@example.org"))
    until = date(2026, 5, 1)
    live_until(runtime, clock, mailer, until, hours=12)
    treated_on, zone = date(2025, 12, 29), "Europe/Berlin"
    rehearsed = preflight.rehearsal(bundled(), runtime.settings, treated_on, zone=zone)
    expected = [
        (one.month, one.kind, one.goes_at.date())
        for one in rehearsed
        if not one.dropped and one.goes_at.date() <= until
    ]
    months = {line.month: line.due_on for line in patient.plan}
    sent = [
        (one.kind, one.dated_at.astimezone(ZoneInfo(zone)).date())
        for one in letters(runtime, state="sent")
        if one.dated_at is not None
    ]
    assert sent == [(kind, on) for _, kind, on in expected]
    assert len(sent) >= 7
    assert {month for month, _, _ in expected} <= set(months)
    texts = [one.text for one in rehearsed if one.text]
    bodies = [one.message.get_body(("plain",)) for one in mailer.sent]
    first = bodies[0].get_content() if bodies[0] is not None else ""
    assert texts[0].splitlines()[0] == first.splitlines()[0]


def test_the_hour_is_the_patients_own() -> None:
    its = settings_for("sqlite://")
    for zone in ("Pacific/Auckland", "America/New_York"):
        for one in preflight.rehearsal(bundled(), its, date(2024, 1, 31), zone=zone):
            assert one.goes_at.hour == 9
            assert one.goes_at.tzinfo == ZoneInfo(zone)
            assert one.goes_at.weekday() < 5


def test_the_page_shows_what_is_missing_and_every_letter(
    registry: Runtime, sign_in: SignIn
) -> None:
    a_site(registry, "B")
    page = sign_in("nurse").get("/protocol/rehearsal?treated_on=2024-01-31&zone=Europe/Paris").text
    assert "nobody at B would see an alert" in page
    assert "Month 1, invitation: Thursday" in page
    assert "Month 24, reminder" in page
    assert "It is time for your follow-up questions" in page


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An embedded registry in a folder of its own, as the command makes it."""
    monkeypatch.chdir(tmp_path)
    assert run("migrate").exit_code == 0
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, list(arguments))


def changed(folder: Path, *pairs: tuple[str, str]) -> Path:
    """The bundled protocol with some of its text replaced, in a file of its own."""
    text = BUNDLED.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    for beside in BUNDLED.parent.glob("*.yaml"):
        if beside != BUNDLED:
            (folder / beside.name).write_text(beside.read_text("utf-8"), "utf-8")
    file = folder / "mine.yaml"
    file.write_text(text, "utf-8")
    return file


def test_the_command_prints_the_calendar_and_activates_a_new_version(folder: Path) -> None:
    file = changed(folder, ("version: 1", "version: 2"))
    assert load_protocol(file).version == 2
    checked = run("protocol", "check", str(file), "--treated-on", "2024-01-31")
    assert checked.exit_code == 0, checked.output
    assert "2024-02-29 Thu 09:00 UTC  month 1   invitation" in checked.output
    assert run("protocol", "activate", str(file)).exit_code == 0
    with closing(sqlite3.connect(folder / "registry.sqlite")) as database:
        versions = database.execute("SELECT version FROM protocol ORDER BY id").fetchall()
    assert versions == [("1",), ("2",)]


def test_what_lacks_something_is_not_activated(folder: Path) -> None:
    other = changed(folder, ("title: ", "title: Another "))
    refused = run("protocol", "activate", str(other))
    assert isinstance(refused.exception, DomainError)
    assert "was not put in force" in str(refused.exception)
    assert "with other content" in refused.output
    spoiled = changed(folder, ("version: 1", "version: one"))
    assert isinstance(run("protocol", "check", str(spoiled)).exception, DomainError)
    german = changed(folder, ("version: 1", "version: 2"), ("language: en", "language: de"))
    found = run("protocol", "check", str(german))
    assert found.exit_code == 1
    assert "there are no letters in the language de" in found.output
    assert "is not translated into de" in found.output
    with closing(sqlite3.connect(folder / "registry.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM protocol").fetchone() == (1,)


def test_backup_restore_and_reconcile_by_command(folder: Path) -> None:
    assert run("site", "add", "A", "--name", "Harbour", "--zone", "UTC").exit_code == 0
    assert run("backup", "yesterday").exit_code == 0
    assert "not overwritten" in str(run("restore", "yesterday").exception)
    for name in ("registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    restored = run("restore", "yesterday")
    assert restored.exit_code == 0, restored.output
    assert "registry reconcile" in restored.output
    ticked = run("tick")
    assert ticked.exit_code == 1
    assert "Nothing is sent" in ticked.output
    done = run("reconcile")
    assert done.exit_code == 0, done.output
    assert "Epoch 2 has begun" in done.output
    assert run("tick").exit_code == 0
    assert "0 planned" in run("conservation").output
    assert run("audit", "verify").exit_code == 0
    assert [one.name for one in folder.glob("*restoring*")] == []


def test_a_damaged_or_foreign_file_is_not_restored(folder: Path) -> None:
    (folder / "registry.sqlite").unlink()
    for name in ("registry.sqlite-wal", "registry.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "noise").write_bytes(b"no database" * 1000)
    assert "was not restored" in str(run("restore", "noise").exception)
    with closing(sqlite3.connect(folder / "other")) as other:
        other.execute("CREATE TABLE something (id INTEGER)")
        other.commit()
    assert "no backup of a registry" in str(run("restore", "other").exception)
    assert not (folder / "registry.sqlite").exists()
    assert [one.name for one in folder.glob("*restoring*")] == []
