"""Cohorts as registries have them, and their reports."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from spec.little import TREATED, Answered, Event, Noted, Person, build

from registry import published
from registry.db import reading, transaction
from registry.protocols import bundled
from registry.reports import report
from registry.runtime import Runtime

AS_OF = date(2024, 6, 1)
WINDOWS = {1: (16, 44), 3: (61, 121), 6: (138, 228), 12: (305, 425), 24: (640, 820)}
CODES = ("refused", "other", "undeliverable", "no_contact")
TERMS = ("Headache", "Fever", "Shingles", "Pneumonia", "Melanoma")


class Chance:
    """A die that falls the same on every machine."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def randint(self, low: int, high: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return low + (self.state >> 33) % (high - low + 1)

    def random(self) -> float:
        return self.randint(0, 999) / 1000

    def choice(self, things: Sequence[Any]) -> Any:
        return things[self.randint(0, len(things) - 1)]


def one(chance: Chance) -> Person:
    """A person as a registry has them: mostly answering, some dead, some gone."""
    answers = [
        Answered(
            month, chance.randint(opens - 3, closes), values={"responder": chance.random() < 0.4}
        )
        for month, (opens, closes) in WINDOWS.items()
        if chance.random() < 0.7
    ]
    log = [Noted(month, chance.choice(CODES)) for month in WINDOWS if chance.random() < 0.2]
    events = [
        Event(chance.choice(TERMS), chance.randint(-10, 900), chance.random() < 0.2, 2)
        for _ in range(chance.choice((0, 0, 1, 2)))
    ]
    told = [Event("Headache", None, answer=0)] if answers and chance.random() < 0.3 else []
    return Person(
        treated_on=date(2021, 6, 1) + timedelta(days=chance.randint(0, 500)),
        site=chance.choice("AB"),
        consent=chance.choice((None, 0, 20)),
        death=chance.choice((*(None,) * 9, chance.randint(0, 900))),
        left=chance.choice((*(None,) * 9, chance.randint(1, 900))),
        dose=chance.choice((None, 5, 20)),
        answers=tuple(answers),
        log=tuple(log),
        events=tuple(events),
        told=tuple(told),
        labs=tuple((chance.randint(1, 800), chance.choice(("high", "normal"))) for _ in range(2)),
    )


def cohort(size: int, seed: int = 1) -> list[Person]:
    chance = Chance(seed)
    return [one(chance) for _ in range(size)]


def unequal(size: int, seed: int = 1) -> list[Person]:
    """Patients of whom the severely ill answer and get better less often; some die."""
    chance = Chance(seed)
    return [_unequal(chance) for _ in range(size)]


def _unequal(chance: Chance) -> Person:
    severe = chance.random() < 0.4
    answers = chance.random() < (0.5 if severe else 0.8)
    better = chance.random() < (0.3 if severe else 0.6)
    dies = chance.random() < 0.08
    answer = Answered(12, 365, values={"responder": float(better)})
    return Person(
        treated_on=TREATED - timedelta(days=chance.randint(0, 300)),
        death=chance.randint(1, 300) if dies else None,
        age=chance.choice((None, *range(20, 80))),
        sex=chance.choice(("female", "female", "male")),
        baseline={
            "severity": "severe" if severe else "mild",
            "weight": chance.randint(500, 999) / 10,
        },
        answers=(answer,) if answers and not dies else (),
    )


def fill(runtime: Runtime, people: list[Person]) -> None:
    with transaction(runtime) as session:
        build(session, people)


def made(runtime: Runtime, **wanted: Any) -> report.Report:
    with reading(runtime) as session:
        return report.build(session, bundled(), published.library(), **{"as_of": AS_OF, **wanted})
