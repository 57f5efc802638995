"""The schema: one way up and down, no drift, and the guards that live in the database."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

import migrations.versions
from registry import audit, migrate
from registry.db import Base, transaction
from registry.runtime import Runtime

FOLDER = Path(migrations.versions.__file__).parent


def test_there_is_no_drift_between_models_and_migrations(runtime: Runtime) -> None:
    with runtime.sessions.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_down_to_nothing_and_up_again(runtime: Runtime) -> None:
    engine = runtime.sessions.engine
    migrate.to_revision(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert not migrate.is_at_head(engine)
    migrate.to_head(engine)
    assert migrate.is_at_head(engine)


def test_revisions_are_numbered_and_named_like_their_files() -> None:
    names = sorted(file.stem for file in FOLDER.glob("0*.py"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for name in names:
        source = (FOLDER / f"{name}.py").read_text()
        assert f'revision = "{name}"' in source
        assert not re.search(r"^(from|import) (registry|workers|surveys)", source, re.MULTILINE)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET by = 'x'", "DELETE FROM audit_event"]
)
def test_the_trail_takes_no_change(runtime: Runtime, statement: str) -> None:
    with transaction(runtime) as session:
        audit.record(
            session, by="test", at=runtime.clock.now(), action="tested", subject="registry"
        )
    with pytest.raises(DBAPIError, match="append-only"), transaction(runtime) as session:
        session.execute(text(statement))


def test_current_facts_are_unique_by_partial_index(runtime: Runtime) -> None:
    for table in ("identity", "treatment_course", "answer", "response_status"):
        indexes = inspect(runtime.sessions.engine).get_indexes(table)
        assert any(index["unique"] and "fact_key" in index["column_names"] for index in indexes), (
            table
        )


def test_postgresql_refuses_truncate(postgresql_url: str, make: Callable[[str], Runtime]) -> None:
    runtime = make(f"{postgresql_url}/template_registry")
    with pytest.raises(DBAPIError, match="append-only"), transaction(runtime) as session:
        session.execute(text("TRUNCATE audit_event"))
