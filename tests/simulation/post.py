"""The mail server and the mailer that talks to it: a real `Mailer`, with every way to fail."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from sqlite3 import Connection

from registry.bounces.kinds import Fault
from registry.mail import Deferred, Lost, Rejected, Unreachable
from simulation.hub import Hub, Process
from simulation.ledger import Attempt, LastCommit, Ledger, Refusal

TOKEN = re.compile(rb"/s/([\w.-]+)")
HEADER = re.compile(rb"^(Message-ID|Date): (.*?)\r?$", re.MULTILINE)
STATE = "SELECT state FROM outbox WHERE message_id = ?"
DAWDLING = (45.0, 57.0)  # seconds; a worker's patience with one letter ends after 60
NEVER_TIRES = 1e6
REPLY_WITHIN = 590.0  # seconds; a client that waits ten minutes gets every reply of this server


@dataclass
class PostOffice:
    """One mail server. Chances per letter; `down_until`: it cannot be reached before; `tires_after`
    so many seconds with one worker it answers as late as it may.
    """

    hub: Hub
    ledger: Ledger
    database: Connection
    down_until: datetime
    unreachable: float = 0.0
    later: float = 0.0
    policy: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    dawdles: float = 0.0
    tires_after: float = NEVER_TIRES
    no_such_mailbox: set[str] = field(default_factory=set)
    on_open: list[Callable[[str], None]] = field(default_factory=list)
    on_body: list[Callable[[str], None]] = field(default_factory=list)
    on_late: list[Callable[[str], None]] = field(default_factory=list)
    on_lost: list[Callable[[str], None]] = field(default_factory=list)

    def clear(self) -> None:
        """From now on nothing fails but addresses that do not exist."""
        self.unreachable = self.later = self.policy = self.lost = 0.0
        self.slow = self.dawdles = 0.0
        self.tires_after = NEVER_TIRES
        self.down_until = self.hub.now

    def is_lucky(self, chance: float) -> bool:
        """Throw the dice."""
        return self.hub.dice.random() < chance


class WorkerMailer:
    """One worker's connection to the post office."""

    def __init__(self, office: PostOffice, worker: Process, last: LastCommit) -> None:
        self._office, self._worker, self._last = office, worker, last
        self._recipient, self._began = "", office.hub.now

    def open(self, sender: str, recipient: str) -> None:
        office, hub = self._office, self._office.hub
        self._worker.has_stalled = False
        hub.step("CONNECT")
        if hub.now < office.down_until or office.is_lucky(office.unreachable):
            hub.sleep(hub.dice.choice([0.0, 10.0]))
            raise Unreachable("TimeoutError: timed out")
        for tell in office.on_open:
            tell(recipient)
        hub.step("RCPT")
        hub.sleep(hub.dice.choice([0.0, 1.0, 1.0]))  # in a second somebody may have left
        if office.is_lucky(office.dawdles):
            hub.sleep(hub.dice.uniform(*DAWDLING))
        if recipient in office.no_such_mailbox:
            self._last.attempt = Refusal(recipient)
            office.ledger.refusals.append(self._last.attempt)
            raise Rejected("550 5.1.1 no such mailbox", Fault.ADDRESS)
        if office.is_lucky(office.later):
            raise Deferred("451 4.7.1 greylisted, come again")
        self._recipient = recipient

    def hand_over(self, message: bytes) -> str:
        office, hub = self._office, self._office.hub
        attempt = self._last.attempt = self._begun(message)
        office.ledger.attempts.append(attempt)
        hub.tell(f"DATA to {self._recipient}, dated {attempt.dated_at:%Y-%m-%d %H:%M:%S}")
        for tell in office.on_body:
            tell(self._recipient)
        hub.wake_sleepers()
        hub.step("DATA")
        if office.is_lucky(office.later):
            attempt.refused = "452"
            raise Deferred("452 4.3.1 no room just now")
        if office.is_lucky(office.policy):
            attempt.refused = "554"
            raise Rejected("554 5.6.0 not liked", Fault.CONTENT)
        lost = office.is_lucky(office.lost)
        attempt.arrived = not lost or office.is_lucky(0.6)
        hub.step("the final dot")
        if lost:
            attempt.lost = True
            hub.tell("no reply" + (", taken all the same" if attempt.arrived else ""))
            for tell in office.on_lost:
                tell(self._recipient)
            hub.sleep(hub.dice.choice([0.0, 30.0, 600.0]))
            raise Lost("no reply after the message (TimeoutError)")
        if (hub.now - self._began).total_seconds() > office.tires_after:
            self._wait(hub.dice.uniform(500, REPLY_WITHIN))
        elif office.is_lucky(office.slow):
            self._wait(hub.dice.uniform(60, REPLY_WITHIN))
        hub.step("250")
        return "250 2.0.0 taken"

    def _wait(self, seconds: float) -> None:
        """For a late reply; something happens just before it comes."""
        self._office.hub.sleep(seconds - 5)
        for tell in self._office.on_late:
            tell(self._recipient)
        self._office.hub.sleep(5)

    def abandon(self) -> None:
        self._office.hub.step("RSET")

    def close(self) -> None:
        pass

    def _begun(self, message: bytes) -> Attempt:
        office, last = self._office, self._last
        headers = {name: value.decode() for name, value in HEADER.findall(message)}
        token = TOKEN.search(message)
        message_id = headers[b"Message-ID"]
        row = office.database.execute(STATE, (message_id,)).fetchone()
        return Attempt(
            count=office.hub.count,
            marked=last.count,
            marked_at=last.at,
            at=office.hub.now,
            recipient=self._recipient,
            raw=message,
            message_id=message_id,
            dated_at=parsedate_to_datetime(headers[b"Date"]),
            token=token[1].decode() if token else "",
            on_paper=row[0] if row else "nowhere",
            worker=self._worker.name,
            woke_late=self._worker.has_stalled,
        )
