"""The storm: every process of the production shape, killed about once a second, and then calm."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event
from time import monotonic

import psycopg
from kombu.exceptions import OperationalError

from chaos.clinic import Clinic
from chaos.shape import Shape
from chaos.victims import children, slay
from registry.actions import dead_letters
from registry.db import transaction
from workers.app import make_app

GAP = (0.5, 1.5)  # seconds between two kills
WEIGHTS = {"worker": 2, "beat": 1, "postgresql": 1, "redis": 2, "sink": 2}
START = 120.0  # seconds for everybody to be at work
STALE = 10.0  # seconds after which a hint is dropped
SENDER = 0.6  # of the kills of a worker hit only one of the processes that it forked
LEAPS = 3  # with the one in the calm a letter loses fewer workers than make it a person's matter
WAITS = """
    SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased', 'handover'))
         + (SELECT count(*) FROM follow_up WHERE month = 1 AND state = 'planned')
"""
LEAP = (
    "UPDATE outbox SET lease_until = clock_timestamp() WHERE state IN ('leased', 'handover')",
    "UPDATE outbox SET next_attempt_at = clock_timestamp() WHERE state = 'queued'",
)


@dataclass
class Storm:
    """What happens to a shape, in an order that `order` draws. `came`: mails while it raged."""

    shape: Shape
    order: Random
    kills: Counter[str] = field(default_factory=Counter)
    came: int = 0
    pause: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._broker = make_app(self.shape.runtime.settings)

    def rage(self, seconds: float) -> None:
        """Kill for so long, from the first letter on. Now and then time leaps: what a dead worker
        held is free again.
        """
        self._until(self._came, START)
        began, leaps = monotonic(), 0
        while (elapsed := monotonic() - began) < seconds:
            self.pause.wait(self.order.uniform(*GAP))
            self._mind()
            self._strike()
            self.hint()
            if elapsed > (leaps + 1) * seconds / (LEAPS + 1) and leaps < LEAPS:
                leaps += self.leap()
        self.came = self._came()

    def _strike(self) -> None:
        """Kill one of those that are at work: who still starts up is spared, or none would work.
        First each kind has its turn.
        """
        ready = [one for one in self.shape.victims if one.is_at_work()]
        ready = [one for one in ready if not self.kills[one.kind]] or ready
        weights = [WEIGHTS[one.kind] for one in ready]
        for one in self.order.choices(ready, weights) if ready else ():
            forked = list(children(one.process.pid)) if one.kind == "worker" else []
            if forked and self.order.random() < SENDER:
                slay(self.order.choice(forked))
                self.kills["sender"] += 1
            else:
                one.kill()
                self.kills[one.kind] += 1

    def hint(self) -> None:
        """Ask for the jobs as the beats do: those do it every half minute and seldom live so long.
        A worker whose job failed would else wait as long before it tries again.
        """
        with suppress(OperationalError):
            if self._has_broker():
                job = self.order.choice(("queue_due", "send_due"))
                self._broker.send_task(job, expires=STALE, retry=False)

    def _has_broker(self) -> bool:
        return any(one.kind == "redis" and one.is_at_work() for one in self.shape.victims)

    def leap(self) -> bool:
        """Do at once what hours would do: leases run out, pauses end. False: no database now."""
        try:
            with psycopg.connect(self.shape.database, autocommit=True) as connection:
                for statement in LEAP:
                    connection.execute(statement)
        except psycopg.OperationalError:
            return False
        return True

    def calm(self, clinic: Clinic, patience: float) -> None:
        """No more kills: what waits goes out, and a person looks at what was parked."""
        self.await_all()
        clinic.finish()
        self._drain(patience)
        if self._look_after_the_parked():
            self._drain(patience)

    def await_all(self) -> None:
        """Until everybody is at work."""
        self._until(lambda: all(one.is_at_work() for one in self.shape.victims), START)

    def _drain(self, patience: float) -> None:
        self.leap()
        self._until(lambda: not self._waiting(), patience)

    def _until(self, is_reached: Callable[[], object], patience: float) -> None:
        ends = monotonic() + patience
        while monotonic() < ends and not is_reached():
            self._mind()
            self.hint()
            self.pause.wait(0.5)

    def _mind(self) -> None:
        """Start again who ended by itself, as a supervisor does."""
        for one in self.shape.victims:
            one.mind()

    def _came(self) -> int:
        return sum(1 for _ in self.shape.letters.glob("*.eml"))

    def _waiting(self) -> int:
        with psycopg.connect(self.shape.database) as connection:
            row = connection.execute(WAITS).fetchone()
        return int(row[0]) if row else 0

    def _look_after_the_parked(self) -> int:
        """Two attempts ended uncertain, so a person looks into the mail server's log, and has that
        sent again which never came.
        """
        came = b"\n".join(file.read_bytes() for file in self.shape.letters.glob("*.eml"))
        parked = "SELECT id, message_id FROM outbox WHERE state = 'parked' AND resent = 0"
        with psycopg.connect(self.shape.database) as connection:
            found = connection.execute(parked).fetchall()
        lost = [number for number, message_id in found if message_id.encode() not in came]
        for number in lost:
            with transaction(self.shape.runtime) as session:
                at = self.shape.runtime.clock.now()
                dead_letters.resend(session, number, by="chaos", at=at)
        return len(lost)
