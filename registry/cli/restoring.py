"""restore, reconcile: bringing a backup back without writing to anybody a second time."""

from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import click

from registry import door_role, migrate, restoring
from registry.actions import installation, reconciling
from registry.cli.common import migrated, runtime_from_env
from registry.db import transaction
from registry.journal import JournalFault, Line
from registry.runtime import Runtime, make_runtime

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
    with runtime_from_env() as runtime:
        bring_back(runtime, file)
    click.echo(HELD, err=True)


def bring_back(runtime: Runtime, file: Path) -> None:
    """Restore into the database of this runtime, under the hold. Raises RestoreFailed."""
    if runtime.settings.embedded:
        _restore_sqlite(runtime, file)
    else:
        restoring.restore_postgresql(runtime.sessions.engine, file)
        _finish(runtime, file)


def _restore_sqlite(runtime: Runtime, file: Path) -> None:
    target = Path(runtime.sessions.engine.url.database or "")
    runtime.close()
    with restoring.restoring_sqlite(file, target) as copy:
        settings = replace(
            runtime.settings,
            database_url=f"sqlite:///{copy}",
            journal=runtime.settings.journal_file,
        )
        with closing(make_runtime(settings)) as beside:
            _finish(beside, file)


def _finish(runtime: Runtime, file: Path) -> None:
    """The newest schema, the door's rights, the mark, and no number given a second time."""
    migrate.to_head(runtime.sessions.engine)
    door = runtime.settings.door_database_url
    why = f"restored from {file.name}"
    with transaction(runtime) as session:
        if door and not runtime.settings.embedded:
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
