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
from support import LEFT_OUT, leave_out, settings_for, write_to_memory

from registry import migrate
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import make_engine, transaction
from registry.runtime import Runtime, make_runtime

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was left out, once each, with the line that installs what it needs."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)}
    for reason in sorted(reasons):
        if LEFT_OUT in reason:
            terminalreporter.write_line(reason.removeprefix("Skipped: "))


@pytest.fixture(scope="session")
def postgresql_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """The private PostgreSQL server of this run, with a migrated database `template_registry`."""
    if not (find("postgres") and find("initdb")):
        leave_out(pytestconfig, "everything on PostgreSQL", "apt-get install postgresql")
    with open_folder() as folder, postgresql(folder) as url:
        _sql(url, "CREATE DATABASE template_registry")
        _migrated(f"{url}/template_registry")
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    file = tmp_path_factory.mktemp("template") / "registry.sqlite"
    _migrated(f"sqlite:///{file}")
    return file


def _migrated(url: str) -> None:
    engine = make_engine(url)
    migrate.to_head(engine)
    engine.dispose()


def _sql(url: str, statement: str) -> None:
    address = url.replace("+psycopg", "") + "/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database at head."""
    file = tmp_path / "registry.sqlite"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database at head: each test that uses it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"test_{uuid4().hex}"
    _sql(server, f"CREATE DATABASE {name} TEMPLATE template_registry")
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
    it; on SQLite, and again on PostgreSQL.
    """
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=runtime.clock.now())
    return runtime
