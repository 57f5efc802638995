"""Exact tests of a 2x2 table: x1 of n1 beside x2 of n2.

All are two-sided. p is 1 where nobody, or everybody, on both sides has it: such a table says
nothing about a difference. None where a side has nobody.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from registry.statistics.roots import bisect, reach
from registry.statistics.values import NotEstimable

Floats = NDArray[np.float64]
P: TypeAlias = float | NotEstimable
NOBODY = "one side has nobody"
BOSCHLOO_LIMIT = 1000
TOO_MANY = f"more than {BOSCHLOO_LIMIT} patients: Pearson's test stands in its place"
_TIE = 1 + 1e-7
_GRID, _ZOOM, _EDGE = 12, 6, 1e-6


@dataclass(frozen=True)
class TableTests:
    """The two-sided p of one table by every test."""

    fisher: P
    fisher_mid_p: P
    boschloo: P
    pearson: P


def table_tests(x1: int, n1: int, x2: int, n2: int) -> TableTests:
    """All tests of x1 of n1 beside x2 of n2."""
    table = (x1, n1, x2, n2)
    return TableTests(fisher(*table), fisher_mid_p(*table), boschloo(*table), pearson(*table))


def pearson(x1: int, n1: int, x2: int, n2: int) -> P:
    """Chi-squared test with pooled variance, never with Yates' correction (Pearson 1900)."""
    x, n = x1 + x2, n1 + n2
    if not (n1 and n2):
        return NotEstimable(NOBODY)
    if x in (0, n):
        return 1.0
    squared = n * (x1 * n2 - x2 * n1) ** 2 / (n1 * n2 * x * (n - x))
    return math.erfc(math.sqrt(squared / 2))


def fisher(x1: int, n1: int, x2: int, n2: int) -> P:
    """Fisher's exact test: all tables with these margins that are no more probable."""
    if not (n1 and n2):
        return NotEstimable(NOBODY)
    chance, place = _given_margins(x1, n1, x2, n2)
    return min(1.0, float(chance[chance <= chance[place] * _TIE].sum()))


def fisher_mid_p(x1: int, n1: int, x2: int, n2: int) -> P:
    """Fisher's test with half the weight of the tables exactly as probable (Lancaster 1961)."""
    if not (n1 and n2):
        return NotEstimable(NOBODY)
    chance, place = _given_margins(x1, n1, x2, n2)
    if chance.size == 1:
        return 1.0
    below, equal = chance < chance[place] / _TIE, chance <= chance[place] * _TIE
    return min(1.0, float(chance[below].sum() + chance[equal].sum()) / 2)


@lru_cache(maxsize=1024)
def boschloo(x1: int, n1: int, x2: int, n2: int) -> P:
    """Unconditional test with Fisher's p as its statistic (Boschloo 1970), one-sided p doubled.

    The largest chance, over all common shares, of a table at least as extreme; looked for on a grid
    and finer around its best point. Beyond BOSCHLOO_LIMIT patients, where it and Pearson's test
    agree, it is not worked out.
    """
    if not (n1 and n2):
        return NotEstimable(NOBODY)
    if n1 + n2 > BOSCHLOO_LIMIT:
        return NotEstimable(TOO_MANY)
    if x1 + x2 in (0, n1 + n2):
        return 1.0
    lower = _one_sided(x1, n1, x2, n2)
    upper = _one_sided(n1 - x1, n1, n2 - x2, n2)
    return min(1.0, 2 * min(lower, upper))


