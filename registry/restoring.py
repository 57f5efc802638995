"""A backup brought back: whole or not at all, and never over what is there."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, Engine, inspect

from registry.errors import DomainError

HELD = "UPDATE public.instance SET restored_at = clock_timestamp();\n"


class RestoreFailed(DomainError):
    """Nothing was restored; what stood in the way and what to do."""


@contextmanager
def restoring_sqlite(file: Path, target: Path) -> Iterator[Path]:
    """Copy a backup beside `target`; what the block does to the copy comes with it, and only then
    does it take its place. Raises RestoreFailed.
    """
    if target.exists():
        raise RestoreFailed(
            f"{target} exists, and is not overwritten. Stop the registry and move it away with its "
            f"companions ({target.name}-wal, {target.name}-shm), then try again."
        )
    unfinished = target.with_name(f"{target.name}.restoring")
    unfinished.unlink(missing_ok=True)
    try:
        _copy(file, unfinished)
        yield unfinished
        for companion in ("-wal", "-shm"):
            target.with_name(f"{target.name}{companion}").unlink(missing_ok=True)
        unfinished.rename(target)
    except (OSError, sqlite3.Error) as fault:
        raise RestoreFailed(f"{file} was not restored: {fault}") from fault
    finally:
        for companion in ("", "-wal", "-shm"):
            unfinished.with_name(f"{unfinished.name}{companion}").unlink(missing_ok=True)


def _copy(file: Path, unfinished: Path) -> None:
    backup = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    with closing(backup), closing(sqlite3.connect(unfinished)) as copy:
        unfinished.chmod(0o600)
        (verdict,) = backup.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise RestoreFailed(f"{file} is damaged ({verdict}); take another copy.")
        if not backup.execute("SELECT 1 FROM sqlite_master WHERE name = 'instance'").fetchone():
            raise RestoreFailed(f"{file} is no backup of a registry.")
        backup.backup(copy)


def restore_postgresql(engine: Engine, file: Path) -> None:
    """Bring a backup into an empty database, already marked as restored. Raises RestoreFailed."""
    if inspect(engine).get_table_names():
        raise RestoreFailed(
            "The database of REGISTRY_DATABASE_URL is not empty, and is not overwritten. Stop the "
            "registry, make an empty database, name that one, and try again."
        )
    with TemporaryDirectory() as folder:
        script = Path(folder) / "backup.sql"
        _run("pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(file))
        with script.open("a", encoding="utf-8") as end:
            end.write(HELD)  # in the same transaction: at no moment could it be sent from
        options = ("--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={script}")
        _run("psql", "--no-psqlrc", *options, env=_place(engine.url))


def _place(url: URL) -> Mapping[str, str]:
    place = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username,
             "PGPASSWORD": url.password, "PGDATABASE": url.database}  # fmt: skip
    return {name: str(value) for name, value in place.items() if value is not None}


def _run(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    program = shutil.which(name)
    if program is None:
        raise RestoreFailed(f"{name} is not installed here. Install the PostgreSQL client.")
    done = subprocess.run(
        [program, *arguments],
        env=os.environ | dict(env or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RestoreFailed(f"{name}: {done.stderr.strip()[-1000:]}")
