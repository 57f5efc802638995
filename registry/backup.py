"""A consistent copy of the database while it is in use. Keys are not in it: keep them apart."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from registry.errors import DomainError


class BackupFailed(DomainError):
    """There is no copy; what stood in the way."""


def backup(engine: Engine, file: Path) -> None:
    """Copy the database into `file`, which must not exist: SQLite by its backup interface,
    PostgreSQL by pg_dump (custom format, for pg_restore). Half a copy is never left behind.

    Raises BackupFailed.
    """
    if file.exists():
        raise BackupFailed(f"{file} exists. Name a new file, so that no copy is lost.")
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with unfinished.open("xb"):
            unfinished.chmod(0o600)
        _copy(engine, unfinished)
        unfinished.rename(file)
    except OSError as error:
        raise BackupFailed(f"{file}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(engine: Engine, file: Path) -> None:
    if engine.dialect.name == "sqlite":
        _copy_sqlite(engine.url.database or "", file)
    else:
        _dump_postgresql(engine, file)


def _copy_sqlite(source: str, file: Path) -> None:
    live = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    with closing(live), closing(sqlite3.connect(file)) as copy:
        live.backup(copy)
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise BackupFailed(f"The database is damaged ({verdict}); no copy was kept.")


def _dump_postgresql(engine: Engine, file: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupFailed("pg_dump is not installed here. Install the PostgreSQL client.")
    url = engine.url
    place = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username,
             "PGPASSWORD": url.password, "PGDATABASE": url.database}  # fmt: skip
    env = os.environ | {name: str(value) for name, value in place.items() if value is not None}
    done = subprocess.run(
        [program, "--format=custom", f"--file={file}"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"pg_dump: {done.stderr.strip()}")