def conditional_odds_ratio(
    counts: tuple[int, int, int, int], level: float
) -> tuple[float, float, float]:
    """Conditional maximum likelihood with tail-inverted exact limits (Cornfield 1956; Gart 1970).

    Needs at least one patient with and one without it.
    """
    x1, n1, x2, n2 = counts
    values, weights = _log_weights(x1 + x2, n1, n2)
    tail, ends = (1 - level) / 2, (int(values[0]), int(values[-1]))

    def chances(log: float) -> Floats:
        tilted = weights + values * log
        chance: Floats = np.exp(tilted - tilted.max())
        chance /= chance.sum()
        return chance

    def solved(kept: NDArray[np.bool_] | None, target: float) -> float:
        """The log odds ratio at which a rising quantity reaches the target."""

        def is_below(log: float) -> bool:
            found = chances(log)
            reached = found[kept].sum() if kept is not None else (found * values).sum()
            return bool(reached <= target)

        start = reach(0.0, -1.0, lambda log: not is_below(log))
        return math.exp(bisect(reach(start, 1.0, is_below), start, is_below))

    is_low, is_high = x1 == ends[0], x1 == ends[1]
    lower = 0.0 if is_low else solved(values >= x1, tail)
    upper = math.inf if is_high else solved(values > x1, 1 - tail)
    estimate = 0.0 if is_low else math.inf if is_high else solved(None, float(x1))
    return estimate, lower, upper


def _log_weights(x: int, n1: int, n2: int) -> tuple[NDArray[np.int64], Floats]:
    """The possible counts of the first side, and the log number of ways to each."""
    values = np.arange(max(0, x - n2), min(n1, x) + 1)
    return values, _log_ways(n1, values) + _log_ways(n2, x - values)


def _log_ways(n: int, k: NDArray[np.int64]) -> Floats:
    ways: Floats = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return ways


def _given_margins(x1: int, n1: int, x2: int, n2: int) -> tuple[Floats, int]:
    """Chances of all tables with the margins of this one, and the place of this one."""
    values, weights = _log_weights(x1 + x2, n1, n2)
    chance: Floats = np.exp(weights - weights.max())
    chance /= chance.sum()
    return chance, x1 - int(values[0])


def _one_sided(x1: int, n1: int, x2: int, n2: int) -> float:
    """The largest chance of a table whose Fisher p for "p1 is smaller" is no larger than ours."""
    border = _border(x1, n1, x2, n2)
    # at the ends nobody or everybody has it: such a table is never extreme
    angles = np.linspace(_EDGE, math.pi / 2 - _EDGE, math.ceil(_GRID * math.sqrt(n1 + n2)))
    found = _chance_beyond(border, n1, n2, angles)
    for _ in range(_ZOOM):
        best, step = angles[int(found.argmax())], angles[1] - angles[0]
        angles = np.clip(np.linspace(best - step, best + step, 17), _EDGE, math.pi / 2 - _EDGE)
        found = _chance_beyond(border, n1, n2, angles)
    return float(found.max())


def _border(x1: int, n1: int, x2: int, n2: int) -> NDArray[np.int64]:
    """For each count of the second side, how many counts of the first are at least as extreme."""
    first, second = np.arange(n1 + 1)[:, None], np.arange(n2 + 1)[None, :]
    ways = _log_ways(n1, first) + _log_ways(n2, second)
    total = first + second
    weights = np.exp(ways - _log_ways(n1 + n2, np.arange(n1 + n2 + 1))[total])
    # the tail of a table is its own chance and that of the table one step along its diagonal
    tails = weights.copy()
    for row in range(1, n1 + 1):
        tails[row, :-1] += tails[row - 1, 1:]
    count: NDArray[np.int64] = (tails <= tails[x1, x2] * _TIE).sum(axis=0)
    return count


def _chance_beyond(border: NDArray[np.int64], n1: int, n2: int, angles: Floats) -> Floats:
    """The chance of all tables within the border at common shares sin(angle)²."""
    share = np.sin(angles)[None, :] ** 2
    first, second = _binomial(n1, share), _binomial(n2, share)
    below = np.vstack([np.zeros_like(share), np.cumsum(first, axis=0)])
    chance: Floats = (second * below[border]).sum(axis=0)
    return chance


def _binomial(n: int, share: Floats) -> Floats:
    k = np.arange(n + 1)[:, None]
    chance: Floats = np.exp(_log_ways(n, k) + k * np.log(share) + (n - k) * np.log1p(-share))
    return chance
