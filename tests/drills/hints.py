"""Hints are lost, come three times, or nobody gives any; workers come and go. On real processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from threading import Event
from time import monotonic

import psycopg
from chaos.clinic import Clinic
from chaos.judge import collect, judge
from chaos.shape import Shape, shape
from chaos.sink import kept
from chaos.storm import WAITS
from chaos.victims import Victim
from redis import Redis

from drills.drill import Drill, Seen
from registry.app import create_app
from workers.app import make_app

PATIENCE = 180.0  # seconds, for what should take one
LATEST = 90.0  # seconds: a worker that nobody hints at looks every 36 at the latest
RESTARTS = 50
HINTS_AT_ONCE = 30
pause = Event()


@dataclass
class Stage:
    """All that runs, and the clinics that enrol."""

    shape: Shape
    clinic: Clinic

    def one(self, name: str) -> Victim:
        return next(each for each in self.shape.victims if each.name == name)

    @property
    def broker(self) -> Redis:
        return Redis.from_url(self.shape.runtime.settings.broker_url or "")

    def degraded(self) -> list[str]:
        """What /readyz says is wrong."""
        app = create_app(self.shape.runtime)
        return list(app.test_client().get("/readyz").get_json()["degraded"])

    def silence(self, time: timedelta) -> Iterator[Seen]:
        """What that time does, done at once: nobody has heard of a beat for so long."""

        def _is_known() -> bool:
            with psycopg.connect(self.shape.database) as connection:
                content = "UPDATE heartbeat SET last_run_at = last_run_at - %s WHERE job = 'beat'"
                connection.execute(content, (time,))
            return "beat" in self.degraded()

        known = until(_is_known)
        yield Seen(f"{time.days} days later /readyz names: {', '.join(self.degraded())}", known)

    def has_heard_of_a_beat(self) -> bool:
        with psycopg.connect(self.shape.database) as connection:
            found = connection.execute("SELECT 1 FROM heartbeat WHERE job = 'beat'").fetchone()
        return found is not None

    def waiting(self) -> int:
        with psycopg.connect(self.shape.database) as connection:
            row = connection.execute(WAITS).fetchone()
        return int(row[0]) if row else 0

    def letters_go(self, count: int, when: str) -> Iterator[Seen]:
        """So many more are enrolled, and their letters go."""
        began = monotonic()
        self.clinic.enrol(count)
        gone = until(lambda: self.waiting() == 0)
        took = monotonic() - began
        yield Seen(f"{count} letters {when}: gone after {took:.0f} s", gone and took < LATEST)

    def verdict(self) -> Iterator[Seen]:
        """Held against the tables: nothing lost, and no copy, for nobody was killed in the act."""
        ledger, mails = self.clinic.ledger, list(kept(self.shape.letters))
        found = judge(collect(self.shape.database, mails, ledger.addresses, ledger.left))
        for kind, cases in found.wrong.items():
            if cases:
                yield Seen(f"{kind}: {', '.join(cases[:5])}", is_well=False)
        copies = found.figures["letters that came twice"]
        uncertain = found.figures["uncertain attempts recorded"]
        counted = f"{len(ledger.addresses)} invitations, {len(mails)} mails"
        is_well = not copies and not uncertain and len(mails) == len(ledger.addresses)
        yield Seen(f"{counted}, {copies} copies, {uncertain} uncertain attempts", is_well)


def until(is_so: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Wait for it; whether it came in time."""
    ends = monotonic() + patience
    while monotonic() < ends:
        if is_so():
            return True
        pause.wait(0.5)
    return False


@contextmanager
def stage() -> Iterator[Stage]:
    """Two beats, two workers, PostgreSQL, Redis and a mail server, all at work."""
    with shape() as here:
        if not until(lambda: all(one.is_at_work() for one in here.victims)):
            raise RuntimeError("not everybody started")
        yield Stage(here, Clinic(here.runtime, Random(1), 1, 1.0))


