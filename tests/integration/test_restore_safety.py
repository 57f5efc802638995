"""A database that came back from a backup, a copy or a promotion writes to nobody a second time."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from factories import BY, a_patient, a_person
from post import letters, noon, plan_of, run
from sqlalchemy import select

from registry import audit, backup
from registry.actions import endings, preferences, reconciling
from registry.actions.enrolment import Enrolled
from registry.actions.reconciling import NotReconcilable, Reconciled
from registry.cli.restoring import bring_back
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.journal import Fact
from registry.mail import MemoryMailer
from registry.models import AuditEvent, FollowUp, SurveyLink
from registry.queries import conservation, installation
from registry.runtime import Runtime, make_runtime
from workers.schedule import run_jobs_once

EVENING, DUE, AFTER = "2026-01-28", "2026-01-29", "2026-01-30"


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


class Places:
    """Other databases beside the registry's own, on the same server or in the same folder."""

    def __init__(self, registry: Runtime, folder: Path) -> None:
        self.registry, self.folder = registry, folder
        self.server, _, self.own = registry.settings.database_url.rpartition("/")
        self.made: list[str] = []
        self.runtimes: list[Runtime] = []

    @property
    def is_sqlite(self) -> bool:
        return self.registry.settings.embedded

    def empty(self) -> str:
        """The address of a database with nothing in it."""
        if self.is_sqlite:
            place = self.folder / uuid4().hex
            place.mkdir()
            return f"sqlite:///{place}/registry.sqlite"
        name = f"test_{uuid4().hex}"
        self._sql(f"CREATE DATABASE {name}")
        return f"{self.server}/{name}"

    def copy(self) -> str:
        """The address of an exact copy, as it is made behind the registry's back."""
        if self.is_sqlite:
            url = self.empty()
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as target:
                source = self.registry.settings.database_url.removeprefix("sqlite:///")
                with closing(sqlite3.connect(source)) as live:
                    live.backup(target)
            return url
        self.registry.sessions.engine.dispose()
        name = f"test_{uuid4().hex}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {self.own}")
        return f"{self.server}/{name}"

    def open(self, url: str, journal: Path | None = None) -> Runtime:
        """A registry there; with the side journal of the first, unless told another."""
        settings = replace(
            self.registry.settings,
            database_url=url,
            journal=journal or self.registry.settings.journal_file,
        )
        self.runtimes.append(make_runtime(settings, self.registry.clock, guarded=True))
        return self.runtimes[-1]

    def restored(self, file: Path) -> Runtime:
        """A backup brought back by the command."""
        url = self.empty()
        journal = self.registry.settings.journal_file
        bring_back(replace(self.registry.settings, database_url=url, journal=journal), file)
        return self.open(url)

    def _sql(self, statement: str) -> None:
        self.made.append(statement.split()[2])
        with psycopg.connect(
            self.server.replace("+psycopg", "") + "/postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def close(self) -> None:
        for runtime in self.runtimes:
            runtime.close()
        for name in self.made:
            with psycopg.connect(
                self.server.replace("+psycopg", "") + "/postgres", autocommit=True
            ) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def places(registry: Runtime, tmp_path: Path) -> Iterator[Places]:
    found = Places(registry, tmp_path)
    yield found
    found.close()


class People(NamedTuple):
    staying: Enrolled
    leaving: Enrolled
    stopping: Enrolled
    dying: Enrolled


def enrol(registry: Runtime, name: str) -> Enrolled:
    return a_patient(registry, person=a_person(email=f"{name}@example.org"))


@pytest.fixture
def people(registry: Runtime, clock: FixedClock, mailer: MemoryMailer) -> People:
    """Enrolled, and the evening before their first letters has come."""
    found = People(*(enrol(registry, name) for name in People._fields))
    clock.move_to(noon(EVENING))
    run(registry, mailer)
    assert mailer.sent == []
    return found


def live_on(registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People) -> None:
    """The letters go out; then one leaves, one unsubscribes, one dies."""
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert len(mailer.sent) == len(people)
    at = clock.now()
    with transaction(registry) as session:
        endings.record_withdrawal(session, people.leaving.patient_id, at.date(), by=BY, at=at)
        endings.record_death(session, people.dying.patient_id, at.date(), by=BY, at=at)
        preferences.stop_mail(session, first_of(registry, people.stopping), by="door", at=at)
    clock.move_to(noon(AFTER))


def first_of(registry: Runtime, patient: Enrolled) -> int:
    return plan_of(registry, patient.patient_id)[1].id


def run_held(runtime: Runtime, mailer: MemoryMailer) -> str:
    """All jobs; the sending refuses. Gives why."""
    faults = run_jobs_once(runtime, mailer)
    assert set(faults) == {"send_due"}, faults
    return faults["send_due"]


def reconciled(runtime: Runtime, **how: bool) -> Reconciled:
    with transaction(runtime) as session:
        return reconciling.reconcile(
            session,
            runtime.journal,
            settings=runtime.settings,
            by=BY,
            at=runtime.clock.now(),
            **how,
        )


def recipients(mailer: MemoryMailer) -> list[str]:
    return sorted(one.recipient.partition("@")[0] for one in mailer.sent)


def test_a_restored_backup_sends_nothing_again_and_nothing_to_who_left_since(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places,
    tmp_path: Path,
) -> None:  # fmt: skip
    file = tmp_path / "yesterday"
    backup.backup(registry.sessions.engine, file)
    live_on(registry, clock, mailer, people)
    first, post = list(mailer.sent), MemoryMailer()
    restored = places.restored(file)
    for _ in range(3):
        assert "registry reconcile" in run_held(restored, post)
        clock.advance(hours=1)
    done = reconciled(restored)
    assert done.letters == {"written down as sent": 4}
    assert done.stops == {"withdrawn": 1, "held": 1, "died": 1}
    assert done.problems == []
    for _ in range(20):
        run(restored, post)
        clock.advance(hours=12)
    # a reminder to the only one who stays, and nothing that had gone out already
    assert recipients(post) == ["staying", "staying"][: len(post.sent)]
    assert post.sent
    known = {one.message["Message-ID"] for one in first}
    assert not known & {one.message["Message-ID"] for one in post.sent}
    assert reconciled(restored).letters["known"] >= 4


def test_a_link_sent_after_the_backup_opens_in_the_restored_registry(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places,
    tmp_path: Path,
) -> None:  # fmt: skip
    file = tmp_path / "yesterday"
    backup.backup(registry.sessions.engine, file)
    live_on(registry, clock, mailer, people)
    with reading(registry) as session:
        before = set(session.scalars(select(SurveyLink.token_sha256)))
    restored = places.restored(file)
    with reading(restored) as session:
        assert not before & set(session.scalars(select(SurveyLink.token_sha256)))
    reconciled(restored)
    with reading(restored) as session:
        assert set(session.scalars(select(SurveyLink.token_sha256))) == before
        states = session.scalars(select(FollowUp.state).where(FollowUp.month == 1)).all()
    assert sorted(states) == ["cancelled", "cancelled", "open", "open"]
    with reading(restored) as session:
        assert audit.verify(session).broken is None
        assert conservation.reckon(session).found == []


def test_a_database_that_lost_commits_is_found_out_without_being_told(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places
) -> None:
    """As an asynchronous standby that was promoted, or a file put back by hand."""
    older = places.copy()
    live_on(registry, clock, mailer, people)
    promoted, post = places.open(older), MemoryMailer()
    assert "came back" in run_held(promoted, post)
    with reading(promoted) as session:
        told = session.scalars(select(AuditEvent.reason).where(AuditEvent.action == "mail.held"))
        assert "it was restored or promoted" in str(told.one())
    assert "came back" in run_held(promoted, post), "and it is marked once"
    reconciled(promoted)
    run(promoted, post)
    assert post.sent == []


def test_letters_written_before_anybody_reconciled_are_not_sent_again_either(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places
) -> None:
    older = places.copy()
    live_on(registry, clock, mailer, people)
    promoted, post = places.open(older), MemoryMailer()
    run_held(promoted, post)  # its jobs have written the invitations a second time
    assert len(letters(promoted, state="queued")) == 4
    reconciled(promoted)
    assert len(letters(promoted, state="sent")) == 4
    run(promoted, post)
    assert post.sent == []


def test_what_only_stops_letters_is_taken_over_by_itself(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places
) -> None:
    """The commits lost were a withdrawal's and no letter's: there is nothing for a person to do."""
    older = places.copy()
    at = clock.now()
    with transaction(registry) as session:
        endings.record_withdrawal(session, people.leaving.patient_id, at.date(), by=BY, at=at)
    clock.move_to(noon(DUE))
    promoted = places.open(older)
    run(promoted, mailer)
    assert recipients(mailer) == ["dying", "staying", "stopping"]


def test_numbers_in_letters_are_never_given_to_somebody_else(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places,
    tmp_path: Path,
) -> None:  # fmt: skip
    file = tmp_path / "yesterday"
    backup.backup(registry.sessions.engine, file)
    lost = enrol(registry, "lost")
    live_on_at = noon(DUE)
    clock.move_to(live_on_at)
    run(registry, mailer)
    with transaction(registry) as session:
        at = clock.now()
        endings.record_withdrawal(session, lost.patient_id, at.date(), by=BY, at=at)
    clock.move_to(noon(AFTER))
    restored = places.restored(file)
    newcomer = enrol(restored, "newcomer")
    assert newcomer.patient_id > lost.patient_id
    assert first_of(restored, newcomer) > first_of(registry, lost)
    done = reconciled(restored)
    assert done.letters["of patients who are missing"] == 1
    assert len(done.problems) == 2, done.problems
    assert plan_of(restored, newcomer.patient_id)[1].state == "planned"
    post = MemoryMailer()
    run(restored, post)
    assert recipients(post) == ["newcomer"]


def test_a_line_is_not_applied_to_somebody_enrolled_after_it(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places
) -> None:
    """Where a number was given again before anybody noticed."""
    older = places.copy()
    lost = enrol(registry, "lost")
    with transaction(registry) as session:
        at = clock.now()
        endings.record_withdrawal(session, lost.patient_id, at.date(), by=BY, at=at)
    clock.advance(hours=1)
    promoted = places.open(older)
    newcomer = enrol(promoted, "newcomer")
    assert newcomer.patient_id == lost.patient_id
    done = reconciled(promoted)
    assert [one for one in done.problems if "enrolled later" in one]
    assert plan_of(promoted, newcomer.patient_id)[1].state == "planned"


def test_a_copy_started_elsewhere_sends_nothing(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places,
    tmp_path: Path,
) -> None:  # fmt: skip
    staging = places.open(places.copy(), tmp_path / "elsewhere.jsonl")
    clock.move_to(noon(DUE))
    assert "no side journal" in run_held(staging, mailer)
    with pytest.raises(NotReconcilable, match="journal-lost"):
        reconciled(staging)
    assert mailer.sent == []
    # also with the journal copied along: it is another file
    journal = registry.settings.journal_file
    assert journal is not None
    shutil.copy(journal, tmp_path / "elsewhere.jsonl")
    assert "copy of a side journal" in run_held(staging, mailer)
    assert mailer.sent == []
    run(registry, mailer)
    assert len(mailer.sent) == 4


def test_the_journal_of_another_registry_is_refused(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places,
    tmp_path: Path,
) -> None:  # fmt: skip
    clock.move_to(noon(DUE))
    other = places.open(registry.settings.database_url, tmp_path / "other.jsonl")
    other.journal.begin("somebody else", 1, at=clock.now())
    assert "another registry" in run_held(other, mailer)
    with pytest.raises(NotReconcilable, match="another registry"):
        reconciled(other)
    assert mailer.sent == []


def test_a_lost_journal_is_begun_again_only_when_told_so(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People
) -> None:
    journal = registry.settings.journal_file
    assert journal is not None
    journal.unlink()
    clock.move_to(noon(DUE))
    assert "no side journal" in run_held(registry, mailer)
    with pytest.raises(NotReconcilable, match="journal-lost"):
        reconciled(registry)
    assert reconciled(registry, journal_lost=True).epoch == 2
    run(registry, mailer)
    assert len(mailer.sent) == 4


def test_a_letter_of_which_nobody_knows_is_left_to_a_person(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, people: People, places: Places
) -> None:
    older = places.copy()
    clock.move_to(noon(DUE))
    run(registry, mailer)
    drop_results(registry)
    promoted, post = places.open(older), MemoryMailer()
    run_held(promoted, post)
    assert reconciled(promoted).letters == {"left to a person": 4}
    run(promoted, post)
    assert post.sent == []
    assert len(letters(promoted, state="parked")) == 4


def drop_results(registry: Runtime) -> None:
    """The disk lost the lines that nothing waited for."""
    file = registry.settings.journal_file
    assert file is not None
    kept = [line for line in registry.journal.lines() if line.kind != "sent"]
    file.unlink()
    registry.journal.begin(kept[0].instance, 1, at=kept[0].at)
    for line in kept[1:]:
        registry.journal.append([Fact(line.kind, line.told)], at=line.at)


def test_the_page_and_the_probe_see_the_same_hold(
    registry: Runtime, clock: FixedClock, people: People, places: Places, tmp_path: Path
) -> None:
    staging = places.open(places.copy(), tmp_path / "elsewhere.jsonl")
    seen = installation.look(staging.journal)
    with reading(staging) as session:
        held = installation.send_hold(session, seen)
    assert held is not None
    assert held.cause == "missing"
    with reading(registry) as session:
        assert installation.send_hold(session, installation.look(registry.journal)) is None
