"""Looking at events month by month, with one error rate for all looks together.

A one-sided exact Poisson test, group sequential with error spending: at every look the boundary is
the smallest count that keeps the chance of ever having crossed, were the rate what is tolerated,
within what may be spent by then. It is worked out by recursion over the looks, never tabulated.
Against a published rate, which is a sample too, the test carries the published events and
person-time (Li and Kulldorff 2010, Stat Med 29:284; Silva and Kulldorff 2015, PMC5052811): at one
look it is the conditional binomial test, which holds for a study of fixed length and the more so
for one that ended with its last event. Over several looks the study of fixed length was simulated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from registry.statistics.rates import person_years

Chances: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
NEGLIGIBLE = 1e-13


@dataclass(frozen=True)
class History:
    """What a published rate was made of: its events, in its person-years."""

    events: int
    years: float

    def __post_init__(self) -> None:
        """Refuse a rate of nothing."""
        if self.events < 1 or self.years <= 0:
            raise ValueError(
                f"{self.events} events in {self.years} years are no rate to be held to"
            )


@dataclass(frozen=True)
class Plan:
    """What is fixed before any look: the rate (events per year) or the history, and the spending.

    By the time that e events are expected, `alpha` · (e / `most`)^`exponent` is spent, and all of
    `alpha` from `most` expected events on.
    """

    most: float
    rate: float | None = None
    history: History | None = None
    alpha: float = 0.05
    exponent: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be monitored."""
        if (self.rate is None) is (self.history is None):
            raise ValueError("give a tolerated rate or a history, and only one of them")
        rate = 1.0 if self.rate is None else self.rate
        if not 0 < self.alpha < 0.5 or min(self.most, self.exponent, rate) <= 0:
            raise ValueError(f"{self} cannot be monitored")

    def expected(self, days: int) -> float:
        """Events expected in so many days at risk, summed over patients."""
        if self.history is None:
            return (self.rate or 0) * person_years(days)
        return self.history.events * person_years(days) / self.history.years

    def may_spend(self, days: int) -> float:
        """The chance of a false alarm that is allowed by then."""
        share: float = min(1.0, self.expected(days) / self.most) ** self.exponent
        return self.alpha * share


@dataclass(frozen=True)
class Bound:
    """At one look: the events expected, the count that crosses, the error spent so far.

    `count` None: no count crosses, because nothing could be spent yet.
    """

    expected: float
    count: int | None
    spent: float

    def is_crossed(self, events: int) -> bool:
        """Whether so many events cross."""
        return self.count is not None and events >= self.count


def bounds(plan: Plan, days: Sequence[int]) -> list[Bound]:
    """The boundary at every look, after so many days at risk altogether.

    Days that were taken back by a correction count as no new days; a boundary never falls, lest a
    month without an event cross it. Raises ValueError for days below 0.
    """
    if min(days, default=0) < 0:
        raise ValueError("days at risk cannot be negative")
    chances, before, spent, least = np.ones(1), 0, 0.0, 0
    found = []
    for now in np.maximum.accumulate(np.asarray(days, dtype=np.int64)).tolist():
        room = plan.may_spend(now) - spent
        chances = _after(plan, chances, before, now)
        count = _boundary(chances, room, least)
        if count is not None:
            spent += max(0.0, float(chances[count:].sum()))
            chances, least = chances[:count], count
        found.append(Bound(plan.expected(now), count, spent))
        before = now
    return found


def _after(plan: Plan, chances: Chances, before: int, now: int) -> Chances:
    """The chance of each count without a crossing so far, once more days have passed.

    As long as the recursion needs it: what lies above is less than could matter.
    """
    width = len(chances) + _widest(plan, len(chances) - 1, before, now)
    more = np.arange(width, dtype=np.int64)
    found = np.zeros(width)
    for count, chance in enumerate(chances):
        found[count:] += chance * _new(plan, count, before, now, more[: width - count])
    return found


def _new(plan: Plan, count: int, before: int, now: int, more: Counts) -> Chances:
    """The chance of so many new events after `count` of them."""
    if plan.history is None:
        mean = plan.expected(now) - plan.expected(before)
        chances = np.exp(special.xlogy(more, mean) - mean - special.gammaln(more + 1))
    else:
        shape, share = _posterior(plan.history, count, before, now)
        ways = special.gammaln(more + shape) - special.gammaln(shape) - special.gammaln(more + 1)
        chances = np.exp(ways + special.xlogy(shape, share) + special.xlog1py(more, -share))
    return np.asarray(chances, dtype=np.float64)


def _posterior(history: History, count: int, before: int, now: int) -> tuple[int, float]:
    """The unknown rate is gamma after the history and the events so far, so that the new events are
    negative binomial with this shape and this share of the time.

    One event is added: a study of fixed length had waited for its next event since the last.
    Without it only a study that ended with its last event would be judged rightly.
    """
    known, total = (history.years + person_years(days) for days in (before, now))
    return history.events + 1 + count, known / total


def _widest(plan: Plan, count: int, before: int, now: int) -> int:
    """New events beyond which the chance is negligible, from the highest count so far."""
    width = 16
    while _tail(plan, count, before, now, width) > NEGLIGIBLE:
        width *= 2
    return width


def _tail(plan: Plan, count: int, before: int, now: int, least: int) -> float:
    """The chance of at least so many new events."""
    if plan.history is None:
        return float(special.gammainc(least, plan.expected(now) - plan.expected(before)))
    shape, share = _posterior(plan.history, count, before, now)
    return float(special.betainc(least, shape, 1 - share))


def _boundary(chances: Chances, room: float, least: int) -> int | None:
    """The smallest count, from `least` on, at or above which no more than `room` lies."""
    if room <= 0:
        return None
    above = np.append(np.cumsum(chances[::-1])[::-1], 0.0)
    fits = np.flatnonzero(above <= room)
    return max(int(fits[0]), least, 1)
