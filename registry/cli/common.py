"""What every command needs: a runtime made from the environment, closed at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

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
