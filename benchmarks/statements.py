"""What the product asks of the database, by transaction, to be asked again by the plain driver.

It is the least for any program that leaves the same rows behind, or gets the same answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from benchmarks.registries import begin

READS = ("SELECT", "WITH")
WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass(slots=True)
class Kept:
    """Statements with their parameters, by committed transaction."""

    transactions: list[list[tuple[str, Any]]] = field(default_factory=list)

    @property
    def statements(self) -> int:
        """How many there are."""
        return sum(map(len, self.transactions))

    def again(self, connection: Any) -> list[int]:
        """Carry all of them out on a database that is where this one was; gives how many rows each
        one handed over.
        """
        rows = []
        for statements in self.transactions:
            begin(connection)
            cursor = connection.cursor()
            for statement, parameters in statements:
                is_many = isinstance(parameters, list)
                (cursor.executemany if is_many else cursor.execute)(statement, parameters)
                rows.append(len(cursor.fetchall()) if cursor.description else 0)
            connection.commit()
        return rows


@contextmanager
def kept(engine: Engine, verbs: tuple[str, ...] = WRITES) -> Iterator[Kept]:
    """Keep every statement of these verbs that goes through the engine and is committed."""
    found = Kept()
    pending: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().startswith(verbs):
            pending.append((statement, parameters))

    def end(_connection: Any) -> None:
        if pending:
            found.transactions.append(pending[:])
            pending.clear()

    listeners = (("before_cursor_execute", note), ("commit", end))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)
