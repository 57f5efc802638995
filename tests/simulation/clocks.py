"""The clocks that a process can ask: the database's, and its own, which is wrong."""

from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from simulation.hub import Hub


@dataclass(frozen=True)
class DatabaseTime:
    """Stands for the server's clock; asking it is a round trip, at which anything can happen."""

    hub: Hub
    connection: Connection

    def now(self) -> datetime:
        if not self.connection.in_transaction:
            self.hub.step("the clock")
        return self.hub.now


@dataclass(frozen=True)
class LocalTime:
    """The clock of the process's own machine: up to days ahead or behind."""

    hub: Hub

    def now(self) -> datetime:
        mine = self.hub.current
        return self.hub.now + mine.skew if mine else self.hub.now
