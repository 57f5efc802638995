"""One outcome at one time-point under the rules for the silent and the dead.

The counts are those of the due patients: responders and non-responders answered, the dead died
without an answer, the rest are silent. Responder means "has the outcome": for an outcome that is
bad news the lowest share, called worst case here as in the contract, is the kindest one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from registry.statistics.proportions import proportion
from registry.statistics.values import Json, NotEstimable, Proportion

_NO_ONE_DUE = "no patient is due yet"


@dataclass(frozen=True)
class OutcomeCounts:
    """n due = r responders + s non-responders + d dead without answer + m silent (the rest)."""

    due: int
    responders: int
    nonresponders: int
    dead: int

    def __post_init__(self) -> None:
        if min(self.responders, self.nonresponders, self.dead, self.silent) < 0:
            raise ValueError(f"these counts do not fit into {self.due} due: {self}")

    @property
    def answered(self) -> int:
        return self.responders + self.nonresponders

    @property
    def silent(self) -> int:
        return self.due - self.answered - self.dead


def observed_only(counts: OutcomeCounts, level: float = 0.95) -> Proportion:
    """r of those who answered: right only if the silent are like them; the dead are left out."""
    return _wilson(counts.responders, counts.answered, level, "nobody answered")


def nri(counts: OutcomeCounts, level: float = 0.95) -> Proportion:
    """r of all due: every silent and every dead patient counts as a non-responder."""
    return _wilson(counts.responders, counts.due, level, _NO_ONE_DUE)


def worst_case(counts: OutcomeCounts, level: float = 0.95) -> Proportion:
    """The lower bound, none of the silent responded; the number of NRI, the question another."""
    return nri(counts, level)


def best_case(counts: OutcomeCounts, level: float = 0.95) -> Proportion:
    """The upper bound, all of the silent responded; the dead stay non-responders."""
    return _wilson(counts.responders + counts.silent, counts.due, level, _NO_ONE_DUE)


def while_alive(counts: OutcomeCounts, level: float = 0.95) -> Proportion:
    """r of the due who lived: conditional on survival, only ever shown as an addition."""
    return _wilson(
        counts.responders, counts.due - counts.dead, level, "no patient due has lived so far"
    )


RULES: dict[str, Callable[[OutcomeCounts, float], Proportion]] = {
    "observed_only": observed_only,
    "nri": nri,
    "worst_case": worst_case,
    "best_case": best_case,
    "while_alive": while_alive,
}


@dataclass(frozen=True)
class OutcomeEstimates:
    """One outcome under every rule, with the sentence that a reader sees first."""

    counts: OutcomeCounts
    by_rule: dict[str, Proportion]
    sentence: str

    def as_json(self) -> Json:
        rules: Json = {name: value.as_json() for name, value in self.by_rule.items()}
        return rules | {"sentence": self.sentence}


def estimate_outcome(
    counts: OutcomeCounts, rr1: float | NotEstimable, level: float = 0.95
) -> OutcomeEstimates:
    """The outcome under all of RULES; rr1 is the response rate of the same wave."""
    by_rule = {name: rule(counts, level) for name, rule in RULES.items()}
    return OutcomeEstimates(counts, by_rule, sentence(counts, rr1))


def sentence(counts: OutcomeCounts, rr1: float | NotEstimable) -> str:
    """Who answered, and how far the silent could move the share, in plain words."""
    if counts.due == 0:
        return f"Not estimable: {_NO_ONE_DUE}."
    rate = "RR1 not estimable" if isinstance(rr1, NotEstimable) else f"RR1 {_percent(rr1)}"
    parts = [f"{counts.answered} of {_patients(counts.due)} due answered ({rate})."]
    if counts.dead:
        parts.append(f"{counts.dead} died without an answer and count as not having the outcome.")
    parts.append(_bounds(counts))
    return " ".join(parts)


def _bounds(counts: OutcomeCounts) -> str:
    low, high = counts.responders / counts.due, _highest(counts)
    if counts.silent == 0:
        return f"Nobody is silent: the share is {_percent(low)}."
    return (
        f"Depending on the {counts.silent} silent, the share lies between {_percent(low)} "
        f"(none of them has the outcome) and {_percent(high)} (all of them have it)."
    )


def _highest(counts: OutcomeCounts) -> float:
    return (counts.responders + counts.silent) / counts.due


def _patients(count: int) -> str:
    return f"{count} patient" if count == 1 else f"{count} patients"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u202f%"


def _wilson(x: int, n: int, level: float, nobody: str) -> Proportion:
    return proportion(x, n, "wilson", level, nobody)
