"""A disk with no room for the database: nothing is half done, no letter leaves untold, all goes on.

Of each workflow the room ends before its first page, after a quarter of its pages, and so on to the
last page. `make drill` does the same on file systems that are full, to PostgreSQL as well.
"""

import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from functional.importing import counts
from interrupted import (
    again,
    assert_whole,
    change,
    copies_are_explained,
    journal_tells_all,
    rest,
    undisturbed,
)
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from workflows import WORKFLOWS, Stage, Workflow

from registry.db import reading
from registry.queries import conservation
from registry.runtime import Runtime

PAGE = 4096 + 24  # bytes that a changed page takes of SQLite's write-ahead log


def log_of(runtime: Runtime) -> Path:
    """The file that every commit on SQLite makes longer."""
    return Path(runtime.settings.database_url.removeprefix("sqlite:///") + "-wal")


@contextmanager
def growing(runtime: Runtime) -> Iterator[None]:
    """Nobody empties that file: it is longer than any other here."""
    engine = runtime.sessions.engine

    def _keep(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")

    event.listen(engine, "begin", _keep)
    try:
        yield
    finally:
        event.remove(engine, "begin", _keep)


@contextmanager
def room_for(runtime: Runtime, pages: int) -> Iterator[list[str]]:
    """No more than that many pages can be written. Gives what was refused."""
    engine, refused = runtime.sessions.engine, list[str]()

    def _note(context: object) -> None:
        refused.append(str(context))

    event.listen(engine, "handle_error", _note)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = log_of(runtime).stat().st_size + pages * PAGE
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield refused
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        event.remove(engine, "handle_error", _note)


def pages_of(stage: Stage, workflow: Workflow) -> int:
    """How many pages one undisturbed run writes."""
    case = workflow.prepare(stage)
    before = log_of(stage.runtime).stat().st_size
    workflow.act(stage, case)
    pages = (log_of(stage.runtime).stat().st_size - before) // PAGE
    workflow.done(stage, case)
    rest(stage)
    return pages


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda one: one.name.replace(" ", "_"))
def test_a_full_disk_undoes_and_delays_and_nothing_else(
    small_stage: Stage, workflow: Workflow
) -> None:
    stage = small_stage
    with growing(stage.runtime):
        steps, pages = undisturbed(stage, workflow), pages_of(stage, workflow)
        for room in sorted({0, pages // 4, pages // 2, pages * 3 // 4, pages - 1}):
            case = workflow.prepare(stage)
            before = Counter(counts(stage.runtime))
            with (
                room_for(stage.runtime, room) as refused,
                suppress(OperationalError, AssertionError),
            ):
                workflow.act(stage, case)
            assert refused or room == pages - 1
            if len(steps) == 2:
                assert change(before, Counter(counts(stage.runtime))) in steps
            assert_whole(stage.runtime)
            again(stage, workflow, case)
            workflow.done(stage, case)
            copies_are_explained(stage)
            journal_tells_all(stage)
            rest(stage)
    with reading(stage.runtime) as session:
        assert conservation.reckon(session).found == []
