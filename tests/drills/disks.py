"""A file system that is really full, under SQLite and PostgreSQL. Needs root, for it is mounted."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from chaos.clinic import Clinic
from interrupted import assert_whole, copies_are_explained, journal_tells_all, staged
from post import letters
from servers import (
    ended,
    free_port,
    open_folder,
    postgresql_program,
    postgresql_url,
    wait_until_postgresql_answers,
)
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from support import settings_for
from workflows import Stage

from drills.drill import Drill, Seen
from registry import migrate
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.models import Patient
from registry.queries import conservation
from registry.runtime import make_runtime
from workers.schedule import run_jobs_once

KIB = 1024
ROOM = (0, 16 * KIB, 64 * KIB, 256 * KIB)  # what is left on the disk, each time
TRIES = 100  # until a disk with nothing left has refused something
MORE = 5  # tries after that
FEW = 10  # patients of a try
BUSY = {"max_wal_size": "32MB", "min_wal_size": "32MB", "fsync": "on"}


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    """A file system of that size."""
    if os.geteuid() != 0:
        raise PermissionError("a file system is mounted: run it as root")
    with open_folder() as folder:
        size = f"size={megabytes}m,mode=777"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "drill", folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full(place: Path, room: int) -> Iterator[None]:
    """Something else has taken all but so many bytes of it."""
    filler, free = place / "filler", os.statvfs(place)
    with filler.open("wb") as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - room)
    try:
        yield
    finally:
        filler.unlink()


def prepared(stack: ExitStack, url: str, clock: FixedClock) -> Stage:
    """A registry there."""
    runtime = stack.enter_context(closing(make_runtime(settings_for(url), clock)))
    migrate.to_head(runtime.sessions.engine)
    with transaction(runtime) as session:
        prepare_registry(session, by="drill", at=clock.now())
    return staged(runtime, clock, stack.enter_context(open_folder()))


def is_refused(act: Callable[[], object]) -> bool:
    """Whether the database could not do it."""
    try:
        act()
    except (DBAPIError, OSError):
        return True
    return False


def practise(stage: Stage, place: Path, revive: Callable[[], object]) -> Iterator[Seen]:
    """Work on a disk that is full; `revive` does what a supervisor does when there is room again.

    The clinics go on to enrol, the jobs to run, until something was refused and then a while.
    """
    clinic = Clinic(stage.runtime, Random(1), 1, 1.0)
    for room in ROOM:
        clinic.enrol(FEW)
        with full(place, room):
            refused, late = overload(stage, clinic)
        revive()
        well = is_well_again(stage)
        left = f"with {room // KIB} KiB left: {refused} enrolments refused, {late} rounds of jobs"
        yield Seen(f"{left} failed; with room again all went on by itself", refused > 0 and well)
    yield from verdict(stage, clinic)


def overload(stage: Stage, clinic: Clinic) -> tuple[int, int]:
    """How often enrolments were refused, and how many rounds of jobs failed."""
    refused = late = more = 0
    for _ in range(TRIES):
        refused += is_refused(lambda: clinic.enrol(FEW))
        late += bool(run_jobs_once(stage.runtime, stage.mailer))
        more += refused > 0
        if more > MORE:
            break
    return refused, late


def is_well_again(stage: Stage) -> bool:
    """Whether all jobs run once leases and pauses are over."""
    stage.runtime.sessions.engine.dispose()
    for _ in range(3):
        stage.clock.advance(minutes=20)
        faults = run_jobs_once(stage.runtime, stage.mailer)
    return faults == {}


def verdict(stage: Stage, clinic: Clinic) -> Iterator[Seen]:
    """Nothing acknowledged is lost, every letter has gone, and every copy is explained."""
    with reading(stage.runtime) as session:
        kept = session.scalar(select(func.count(Patient.id))) or 0
        unsound = conservation.reckon(session).found
    told = len(clinic.ledger.addresses)
    yield Seen(f"{told} enrolments were acknowledged, {kept} are kept", kept == told)
    waiting = [one for one in letters(stage.runtime) if one.state != "sent"]
    mails = len(stage.mailer.sent)
    uncertain = sum(one.uncertain_count for one in letters(stage.runtime))
    counted = f"{kept} letters, {len(waiting)} not sent, {mails} mails, {uncertain} uncertain"
    yield Seen(f"{counted} attempts", not waiting and mails <= kept + uncertain)
    assert_whole(stage.runtime)
    copies_are_explained(stage)
    journal_tells_all(stage)
    yield Seen("the trail is whole, copies are explained, the side journal tells of every letter")
    yield Seen("the plan adds up" if not unsound else str(unsound), not unsound)


def under_sqlite() -> Iterator[Seen]:
    """Database and side journal on one small disk."""
    with ExitStack() as stack:
        place = stack.enter_context(disk(16))
        clock = FixedClock(datetime(2026, 1, 5, 10, tzinfo=UTC))
        stage = prepared(stack, f"sqlite:///{place}/registry.sqlite", clock)
        yield from practise(stage, place, lambda: None)
        with reading(stage.runtime) as session:
            sound = session.scalar(text("PRAGMA integrity_check"))
        yield Seen(f"SQLite's own check: {sound}", sound == "ok")


def under_postgresql() -> Iterator[Seen]:
    """The server's data on a small disk; the side journal on another."""
    with ExitStack() as stack:
        place, home = stack.enter_context(disk(160)), stack.enter_context(open_folder())
        port = free_port()
        program = postgresql_program(place, port, **BUSY)
        server = stack.enter_context(ExitStack())
        running = program.start(home / "log")
        server.enter_context(ended(running))
        wait_until_postgresql_answers(port, running)
        clock = FixedClock(datetime(2026, 1, 5, 10, tzinfo=UTC))
        stage = prepared(stack, f"{postgresql_url(port)}/postgres", clock)

        def _revive() -> None:
            nonlocal running
            if running.poll() is not None:
                running = program.start(home / "log")
                server.enter_context(ended(running))
            wait_until_postgresql_answers(port, running)

        yield from practise(stage, place, _revive)


EXPECTED = "what is refused is undone, nothing acknowledged is lost, all goes on when there is room"
DISKS = (
    Drill("disk_full_sqlite", "a disk of 16 MB is filled, four times", EXPECTED, under_sqlite),
    Drill(
        "disk_full_postgresql",
        "a disk of 160 MB is filled under PostgreSQL, four times",
        EXPECTED,
        under_postgresql,
    ),
)
