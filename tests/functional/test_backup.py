"""`registry backup`: a copy that opens, taken while somebody writes; never half of one."""

import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from factories import a_patient
from servers import find

from registry import backup
from registry.db import transaction
from registry.models import Instance
from registry.runtime import Runtime


def test_the_copy_holds_what_was_committed_while_a_writer_is_at_work(
    registry: Runtime, tmp_path: Path
) -> None:
    patient = a_patient(registry)
    file = tmp_path / "copy"
    engine = registry.sessions.engine
    if engine.dialect.name == "postgresql" and shutil.which("pg_dump") is None:
        with pytest.raises(backup.BackupFailed, match="PostgreSQL client"):
            backup.backup(engine, file)
        return
    with transaction(registry) as session:
        session.get_one(Instance, 1).numbered = 4711
        session.flush()
        backup.backup(engine, file)
    if engine.dialect.name == "sqlite":
        found = sqlite3.connect(file).execute("SELECT study_number FROM patient").fetchall()
        assert found == [(patient.study_number,)]
        (numbered,) = sqlite3.connect(file).execute("SELECT numbered FROM instance").fetchone()
        assert numbered != 4711
    else:
        restore = find("pg_restore")
        assert restore
        listed = subprocess.run([restore, "--list", file], capture_output=True, check=True)
        assert b"TABLE DATA public patient " in listed.stdout


def test_no_copy_is_overwritten_and_none_left_half_done(registry: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "copy"
    file.write_text("the copy of yesterday")
    with pytest.raises(backup.BackupFailed, match="exists"):
        backup.backup(registry.sessions.engine, file)
    assert file.read_text() == "the copy of yesterday"
    with pytest.raises(backup.BackupFailed):
        backup.backup(registry.sessions.engine, tmp_path / "nowhere" / "copy")
    assert [path.name for path in tmp_path.glob("*unfinished*")] == []
