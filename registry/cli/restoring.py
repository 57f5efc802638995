"""restore, reconcile: bringing a backup back without writing to anybody a second time."""

import os
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy import make_url

from registry import door_role, migrate, restoring
from registry.actions import installation, reconciling
from registry.cli.common import migrated, runtime_from_env
from registry.db import make_engine, transaction
from registry.journal import JournalFault, Line
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings

BY = "registry restore"
HELD = (
    "Restored. Nothing is sent from it. Start the registry, look at it, then run "
    "`registry reconcile`."
)


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Bring back the backup FILE. Nothing is sent from it until `registry reconcile`.

    Stop the registry first. Nothing is overwritten: SQLite's file must have been moved away,
    PostgreSQL's database must be empty. The keys are not in a backup.
    """
    # no runtime yet: connecting would make the file that must not be there
    bring_back(Settings.from_env(os.environ), file)
    click.echo(HELD, err=True)


def bring_back(settings: Settings, file: Path) -> None:
    """Restore into the database of these settings, under the hold. Raises RestoreFailed."""
    if settings.embedded:
        target = Path(make_url(settings.database_url).database or "")
        with restoring.restoring_sqlite(file, target) as copy:
            journal = settings.journal_file
            _finish(replace(settings, database_url=f"sqlite:///{copy}", journal=journal), file)
    else:
        engine = make_engine(settings.database_url)
        try:
            restoring.restore_postgresql(engine, file)
        finally:
            engine.dispose()
        _finish(settings, file)


def _finish(settings: Settings, file: Path) -> None:
    """The newest schema, the door's rights, the mark, and no number given a second time."""
    why, door = f"restored from {file.name}", settings.door_database_url
    with closing(make_runtime(settings)) as runtime:
        migrate.to_head(runtime.sessions.engine)
        with transaction(runtime) as session:
            if door and not settings.embedded:
                door_role.set_up(session.connection(), door)
            at = runtime.clock.now()
            installation.mark_restored(session, _lines(runtime), why, by=BY, at=at)


def _lines(runtime: Runtime) -> list[Line]:
    """What the side journal has; `reconcile` will say what is wrong with it."""
    with suppress(JournalFault):
        return list(runtime.journal.lines())
    return []


@click.command("reconcile")
@click.option(
    "--journal-lost",
    is_flag=True,
    help="there is no side journal any more: begin a new one. Letters sent since the backup may go "
    "out again, and whoever left since may be written to",
)
def reconcile(journal_lost: bool) -> None:
    """Let letters go again from a database that was restored, promoted or moved.

    Replays the side journal: letters that went out since are not sent again, whoever left since
    has left. Exit 1 if something needs a person; letters go again all the same.
    """
    with runtime_from_env() as runtime:
        migrated(runtime)
        with transaction(runtime) as session:
            done = reconciling.reconcile(
                session,
                runtime.journal,
                settings=runtime.settings,
                journal_lost=journal_lost,
                by="registry reconcile",
                at=runtime.clock.now(),
            )
    for what, count in reconciling.described(done).items():
        click.echo(f"{count:6d} {what}")
    click.echo(f"Epoch {done.epoch} has begun: letters go again.")
    for problem in done.problems:
        click.echo(problem, err=True)
    if done.problems:
        raise SystemExit(1)


COMMANDS: tuple[click.Command, ...] = (restore, reconcile)
