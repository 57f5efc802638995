"""What every command needs: a runtime from the environment, a schema at head, a progress bar."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Any

import click

from registry import migrate
from registry.errors import DomainError
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings


@contextmanager
def runtime_from_env(*, door: bool = False) -> Iterator[Runtime]:
    """The registry that the environment describes."""
    runtime = make_runtime(Settings.from_env(os.environ, door=door))
    try:
        yield runtime
    finally:
        runtime.close()


class NotMigrated(DomainError):
    """The tables are missing, or older than this software."""


def migrated(runtime: Runtime) -> None:
    """Refuse to work on a database that is not at head."""
    if not migrate.is_at_head(runtime.sessions.engine):
        raise NotMigrated("The database is not at the newest schema. Run `registry migrate`.")


class Progress:
    """A bar on a terminal, shown once the work has taken two seconds."""

    PATIENCE = 2.0  # seconds

    def __init__(self, label: str, length: int = 0) -> None:
        self.label, self.length = label, length
        self._done = self._drawn = 0
        self._bar: Any = None
        self._began = monotonic()

    def __enter__(self) -> "Progress":
        return self

    def moved(self, count: int) -> None:
        """So much more is done."""
        self._done += count
        late = monotonic() - self._began > self.PATIENCE
        if self._bar is None and late and sys.stderr.isatty():
            self._bar = click.progressbar(length=self.length, label=self.label, file=sys.stderr)
            self._bar.__enter__()
        if self._bar is not None:
            self._bar.update(self._done - self._drawn)
            self._drawn = self._done

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)
