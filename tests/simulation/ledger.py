"""What really happened, in its order: the oracle's only witness besides the tables at the end."""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class Fact:
    """Something that was committed: who did what, and what the promise makes of it.

    `kind`: enrolled, corrected, answered, unsubscribed, left, died, moved (another address).
    """

    kind: str
    patient: str
    patient_id: int | None = None
    month: int | None = None
    treated_on: date | None = None
    address: str | None = None


@dataclass(frozen=True)
class Committed:
    """A fact with its place in the order of everything."""

    count: int
    at: datetime
    fact: Fact


@dataclass
class Attempt:
    """One message body given to the mail server. `marked`: the place of the worker's last commit
    before it; `on_paper`: the state in which the table showed the letter just then.
    """

    count: int
    marked: int
    marked_at: datetime
    at: datetime
    recipient: str
    raw: bytes
    message_id: str
    dated_at: datetime
    token: str
    on_paper: str
    worker: str
    woke_late: bool  # it stood still for longer than a lease before it began
    arrived: bool = False
    refused: str | None = None  # "450", "550": certainly not taken
    lost: bool = False  # no reply came
    recorded: bool = False  # the worker committed after the reply
    stalled: bool = False  # and was held up for longer than a lease before it did

    @property
    def is_uncertain(self) -> bool:
        """It may have arrived, and the worker could not write down what became of it in time."""
        return self.is_open_ended or (self.refused is None and self.stalled)

    @property
    def is_open_ended(self) -> bool:
        """It may have arrived, and nobody knows what became of it: this is to be counted."""
        return self.refused is None and (self.lost or not self.recorded)


@dataclass
class Refusal:
    """An address that the server said does not exist. `recorded`, `stalled`: as of an attempt."""

    address: str
    recorded: bool = False
    stalled: bool = False


@dataclass
class Ledger:
    """Everything that the outside world knows. `asked`: whose wish for no letters was cut off by a
    death at the commit; the side journal may have kept it.
    """

    facts: list[Committed] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    pending: list[Fact] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    calm_from: datetime | None = None


@dataclass
class LastCommit:
    """The newest commit of one worker, and the letter whose result the next one will keep."""

    count: int
    at: datetime
    attempt: Attempt | Refusal | None = None

    def committed(self, count: int, at: datetime, has_stalled: bool) -> None:
        """A commit after the reply keeps the result."""
        self.count, self.at = count, at
        if self.attempt is not None:
            self.attempt.recorded, self.attempt.stalled = True, has_stalled
            self.attempt = None
