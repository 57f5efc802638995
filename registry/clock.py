"""The only module that reads the time."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import Engine, text


class Clock(Protocol):
    """Whatever can be asked for the present instant, as aware UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


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
