"""The people of the demonstration and everything around them, as the simulation moves them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from registry.actions import demo_clock
from registry.clock import FixedClock
from registry.db import transaction
from registry.demo.fates import FIRST_DAY, Falling, Fate, closes_on
from registry.demo.ledger import Ledger
from registry.demo.post import Delivered, PostOffice
from registry.demo.replies import Reply, reply
from registry.demo.truth import Event, Person, Questionnaire, Told
from registry.demo.visitor import Visitor
from registry.runtime import Runtime
from surveys.timepoints import add_months

BY = "registry demo"
MORNING, AFTERNOON, LATER = time(8), time(14, 30), time(14, 45)
EVENING, NIGHT = time(19), time(20)
"""UTC. In every zone of the clinics these fall on the same civil day; letters may go out in the
afternoon everywhere.
"""


@dataclass
class Someone:
    """A person on the way: what is decided, what is true, and what they have in hand.

    `open_to_contact` ends when the clinic knows that they died or want no more contact.
    """

    fate: Fate
    truth: Person
    patient_id: int = 0
    letters: dict[int, list[Delivered]] = field(default_factory=lambda: defaultdict(list))
    replies: dict[int, Reply] = field(default_factory=dict)
    told: set[Falling] = field(default_factory=set)
    open_to_contact: bool = True

    def due_on(self, month: int) -> date:
        """The day on which a time-point's letter is due."""
        return add_months(self.fate.treated_on, month)

    def is_known(self, on: date) -> bool:
        """Whether the clinic's file has the person: treated, and consent given or never asked."""
        days = (self.fate.treated_on, self.fate.consented_on)
        return all(day is None or day <= on for day in days)

    def is_alive(self, on: date) -> bool:
        """Whether the person lives, whoever knows of it."""
        return self.fate.dies_on is None or on < self.fate.dies_on

    def has_left(self) -> bool:
        """Whether the person left the registry."""
        return self.truth.left_on is not None

    def has_sent(self, month: int) -> bool:
        """Whether that questionnaire is done."""
        answer = self.truth.answer_of(month)
        return answer is not None and answer.sent

    def may_act(self, on: date, month: int) -> bool:
        """Whether the person could still answer that questionnaire."""
        open_ = self.is_alive(on) and not self.has_left() and self.open_to_contact
        last = closes_on(self.fate, month) + timedelta(days=30)
        return open_ and not self.has_sent(month) and on <= last

    def reply_to(self, month: int, on: date, seed: int, *, half: bool = False) -> Reply:
        """The person's answers; once begun they stay what they are."""
        if month not in self.replies:
            since = self.truth.asked_since(month) if month else self.fate.treated_on
            problems = [
                fall
                for fall in self.fate.falls
                if fall.told and fall not in self.told and since < fall.on <= on
            ]
            told = problems if month else []
            self.replies[month] = reply(self.fate, month, on, told, seed, half=half)
        return self.replies[month]

    def keep_sent(self, month: int, on: date) -> None:
        """Write down that the reply was sent, with the health problems it told."""
        given, since = self.replies[month], self.truth.asked_since(month)
        self.truth.keep(given.sent(month, on, since))
        self.told |= set(given.problems)
        for number, problem in enumerate(given.problems, start=1):
            event = Event(
                term=problem.illness.told,
                on=given.onset(number, since),
                grade=problem.grade,
                serious=problem.serious,
                related=None,
                groups=problem.illness.groups,
            )
            self.truth.told.append(Told(event, month, number))

    def keep_draft(self, month: int, on: date, status: str) -> None:
        """Write down that answers were saved and not sent."""
        since = self.truth.asked_since(month)
        self.truth.keep(Questionnaire(month, on, status, sent=False, since=since))


@dataclass(frozen=True)
class Visit:
    """Something that a person does at the door: `go` talks to it, `after` writes down what is
    true then.
    """

    go: Callable[[Visitor], None]
    after: Callable[[], None]


@dataclass
class World:
    """Everything there is. `mornings` are acts of clinics by day, `evenings` who goes to the
    door for which month, and in what manner.
    """

    runtime: Runtime
    clock: FixedClock
    post: PostOffice
    folder: Path
    port: int
    seed: int
    staff: dict[str, str]
    everyone: list[Someone]
    ledger: Ledger = field(default_factory=Ledger)
    mornings: dict[date, list[Callable[[date], None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    evenings: dict[date, list[tuple[Someone, int, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    today: date = FIRST_DAY

    def move_to(self, day: date, at: time) -> None:
        """Move the clock of the demonstration, here and for all who read the database."""
        instant = datetime.combine(day, at, UTC)
        with transaction(self.runtime) as session:
            demo_clock.move(session, by=BY, at=instant)
        self.clock.move_to(instant)

    def on_working_day(self, day: date, act: Callable[[date], None]) -> None:
        """Have a clinic do something on that day, or on the next working day that is to come."""
        day = max(day, self.today + timedelta(days=1))
        weekend = 7 - day.weekday() if day.weekday() > 4 else 0
        self.mornings[day + timedelta(days=weekend)].append(act)
