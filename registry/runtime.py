"""What every edge is handed: settings, sessions, clock, and the keys' users."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from registry import audit, journaling
from registry.clock import Clock, DatabaseClock, SystemClock
from registry.db import Sessions, make_engine
from registry.journal import FileStore, Journal, MemoryStore
from registry.models import Instance
from registry.settings import Settings
from registry.vault import Vault

DEMO_NOW = select(Instance.demo_now)


@dataclass(frozen=True)
class Runtime:
    """One per process (or test). `vault` is None where the master key is not given: at the door."""

    settings: Settings
    sessions: Sessions
    clock: Clock
    vault: Vault | None
    journal: Journal

    def close(self) -> None:
        """Give the connections back."""
        self.sessions.engine.dispose()


def make_runtime(
    settings: Settings, clock: Clock | None = None, *, guarded: bool = False
) -> Runtime:
    """Connect. `guarded` refuses un-audited commits (tests, demo).

    Without a `clock`: a demo database stands at its own day, PostgreSQL is asked for the time, and
    the embedded shape has the machine's.
    """
    sessions = Sessions(make_engine(settings.database_url), audit_key=settings.audit_key)
    audit.keep_facts(sessions.writing)
    if guarded:
        audit.guard(sessions.writing)
    vault = Vault(settings.master_keys, settings.index_key) if settings.master_keys else None
    journal = make_journal(settings)
    journaling.keep(sessions.writing, journal)
    return Runtime(settings, sessions, clock or _clock_of(settings, sessions), vault, journal)


def make_journal(settings: Settings) -> Journal:
    """The side journal that the settings name."""
    file = settings.journal_file
    return Journal(FileStore(file) if file else MemoryStore(), settings.audit_key)


class DemoClock:
    """Stands where the demo database says; whoever moves `instance.demo_now` moves it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def now(self) -> datetime:
        instant = demo_now(self._sessions)
        if instant is None:
            raise RuntimeError("this is no demo database any more; start again")
        return instant


def demo_now(sessions: Sessions) -> datetime | None:
    """Where a demo database's clock stands; None for every other database."""
    # marked as reading: it must not wait for a writer on SQLite
    with sessions.engine.execution_options(registry_reading=True).connect() as connection:
        return connection.scalar(DEMO_NOW)


def _clock_of(settings: Settings, sessions: Sessions) -> Clock:
    if not settings.embedded:
        return DatabaseClock(sessions.engine)
    try:
        is_demo = demo_now(sessions) is not None
    except OperationalError:  # no tables yet: `registry migrate` comes first
        is_demo = False
    return DemoClock(sessions) if is_demo else SystemClock()
