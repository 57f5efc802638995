"""What fixtures and tests share: settings of a test's registry, and leaving out aloud."""

import os
import shutil
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from registry import db
from registry.settings import Settings

LEFT_OUT = "LEFT OUT:"
MEMORY = Path("/dev/shm")
ENOUGH = 3 * 1024**3  # bytes: two database servers, and what the largest tests keep at a time


def write_to_memory() -> None:
    """Temporary files of this process and of those it starts go to memory, if there is enough.

    Nothing is left out but the wait for a disk: whatever asks for its writes to be durable still
    asks, and no test pulls the machine's plug. Whoever sets TMPDIR decides otherwise.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return
    if shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def compile_statements_once() -> None:
    """All engines of a dialect share what SQLAlchemy compiled. It keeps that by engine, and so
    would compile the same few hundred statements again in each test.
    """
    create, firsts, compiled = db.create_engine, dict[str, Engine](), dict[Any, Any]()

    def _create(url: str, **given: Any) -> Engine:
        engine = create(url, **given)
        first = firsts.get(engine.dialect.name)
        if first is None or first.dialect.server_version_info is None:  # it never connected
            firsts[engine.dialect.name] = first = engine
        engine.dialect = first.dialect
        engine.update_execution_options(compiled_cache=compiled)
        return engine

    db.create_engine = _create


def leave_out(config: pytest.Config, what: str, remedy: str) -> None:
    """Skip, and say so at the end of the run; or fail where nothing may be left out."""
    if config.getoption("--nothing-left-out"):
        pytest.fail(f"{what} must not be left out: {remedy}")
    pytest.skip(f"{LEFT_OUT} {what}. To run it: {remedy}")


def key(letter: str) -> bytes:
    """A key for tests."""
    return letter.encode() * 32


def settings_for(url: str) -> Settings:
    """Settings of a test's registry on this database."""
    return Settings(
        database_url=url,
        secret_key=key("s"),
        audit_key=key("a"),
        token_keys={1: key("t")},
        master_keys={1: key("m")},
        index_key=key("i"),
        public_url="http://registry.test",
        door_url="http://door.test",
        mail_from="registry@example.org",
        send_window="always",
        journal=None if url.startswith("sqlite") else _journal_for(url),
    )


def _journal_for(url: str) -> Path:
    """The side journal of a test's own database on a server; taken away with the run's folder."""
    return Path(_journals().name) / f"{sha256(url.encode()).hexdigest()[:20]}.jsonl"


@cache
def _journals() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="registry-journals-")
