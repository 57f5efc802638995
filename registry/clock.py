"""The only module that reads the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import Engine, text


class Clock(Protocol):
    """Whatever can be asked for the present instant, as aware UTC."""

    def now(self) -> datetime: ...


def _wall() -> datetime:
    return datetime.now(UTC)


def _steady() -> timedelta:
    """Time since the machine started, which nobody sets; sleep counts where that can be asked."""
    kind = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return timedelta(seconds=time.clock_gettime(kind))


class SystemClock:
    """The clock of this machine, and how far it was set since it was trusted last.

    `is_doubted`: it was found moved, and letters are held for it.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = _wall,
        steady: Callable[[], timedelta] = _steady,
    ) -> None:
        self._wall, self._steady = wall, steady
        self.is_doubted = False
        self._began = self._apart()

    def now(self) -> datetime:
        return self._wall()

    def shift(self) -> timedelta:
        """How far the wall clock was set, forward or back, since it was trusted last."""
        return self._apart() - self._began

    def trust(self) -> None:
        """What the clock says now is right."""
        self._began, self.is_doubted = self._apart(), False

    def _apart(self) -> timedelta:
        return self._wall() - datetime.fromtimestamp(0, UTC) - self._steady()


class DatabaseClock:
    """The clock of the PostgreSQL server: workers whose own clocks differ still agree on leases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def now(self) -> datetime:
        with self._engine.connect() as connection:
            instant: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return instant.astimezone(UTC)


class FixedClock:
    """A clock that stands until it is moved: tests and the demo live by it."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        return self.instant

    def advance(self, **duration: float) -> None:
        """Move forward by `timedelta(**duration)`."""
        self.instant += timedelta(**duration)

    def move_to(self, instant: datetime) -> None:
        """Stand at `instant` (aware) from now on."""
        self.instant = instant.astimezone(UTC)
