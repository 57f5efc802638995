"""Faults planted at a chosen statement, to see that nothing is left half done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from registry.runtime import Runtime


class Broken(Exception):
    """The machine failed here."""


@contextmanager
def faulty(runtime: Runtime, *, at_insert: int) -> Iterator[None]:
    """The `at_insert`-th INSERT from now on fails, and so does every one after it."""
    seen = 0

    def _fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal seen
        seen += statement.lstrip().upper().startswith("INSERT")
        if seen >= at_insert:
            raise Broken(statement[:60])

    engine = runtime.sessions.engine
    event.listen(engine, "before_cursor_execute", _fail)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", _fail)
