"""Virtual time: processes that take turns, a clock that jumps, and deaths at any of their steps."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from greenlet import getcurrent, greenlet

from simulation.ledger import LastCommit

LEASE = timedelta(minutes=16)  # somebody who stands still for so long has lost its letters

MOST_STEPS = 12_000  # of one seed; a busy one has four thousand
MOST_AT_ONCE = 2_000  # within an hour
HOUR = timedelta(hours=1)


class Killed(BaseException):
    """kill -9: nothing catches it, and whoever was killed commits nothing more."""


class Endless(BaseException):
    """Somebody goes round in circles, and no time passes."""


class Process(greenlet):
    """One process of the installation, or somebody at a browser."""

    def __init__(self, hub: "Hub", name: str, work: Callable[[], object]) -> None:
        super().__init__(run=self._live, parent=hub.home)
        self.name = name
        self.is_dead = False
        self.is_mortal = False
        self.has_stalled = False
        self.turn = 0
        self.last: LastCommit | None = None
        self.skew = timedelta(0)
        self._work = work

    def _live(self) -> None:
        try:
            self._work()
        except Killed:
            pass
        finally:
            self.is_dead = True


@dataclass
class Weather:
    """How bad the luck is: chances per step, and how many deaths are left."""

    death: float = 0.0
    deaths: int = 0
    pause: float = 0.0
    stall: float = 0.0

    def clear(self) -> None:
        """From now on nothing fails."""
        self.death = self.pause = self.stall = 0.0


@dataclass(order=True)
class _Turn:
    at: datetime
    order: float
    number: int
    process: Process = field(compare=False)


class Hub:
    """Gives the turns. Whoever has one keeps it until a step; in between nothing else happens."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.dice = random.Random(seed)
        self.now = start.astimezone(UTC)
        self.weather = Weather()
        self.trace: list[str] = []
        self.count = 0  # orders what happened at the same instant
        self.kills = self.stalls = 0
        self.home = getcurrent()
        self._hour = (self.now, 0)
        self._turns: list[_Turn] = []
        self._asleep: list[tuple[datetime, Process]] = []
        self._number = 0

    def spawn(self, name: str, work: Callable[[], object], after: float = 0.0) -> Process:
        """A new process, which begins `after` so many seconds."""
        process = Process(self, name, work)
        self._plan(process, after)
        return process

    def _plan(self, process: Process, after: float) -> None:
        self._number += 1
        at = self.now + timedelta(seconds=after)
        process.turn = self._number  # whatever was planned for it before counts no more
        heapq.heappush(self._turns, _Turn(at, self.dice.random(), self._number, process))

    def run(self, until: datetime) -> None:
        """Let everybody live until then."""
        while self._turns and self._turns[0].at <= until:
            turn = heapq.heappop(self._turns)
            if not turn.process.is_dead and turn.process.turn == turn.number:
                self.now = turn.at
                turn.process.switch()
        self.now = max(self.now, until)

    def end(self) -> None:
        """Nobody lives on: what is left is killed, so that nothing runs when it is collected."""
        self.weather.clear()
        for turn in self._turns:
            if not turn.process.is_dead:
                turn.process.is_dead = True
                if turn.process:
                    turn.process.throw(Killed)
        self._turns.clear()

    @property
    def current(self) -> Process | None:
        """Whose turn it is; None for the test itself."""
        mine = getcurrent()
        return mine if isinstance(mine, Process) else None

    def sleep(self, seconds: float) -> None:
        """Wait so long; the others go on. Nothing happens for the test itself."""
        mine = self.current
        if mine is None:
            return
        self._plan(mine, seconds)
        self.home.switch()
        if mine.is_dead:
            raise Killed

    def step(self, what: str) -> None:
        """A place at which a process can be held up, overtaken or killed."""
        mine = self.current
        if mine is None:
            return
        if mine.is_dead:
            raise Killed
        self._count()
        if mine.is_mortal:
            self._try(what)
        else:
            self.sleep(0)

    def _count(self) -> None:
        self.count += 1
        if self.now - self._hour[0] > HOUR:
            self._hour = (self.now, self.count)
        if self.count > MOST_STEPS or self.count - self._hour[1] > MOST_AT_ONCE:
            raise Endless

    def _try(self, what: str) -> None:
        weather, luck = self.weather, self.dice.random()
        if luck < weather.death and weather.deaths:
            weather.deaths -= 1
            self.die(what)
        stall = weather.stall * (4 if what == "DATA" else 1)  # where it is worst
        if luck > 1 - stall:
            self.hold_up(20 * 60 + self.dice.uniform(0, 3600), what)
        elif luck > 1 - stall - weather.pause:
            self.sleep(self.dice.uniform(0, 50))
        elif self._turns and self._turns[0].at <= self.now:
            self.sleep(0)

    def hold_up(self, seconds: float, where: str) -> None:
        """A process that stands still for longer than any lease: a machine that was suspended."""
        mine = self.current
        assert mine is not None
        mine.has_stalled = True
        self.stalls += 1
        self.tell(f"stands still at {where}")
        self._asleep.append((self.now + LEASE, mine))
        self.sleep(seconds)
        self._asleep = [one for one in self._asleep if one[1] is not mine]

    def wake_sleepers(self) -> None:
        """Who stood still for long comes back at the worst moment: while another does its work."""
        for since, process in self._asleep:
            if since <= self.now and not process.is_dead and self.dice.random() < 0.7:
                self._plan(process, self.dice.choice([0.0, 5.0]))

    def die(self, where: str) -> None:
        """Kill the process whose turn it is."""
        mine = self.current
        assert mine is not None
        self.kills += 1
        self.tell(f"killed at {where}")
        mine.is_dead = True
        raise Killed

    def tell(self, words: str) -> None:
        """A line of the trace."""
        mine = self.current
        self.trace.append(
            f"{self.now:%a %Y-%m-%d %H:%M:%S} {mine.name if mine else '-':<12} {words}"
        )
