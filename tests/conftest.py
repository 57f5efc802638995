"""Real databases, a clock that tests move, and a list of what was left out."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from servers import find, open_folder, postgresql
from support import (
    LEFT_OUT,
    compile_statements_once,
    leave_out,
    settings_for,
    write_to_memory,
)

from registry import migrate
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import make_engine, transaction
from registry.runtime import Runtime, make_runtime

# of the server that all tests share
HURRY = {"full_page_writes": "off", "max_wal_size": "256MB"}
START = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
# a loaded machine must not fail a property by the clock; derandomised, so that CI can be repeated
hypothesis_settings.register_profile("registry", deadline=None, derandomize=True)
hypothesis_settings.load_profile("registry")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--nothing-left-out", action="store_true", help="a test that must be left out fails"
    )


def pytest_configure() -> None:
    write_to_memory()
    compile_statements_once()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was left out, once each, with the line that installs what it needs."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)}
    for reason in sorted(reasons):
        if LEFT_OUT in reason:
            terminalreporter.write_line(reason.removeprefix("Skipped: "))


@pytest.fixture(scope="session")
def postgresql_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """The private PostgreSQL server of this run, with a migrated database `template_registry`, and
    one that is prepared as well.
    """
    if not (find("postgres") and find("initdb")):
        leave_out(pytestconfig, "everything on PostgreSQL", "apt-get install postgresql")
    with open_folder() as folder, postgresql(folder, **HURRY) as url:
        _sql(url, "CREATE DATABASE template_registry")
        _migrated(f"{url}/template_registry")
        _sql(url, _copy("template_prepared", "template_registry"))
        _prepared(f"{url}/template_prepared")
        yield url


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of SQLite files to copy: `registry` is migrated, `prepared` prepared as well."""
    folder = tmp_path_factory.mktemp("template")
    _migrated(f"sqlite:///{folder}/registry.sqlite")
    shutil.copy(folder / "registry.sqlite", folder / "prepared.sqlite")
    _prepared(f"sqlite:///{folder}/prepared.sqlite")
    return folder


def _migrated(url: str) -> None:
    engine = make_engine(url)
    migrate.to_head(engine)
    engine.dispose()


def _prepared(url: str) -> None:
    runtime = make_runtime(settings_for(url), FixedClock(START), guarded=True)
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=START)
    runtime.close()


def _sql(url: str, statement: str) -> None:
    address = url.replace("+psycopg", "") + "/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


def _copy(name: str, template: str) -> str:
    """SQL: files copied in memory take half the time of blocks that go through the log."""
    return f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"


@pytest.fixture
def sqlite_url(sqlite_templates: Path, tmp_path: Path) -> str:
    """A fresh SQLite database at head."""
    return _file(sqlite_templates / "registry.sqlite", tmp_path)


def _file(template: Path, folder: Path) -> str:
    file = folder / "registry.sqlite"
    shutil.copy(template, file)
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database at head: each test that uses it runs on SQLite and on PostgreSQL.

    For a test that uses `registry` it is prepared.
    """
    template = "prepared" if "registry" in request.fixturenames else "registry"
    if request.param == "sqlite":
        yield _file(request.getfixturevalue("sqlite_templates") / f"{template}.sqlite", tmp_path)
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"test_{uuid4().hex}"
    _sql(server, _copy(name, f"template_{template}"))
    yield f"{server}/{name}"
    _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at a Monday morning until the test moves it."""
    return FixedClock(START)


@pytest.fixture
def make(clock: FixedClock) -> Iterator[Callable[[str], Runtime]]:
    """Makes runtimes on a database; they are closed at the end."""
    made: list[Runtime] = []

    def _make(url: str) -> Runtime:
        made.append(make_runtime(settings_for(url), clock, guarded=True))
        return made[-1]

    yield _make
    for runtime in made:
        runtime.close()


@pytest.fixture
def runtime(database_url: str, make: Callable[[str], Runtime]) -> Runtime:
    """A registry at head on SQLite, and again on PostgreSQL; un-audited writes are refused."""
    return make(database_url)


@pytest.fixture
def registry(runtime: Runtime) -> Runtime:
    """A registry with its identity and the bundled protocol in force, as `registry migrate` leaves
    it; on SQLite, and again on PostgreSQL. `database_url` has done it.
    """
    return runtime
