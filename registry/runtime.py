"""What every edge is handed: settings, sessions, clock, and the keys' users."""

from dataclasses import dataclass

from registry import audit
from registry.clock import Clock, SystemClock
from registry.db import Sessions, make_engine
from registry.settings import Settings
from registry.vault import Vault


@dataclass(frozen=True)
class Runtime:
    """One per process (or test). `vault` is None where the master key is not given: at the door."""

    settings: Settings
    sessions: Sessions
    clock: Clock
    vault: Vault | None

    def close(self) -> None:
        """Give the connections back."""
        self.sessions.engine.dispose()


def make_runtime(
    settings: Settings, clock: Clock | None = None, *, guarded: bool = False
) -> Runtime:
    """Connect. `guarded` refuses un-audited commits (tests, demo)."""
    sessions = Sessions(make_engine(settings.database_url), audit_key=settings.audit_key)
    if guarded:
        audit.guard(sessions.writing)
    vault = Vault(settings.master_keys, settings.index_key) if settings.master_keys else None
    return Runtime(settings, sessions, clock or SystemClock(), vault)
