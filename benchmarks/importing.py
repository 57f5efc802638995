"""Import: `registry import patients` against the same rows written by the plain driver."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Table

from benchmarks import people
from benchmarks.measure import Result, Stopwatch, say
from benchmarks.peak import run
from benchmarks.plan import Plan
from benchmarks.registries import Store, bare, begin, environment
from registry.db import Base

CHUNK = 1000
LIMIT = "the same rows into the same tables by executemany, one transaction"


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    file = people.patients_csv(plan.folder / "patients.csv", plan.patients)
    for store in plan.stores:
        ours, limit, peaks, rows = [], [], [], 0
        for number in range(1, min(plan.rounds, 3) + 1):
            say(f"import into {store.name}, round {number}")
            url = store.fresh()
            took, most = run(["import", "patients", str(file)], environment(url))
            ours.append(took)
            peaks.append(most)
            took, rows = _bare(store, url)
            limit.append(took)
        best = min(ours) / plan.patients * 1e3
        yield Result(
            f"import of patients.csv, {store.name}",
            "patients",
            plan.patients,
            ours,
            {LIMIT: limit},
            [
                f"{rows / plan.patients:.1f} rows and at best {best:.2g} ms a patient",
                f"peak memory {max(peaks):.0f} MB",
            ],
        )


def _bare(store: Store, source: str) -> tuple[float, int]:
    """Seconds to write what the import wrote into a fresh database, and how many rows that is."""
    watch, rows = Stopwatch(), 0
    source_connection, target = bare(source), bare(store.fresh())
    with watch.running():
        begin(target)
    for table in Base.metadata.sorted_tables:
        for chunk in _new_rows(table, source_connection, target):
            rows += len(chunk)
            with watch.running():
                target.cursor().executemany(_insert(table, store.name), chunk)
    with watch.running():
        target.commit()
    source_connection.close()
    target.close()
    return watch.seconds, rows


def _insert(table: Table, store: str) -> str:
    mark = "?" if store == "SQLite" else "%s"
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join(mark for _ in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"


def _new_rows(table: Table, source: Any, target: Any) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a table that a fresh database does not have, ready to be written."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    keys = [list(table.columns).index(column) for column in table.primary_key]
    reading = f"SELECT {names} FROM {table.name}"
    had = {tuple(row[i] for i in keys) for row in target.cursor().execute(reading)}
    cursor = source.cursor()
    cursor.execute(reading)
    rows = (
        tuple(Jsonb(value) if isinstance(value, dict | list) else value for value in row)
        for row in cursor
        if tuple(row[i] for i in keys) not in had
    )
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
