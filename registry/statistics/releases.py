"""One time-point as it may leave the registry: dispositions, response rate and outcomes together.

They are released together because they can be subtracted from one another: best minus worst case is
the number of the silent, due minus alive that of the dead. Such differences are protected though
they are not shown, and every figure is computed from the counts that are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from registry.statistics.disclosure import release_counts, shown_json, shown_proportion
from registry.statistics.missing import OutcomeCounts
from registry.statistics.policy import RELEASE, SUPPRESSED, Policy, Shown, Sum, Suppressed
from registry.statistics.response_rates import Dispositions, response_rates
from registry.statistics.values import Json, NotEstimable, Proportion, number

Key: TypeAlias = tuple[str, str]
Figure: TypeAlias = Proportion | Suppressed

_WAVE = ""
_ASKED = ("I", "P", "R", "NC", "O", "U")
# rule: numerator, denominator, and the latent difference of the two
_FIGURES = {
    "observed_only": ("responders", "answered", "nonresponders"),
    "nri": ("responders", "due", "rest of due"),
    "worst_case": ("responders", "due", "rest of due"),
    "best_case": ("at most", "due", "at least not"),
    "while_alive": ("responders", "alive", "rest of alive"),
}
_LATENT = {"nonresponders", "silent", "dead", "rest of due", "at least not", "rest of alive"}


@dataclass(frozen=True)
class ReleasedWave:
    """What is shown of one time-point; each rate and figure is hidden or made of shown counts."""

    due: Shown
    dispositions: dict[str, Shown]
    rr1: Figure
    rates: dict[str, float | NotEstimable | Suppressed]
    outcomes: dict[str, dict[str, Figure]]

    def as_json(self) -> Json:
        interval = self.rr1 if isinstance(self.rr1, Suppressed) else self.rr1.interval
        return {
            "due": shown_json(self.due),
            "dispositions": {name: shown_json(shown) for name, shown in self.dispositions.items()},
            "response_rates": {name: _rate_json(rate) for name, rate in self.rates.items()},
            "RR1_interval": interval.as_json(),
            "outcomes": {
                name: {rule: figure.as_json() for rule, figure in figures.items()}
                for name, figures in self.outcomes.items()
            },
        }


def release_wave(
    dispositions: Dispositions,
    outcomes: Mapping[str, OutcomeCounts],
    *,
    level: float = 0.95,
    policy: Policy = RELEASE,
) -> ReleasedWave:
    """One time-point and its outcomes by name; an outcome may be due for fewer than the wave."""
    counts, sums, latent = _wave(dispositions)
    for name, outcome in outcomes.items():
        more_counts, more_sums, more_latent = _outcome(name, outcome, counts)
        counts, sums, latent = counts | more_counts, sums + more_sums, latent | more_latent
    shown = release_counts(counts, sums, policy, latent)

    def figure(name: str, x: str, n: str, rest: str) -> Figure:
        if policy.is_small(counts[name, rest]):
            return SUPPRESSED
        return shown_proportion(shown[name, x], shown[name, n], level=level, policy=policy)

    letters = {letter: shown[_WAVE, letter] for letter in (*_ASKED, "NE")}
    rr1 = figure(_WAVE, "I", "asked", "rest of asked")
    return ReleasedWave(
        due=shown[_WAVE, "due"],
        dispositions=letters,
        rr1=rr1,
        rates=_rates(letters, rr1),
        outcomes={
            name: {rule: figure(name, *keys) for rule, keys in _FIGURES.items()}
            for name in outcomes
        },
    )


def _wave(dispositions: Dispositions) -> tuple[dict[Key, int], list[Sum[Key]], set[Key]]:
    letters = dispositions.as_json()
    asked = dispositions.due - letters["NE"]
    counts = {(_WAVE, letter): count for letter, count in letters.items()}
    counts |= {
        (_WAVE, "due"): dispositions.due,
        (_WAVE, "asked"): asked,
        (_WAVE, "rest of asked"): asked - letters["I"],
    }
    sums = [
        Sum((_WAVE, "asked"), tuple((_WAVE, letter) for letter in _ASKED)),
        _tie(_WAVE, "due", "asked", "NE"),
        _tie(_WAVE, "asked", "I", "rest of asked"),
    ]
    return counts, sums, {(_WAVE, "rest of asked")}


def _counts_of(outcome: OutcomeCounts, wave: Mapping[Key, int]) -> dict[str, int]:
    alive = outcome.due - outcome.dead
    return {
        "due": outcome.due,
        "alive": alive,
        "answered": outcome.answered,
        "responders": outcome.responders,
        "at most": outcome.responders + outcome.silent,
        "nonresponders": outcome.nonresponders,
        "silent": outcome.silent,
        "dead": outcome.dead,
        "rest of due": outcome.due - outcome.responders,
        "at least not": outcome.nonresponders + outcome.dead,
        "rest of alive": alive - outcome.responders,
        "not of it": wave[_WAVE, "due"] - outcome.due,
        "alive, not of it": wave[_WAVE, "asked"] - alive,
    }


def _outcome(
    name: str, outcome: OutcomeCounts, wave: Mapping[Key, int]
) -> tuple[dict[Key, int], list[Sum[Key]], set[Key]]:
    counts = _counts_of(outcome, wave)
    sums = [
        _tie(name, "due", "alive", "dead"),
        _tie(name, "alive", "answered", "silent"),
        _tie(name, "answered", "responders", "nonresponders"),
        _tie(name, "due", "responders", "rest of due"),
        _tie(name, "due", "at most", "at least not"),
        _tie(name, "alive", "responders", "rest of alive"),
        Sum((name, "at most"), ((name, "responders"), (name, "silent")), group=False, margin=False),
        _within((_WAVE, "due"), (name, "due"), (name, "not of it"), counts["not of it"]),
        _within(
            (_WAVE, "asked"),
            (name, "alive"),
            (name, "alive, not of it"),
            counts["alive, not of it"],
        ),
    ]
    latent = _LATENT | {"not of it", "alive, not of it"}
    return (
        {(name, key): count for key, count in counts.items()},
        sums,
        {(name, key) for key in latent},
    )


def _tie(name: str, total: str, *parts: str) -> Sum[Key]:
    return Sum((name, total), tuple((name, part) for part in parts), margin=False)


def _within(whole: Key, part: Key, rest: Key, count: int) -> Sum[Key]:
    """The outcome's people within the wave's; if they are the same, everybody knows it."""
    return Sum(whole, (part, rest) if count else (part,), group=False, margin=False)


def _rates(
    letters: Mapping[str, Shown], rr1: Figure
) -> dict[str, float | NotEstimable | Suppressed]:
    """All rates if every disposition is shown; else RR1 alone, if that is shown."""
    counts = {k: v for k, v in letters.items() if not isinstance(v, Suppressed)}
    rates: dict[str, float | NotEstimable | Suppressed] = dict(
        response_rates(Dispositions.from_letters(counts)).rates
    )
    if isinstance(rr1, Suppressed) or len(counts) < len(letters):
        rates = dict.fromkeys(rates, SUPPRESSED)
    if isinstance(rr1, Proportion) and rr1.estimate is not None:
        rates["RR1"] = rr1.estimate
    return rates


def _rate_json(rate: float | NotEstimable | Suppressed) -> object:
    if isinstance(rate, Suppressed):
        return rate.as_json()
    return None if isinstance(rate, NotEstimable) else number(rate)
