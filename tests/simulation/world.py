"""One seed: who lives, what fails when, and the order in which everybody has a turn."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

import registry.runtime
from registry.clock import Clock
from registry.runtime import Runtime
from simulation import people, workers
from simulation.broker import Broker
from simulation.clocks import DatabaseTime, LocalTime
from simulation.guarantee import treated_for
from simulation.hub import Endless, Hub, Killed
from simulation.installation import installation
from simulation.ledger import Ledger
from simulation.oracle import Oracle
from simulation.people import Somebody, World
from simulation.post import PostOffice
from simulation.timetable import next_instant
from simulation.workers import Shift
from simulation.zones import EPOCH, ZONES

STORM = (9, 15)  # days in which everything may fail
CALM = timedelta(days=12)  # and then nothing does: what was promised must have come true
WORKERS = ("worker 1", "worker 2", "worker 3")
BEATS = ("beat 1", "beat 2")
DEATHS = 6
CROWD = 12  # patients of one day: a batch in which each waits for those before it
MINUTE, LONGEST_PAUSE = 60.0, 8 * 3600.0
DEEDS = (
    *("answer", "answer", "unsubscribe", "unsubscribe", "leave"),
    *("withdraw", "die", "correct", "move", "ask"),
)


@dataclass(frozen=True)
class Outcome:
    """What one seed came to."""

    seed: int
    broken: list[str]
    trace: list[str]
    letters: int
    kills: int
    uncertain: int


class Simulation:
    """The world of one seed."""

    def __init__(self, seed: int, verbose: bool = False) -> None:
        self.seed, self.verbose = seed, verbose
        self._house = installation()
        base = self._house.renew()
        dice = random.Random(f"start {seed}")
        start = EPOCH + timedelta(days=dice.randrange(1500), seconds=dice.randrange(86400))
        self.hub = Hub(seed, start)
        self.ledger = Ledger()
        self.dice = self.hub.dice
        # who lives and what may fail stays the same when the code takes a step more or less
        self.fate = random.Random(f"fate {seed}")
        self.storm_ends = start + timedelta(days=self.fate.uniform(*STORM))
        self.ends = self.storm_ends + CALM
        self.office = PostOffice(self.hub, self.ledger, self._house.connection, start)
        self.broker = Broker(self.hub)
        self.runtime = replace(base, clock=self._chosen_clock(base))
        self._told = self._house.connection.execute("SELECT max(id) FROM audit_event").fetchone()[0]
        self.world = World(self.hub, self.ledger, replace(base, clock=self._database_time()))
        self.shift = Shift(self.hub, self.runtime, self.broker, self.office)
        self.everybody = {one.name: one for one in self._people(start.date())}
        self._house.before_commit, self._house.after_commit = self._before, self._after

    def _database_time(self) -> DatabaseTime:
        return DatabaseTime(self.hub, self._house.connection)

    def _chosen_clock(self, base: Runtime) -> Clock:
        """The product chooses its clock itself; the two that it can choose are simulated."""
        production = replace(base.settings, database_url="postgresql+psycopg://db/registry")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(registry.runtime, "DatabaseClock", lambda _: self._database_time())
            patch.setattr(registry.runtime, "SystemClock", lambda: LocalTime(self.hub))
            return registry.runtime._clock_of(production, base.sessions)

    def _people(self, today: date) -> Iterator[Somebody]:
        """A few people of all zones; now and then a crowd of one day."""
        dice = self.fate
        is_crowd = dice.random() < 0.06
        month, due = self._month_and_day(today)
        for number in range(CROWD if is_crowd else dice.choice([1, 2, 2, 3])):
            if not is_crowd:
                month, due = self._month_and_day(today)
            treated_on = min(treated_for(due, month), today - timedelta(days=1))
            zone = ZONES[0] if is_crowd else dice.choice(ZONES)
            address = f"p{number + 1}@example.org"
            yield Somebody(f"patient {number + 1}", month, treated_on, zone, address)

    def _month_and_day(self, today: date) -> tuple[int, date]:
        """A month, and a day on which its follow-up may be due; the ends of months are hardest."""
        days = [today + timedelta(days=ahead) for ahead in range(-8, 13)]
        ends = [day for day in days if (day + timedelta(days=1)).day == 1]
        chosen = self.fate.choice(ends if ends and self.fate.random() < 0.3 else days)
        return self.fate.choice([1, 1, 1, 3, 6, 12, 24]), chosen

    def run(self) -> Outcome:
        """Live through it, and ask the oracle."""
        self._bad_luck()
        self.office.on_body.append(self._rival)
        self.office.on_late.append(self._rival)
        for one in self.everybody.values():
            self._plan_deeds(one)
        self.hub.spawn("time", self._time)
        self.hub.spawn("calm", self._calm, (self.storm_ends - self.hub.now).total_seconds())
        endless = self._live()
        self.hub.end()
        self._house.before_commit = self._house.after_commit = lambda writing: None
        oracle = Oracle(self.ledger, self.everybody, self._house.runtime, self.hub)
        broken = [*endless, *oracle.verdict()]
        uncertain = sum(one.is_uncertain for one in self.ledger.attempts)
        letters = len(self.ledger.attempts)
        return Outcome(self.seed, broken, self.hub.trace, letters, self.hub.kills, uncertain)

    def _live(self) -> list[str]:
        try:
            self.hub.run(self.ends)
        except Endless:
            return ["somebody goes round in circles"]
        return []

    def _rival(self, _recipient: str) -> None:
        """Another worker looks at its tables while this one is busy with a letter."""
        if self.dice.random() < (0.4 if self._is_crowd else 0.2):
            name = self.dice.choice(WORKERS)
            self.shift.hire(name, workers.loop, self.dice.choice([0.0, self.dice.uniform(0, 90)]))

    @property
    def _is_crowd(self) -> bool:
        return len(self.everybody) == CROWD

    def _bad_luck(self) -> None:
        """Each seed has some of the faults, so that one does not hide the other; in one of five
        machines stand still again and again before a slow and busy mail server.
        """
        dice, weather, office = self.fate, self.hub.weather, self.office
        if self._is_crowd:
            office.dawdles, office.tires_after = 1.0, 430.0
            return
        if dice.random() < 0.2:
            weather.stall, office.later, office.slow = 0.05, 0.5, 0.8
            return

        def some(chance: float) -> float:
            return dice.choice([0.0, chance])

        weather.death, weather.deaths = some(0.02), DEATHS
        weather.pause, weather.stall = some(0.03), some(0.012)
        office.unreachable, office.later, office.policy = some(0.1), some(0.15), some(0.12)
        office.lost, office.slow = some(0.25), some(0.2)
        self.broker.loses, self.broker.doubles = some(0.5), some(0.3)
        if dice.random() < 0.3:
            office.down_until = self.hub.now + timedelta(days=dice.uniform(0, 8))
        for one in self.everybody.values():
            if dice.random() < 0.08:
                office.no_such_mailbox.add(one.address)

    def _plan_deeds(self, one: Somebody) -> None:
        dice, storm = self.fate, (self.storm_ends - self.hub.now).total_seconds()
        at = 0.0 if self._is_crowd else dice.choice([0.0, 0.0, dice.uniform(0, storm / 2)])
        self._somebody(one, "enrol", at)
        self._somebody(one, "enrol", storm)  # whose form was lost fills it in again
        for _ in range(dice.choice([0, 0, 0, 1] if self._is_crowd else [0, 1, 1, 2, 2, 2])):
            deed = dice.choice(DEEDS)
            if dice.random() < 0.3:
                self._somebody(one, deed, dice.uniform(at, storm * 1.3))
            else:
                office = self.office
                moment = dice.choice([office.on_open, office.on_open, office.on_body])
                moment.append(Ambush(self, one, deed, dice.choice([0, 0, 3])))
        if dice.random() < 0.4:  # nobody knows whether it arrived, and something else has changed
            self.office.on_lost.append(Ambush(self, one, dice.choice(["move", *DEEDS]), 0))

    def _somebody(self, one: Somebody, deed: str, after: float) -> None:
        def _do() -> None:
            if deed != "enrol" or one.id is None:
                people.do(self.world, one, deed)

        self.hub.spawn(one.name, _do, after).is_mortal = deed != "enrol" or after < 1e5

    def _calm(self) -> None:
        self.hub.weather.clear()
        self.office.clear()
        self.broker.clear()
        self.ledger.calm_from = self.hub.now
        self.hub.tell("calm")

    def _time(self) -> None:
        """Wakes the workers whenever there may be something to do, and now and then for nothing."""
        pause, gone = MINUTE, 0
        while True:
            now = self.hub.now
            other = now + timedelta(hours=self.dice.uniform(12, 120))
            at = next_instant(self._house.connection, now) or other
            if at - now > timedelta(hours=1) or len(self.ledger.attempts) > gone:
                pause, gone = MINUTE, len(self.ledger.attempts)
            wait = (min(at, other) - now).total_seconds()
            if wait < pause:  # something waits and does not move on: a server that is down
                pause = min(pause * 2, LONGEST_PAUSE)
            self.hub.sleep(max(wait, pause / 2))
            self._wake(self.ledger.calm_from is not None)
            self.hub.sleep(MINUTE)

    def _wake(self, calm: bool) -> None:
        """Some workers look at their tables, at the same moment or soon after; some get hints."""
        dice = self.dice
        if dice.random() < 0.02:
            self.broker.flush()
        names = dice.sample(WORKERS, dice.choice([0, 1, 1, 1, 1, 2]))
        for name in [WORKERS[0]] if calm else names:
            self.shift.hire(name, workers.loop, dice.choice([0.0, dice.uniform(0, 30)]))
        if dice.random() < (0.02 if calm else 0.15):
            for name in BEATS:
                self.shift.hire(name, workers.beat, 0.0)
            for name in WORKERS[:2]:
                self.shift.hire(name, workers.hinted, dice.uniform(0, 3))

    def _tell_commit(self) -> None:
        query = "SELECT id, subject, action, reason FROM audit_event WHERE id > ? ORDER BY id"
        for number, subject, action, reason in self._house.connection.execute(query, (self._told,)):
            self._told = number
            self.hub.tell(f"wrote {subject}: {action} {reason or ''}".rstrip())

    def _before(self, writing: bool) -> None:
        mine = self.hub.current
        if mine is None:
            return
        if mine.is_dead:
            raise Killed
        weather = self.hub.weather
        if writing and mine.is_mortal and self.dice.random() < weather.death and weather.deaths:
            weather.deaths -= 1
            self.ledger.asked |= {fact.patient for fact in self.ledger.pending}
            self.hub.die("commit")

    def _after(self, writing: bool) -> None:
        mine = self.hub.current
        if mine is None:
            return
        if writing:
            self.hub.count += 1
            if self.verbose:
                self._tell_commit()
            self.world.came_true(self.everybody, self.hub.count)
            if mine.last is not None:
                mine.last.committed(self.hub.count, self.hub.now, mine.has_stalled)
        self.hub.step("after a commit" if writing else "after a look")


@dataclass
class Ambush:
    """Somebody acts at the very moment at which a letter to them is under way."""

    simulation: Simulation
    one: Somebody
    deed: str
    passes: int

    def __call__(self, recipient: str) -> None:
        if recipient != self.one.address or self.deed == "":
            return
        if self.passes:
            self.passes -= 1
            return
        deed, self.deed = self.deed, ""
        self.simulation._somebody(self.one, deed, 0.0)


def simulate(seed: int, *, verbose: bool = False) -> Outcome:
    """Live through one seed. `verbose`: the trace also tells what each commit wrote."""
    return Simulation(seed, verbose).run()
