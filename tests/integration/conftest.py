"""The stage on which workflows are broken, on both databases or on SQLite alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from interrupted import staged
from workflows import Stage

from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import transaction
from registry.runtime import Runtime


@pytest.fixture
def stage(registry: Runtime, clock: FixedClock, tmp_path: Path) -> Stage:
    """On SQLite, and again on PostgreSQL."""
    return staged(registry, clock, tmp_path)


@pytest.fixture
def small_stage(
    sqlite_url: str, make: Callable[[str], Runtime], clock: FixedClock, tmp_path: Path
) -> Stage:
    """On SQLite only: for what is done hundreds of times."""
    runtime = make(sqlite_url)
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=clock.now())
    return staged(runtime, clock, tmp_path)