def flushall() -> Iterator[Seen]:
    """The broker forgets everything, again and again."""
    with stage() as here:
        lost, hints = 0, make_app(here.shape.runtime.settings)
        for _ in range(10):
            here.clinic.enrol(20)
            for _ in range(HINTS_AT_ONCE):
                hints.send_task("send_due")
            lost += int(here.broker.llen("celery"))
            here.broker.flushall()
        yield Seen(f"10 times FLUSHALL, {lost} hints forgotten", lost > 0)
        yield from here.letters_go(20, "after it")
        yield from here.verdict()


def redis_down() -> Iterator[Seen]:
    """No broker, for a day."""
    with stage() as here:
        yield Seen("the beats are heard of", until(here.has_heard_of_a_beat))
        yield from here.letters_go(20, "with Redis")
        here.one("redis").destroy()
        yield from here.silence(timedelta(days=1))
        yield from here.letters_go(60, "without Redis")
        here.one("worker 1").destroy()
        here.one("worker 1").start()
        here.one("worker 2").destroy()
        yield from here.letters_go(20, "by a worker that was started without Redis")
        here.one("redis").start()
        back = until(lambda: "beat" not in here.degraded())
        yield Seen("Redis is back, and so are the hints of the beats", back)
        here.one("worker 2").start()
        yield from here.letters_go(20, "after it")
        yield from here.verdict()


def no_beat() -> Iterator[Seen]:
    """No beat, for a week."""
    with stage() as here:
        heard = until(here.has_heard_of_a_beat)
        yield Seen("two beats are heard of, and killed", heard)
        for name in ("beat 1", "beat 2"):
            here.one(name).destroy()
        here.broker.flushall()
        yield from here.silence(timedelta(days=7))
        yield from here.letters_go(60, "without a beat")
        for name in ("beat 1", "beat 2"):
            here.one(name).start()
        yield from here.letters_go(20, "with the beats again")
        yield from here.verdict()


def three_beats() -> Iterator[Seen]:
    """One beat too many, and one more."""
    with stage() as here:
        third = here.one("beat 1").another("beat 3")
        try:
            up = until(third.is_at_work)
            yield Seen("three beats and two workers at work", up)
            for _ in range(3):
                yield from here.letters_go(40, "with three beats")
            yield from here.verdict()
        finally:
            third.destroy()


def rolling_restarts() -> Iterator[Seen]:
    """A deploy, fifty times."""
    with stage() as here:
        slowest, ends, at_work = 0.0, list[int](), True
        for number in range(RESTARTS):
            here.clinic.enrol(10)
            worker = here.one(f"worker {1 + number % 2}")
            began = monotonic()
            worker.process.terminate()
            ends.append(worker.process.wait(PATIENCE))
            slowest = max(slowest, monotonic() - began)
            worker.start()
            at_work &= until(worker.is_at_work)
        told = f"{RESTARTS} restarts by SIGTERM while {10 * RESTARTS} letters went"
        yield Seen(f"{told}; the slowest ended after {slowest:.1f} s", at_work and slowest < 30)
        yield Seen(f"they ended with {sorted(set(ends))}", set(ends) == {0})
        yield from here.letters_go(20, "after it")
        yield from here.verdict()


ONCE = "every letter goes out once"
HINTS = (
    Drill("flushall", "Redis forgets all hints while letters are due", ONCE, flushall),
    Drill(
        "redis_down",
        "Redis is killed for a day; a worker is started without it",
        f"{ONCE}, at most {LATEST:.0f} s late; /readyz says that the beat is silent",
        redis_down,
    ),
    Drill("no_beat", "no beat for a week", f"{ONCE}, at most {LATEST:.0f} s late", no_beat),
    Drill("three_beats", "three beats at once", ONCE, three_beats),
    Drill(
        "rolling_restarts",
        f"{RESTARTS} times SIGTERM to a worker that sends, and a new one",
        f"{ONCE}, no attempt is uncertain, each ends within 30 s",
        rolling_restarts,
    ),
)
