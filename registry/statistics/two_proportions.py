"""Two proportions, x1 of n1 and x2 of n2, as difference, ratio and ratio of odds.

The score intervals hold every value that the score test does not reject; they need no continuity
correction and no added halves at 0 and n. Where one side has nobody, nothing can be estimated.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from registry.statistics.proportions import wilson
from registry.statistics.roots import bisect, reach
from registry.statistics.tables import conditional_odds_ratio
from registry.statistics.values import Estimate, Proportion, z_value

T = TypeVar("T")
Counts = tuple[int, int, int, int]
NOBODY = "one side has nobody"
NO_EVENT = "nobody on either side has it"
EVERYBODY = "everybody on both sides has it"


def risk_difference(
    x1: int, n1: int, x2: int, n2: int, method: str = "newcombe", level: float = 0.95
) -> Estimate:
    """p1 - p2 by a method of DIFFERENCES; limits never leave -1 to 1."""
    _check(x1, n1, x2, n2)
    limits = _chosen(DIFFERENCES, method)
    if not (n1 and n2):
        return Estimate(None, None, None, method, level, NOBODY)
    lower, upper = limits((x1, n1, x2, n2), level)
    difference = x1 / n1 - x2 / n2
    return Estimate(difference, max(-1.0, lower), min(1.0, upper), method, level)


def risk_ratio(
    x1: int, n1: int, x2: int, n2: int, method: str = "miettinen-nurminen", level: float = 0.95
) -> Estimate:
    """p1 / p2 by a score method of RATIOS: 0 or infinity where one side has no event."""
    _check(x1, n1, x2, n2)
    factor = _chosen(RATIOS, method)
    if not (n1 and n2):
        return Estimate(None, None, None, method, level, NOBODY)
    if not (x1 or x2):
        return Estimate(None, 0.0, math.inf, method, level, NO_EVENT)
    estimate = _ratio(x1 * n2, x2 * n1)
    statistic = partial(_ratio_statistic, (x1, n1, x2, n2), factor((x1, n1, x2, n2)))
    lower, upper = _log_limits(estimate, statistic, level)
    return Estimate(estimate, lower, upper, method, level)


def odds_ratio(
    x1: int, n1: int, x2: int, n2: int, method: str = "score", level: float = 0.95
) -> Estimate:
    """The ratio of odds by a method of ODDS_RATIOS: 0 or infinity where a cell is empty."""
    _check(x1, n1, x2, n2)
    found = _chosen(ODDS_RATIOS, method)
    if not (n1 and n2):
        return Estimate(None, None, None, method, level, NOBODY)
    if x1 + x2 in (0, n1 + n2):
        why = EVERYBODY if x1 else NO_EVENT
        return Estimate(None, 0.0, math.inf, method, level, why)
    estimate, lower, upper = found((x1, n1, x2, n2), level)
    return Estimate(estimate, lower, upper, method, level)


def _newcombe(counts: Counts, level: float) -> tuple[float, float]:
    """Hybrid score interval, method 10 (Newcombe 1998, Stat Med 17:873)."""
    x1, n1, x2, n2 = counts
    (p1, l1, u1), (p2, l2, u2) = _parts(wilson(x1, n1, level)), _parts(wilson(x2, n2, level))
    lower = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    return lower, p1 - p2 + math.hypot(u1 - p1, p2 - l2)


def _difference_limits(counts: Counts, level: float) -> tuple[float, float]:
    """Score interval with N/(N-1) (Miettinen and Nurminen 1985, Stat Med 4:213)."""
    x1, n1, x2, n2 = counts
    most = z_value(level) ** 2

    def holds(delta: float) -> bool:
        return _difference_statistic(counts, delta) <= most

    difference = x1 / n1 - x2 / n2
    return bisect(-1.0, difference, holds), bisect(1.0, difference, holds)


def _difference_statistic(counts: Counts, delta: float) -> float:
    """Chi-squared of p1 - p2 = delta with the variance at the restricted maximum likelihood."""
    x1, n1, x2, n2 = counts
    p2 = _restricted(counts, delta)
    p1 = min(1.0, max(0.0, p2 + delta))
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * _correction(counts)
    return _square(x1 / n1 - x2 / n2 - delta, variance)


def _restricted(counts: Counts, delta: float) -> float:
    """p2 at which the likelihood is greatest if p1 = p2 + delta: a root of the cubic of 1985."""
    x1, n1, x2, n2 = counts
    n, x = n1 + n2, x1 + x2
    l2 = (n1 + 2 * n2) * delta - n - x
    l1 = (n2 * delta - n - 2 * x2) * delta + x
    l0 = x2 * delta * (1 - delta)
    q = l2**3 / (27 * n**3) - l1 * l2 / (6 * n**2) + l0 / (2 * n)
    p = math.copysign(math.sqrt(max(0.0, l2**2 / (9 * n**2) - l1 / (3 * n))), q)
    angle = math.acos(min(1.0, max(-1.0, q / p**3))) if p**3 else math.pi / 2
    root = 2 * p * math.cos((math.pi + angle) / 3) - l2 / (3 * n)
    return min(1.0, 1 - delta, max(0.0, -delta, root))


def _ratio_statistic(counts: Counts, factor: float, ratio: float) -> float:
    """Chi-squared of p1 = ratio * p2 (Koopman 1984, Biometrics 40:513), variance times factor."""
    x1, n1, x2, n2 = counts
    n, x = n1 + n2, x1 + x2
    b = n1 * ratio + x1 + n2 + x2 * ratio
    # the smaller root without the difference of two nearly equal numbers
    p2 = 2 * x / (b + math.sqrt(max(0.0, b * b - 4 * n * ratio * x)))
    p1 = min(1.0, ratio * p2)
    variance = p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2
    return _square(x1 / n1 - ratio * x2 / n2, variance * factor)


def _odds_score(counts: Counts, level: float) -> tuple[float, float, float]:
    """Sample ratio of odds with the score interval (Miettinen and Nurminen 1985)."""
    x1, n1, x2, n2 = counts
    estimate = _ratio(x1 * (n2 - x2), x2 * (n1 - x1))
    return estimate, *_log_limits(estimate, partial(_odds_statistic, counts), level)


def _odds_statistic(counts: Counts, odds: float) -> float:
    x1, n1, x2, n2 = counts
    x = x1 + x2
    a, b = n2 * (odds - 1), n1 * odds + n2 - x * (odds - 1)
    root = math.sqrt(b * b + 4 * a * x)
    p2 = 2 * x / (b + root) if b > 0 else (root - b) / (2 * a)
    p1 = p2 * odds / (1 + p2 * (odds - 1))
    expected, rest = n1 * p1 * (1 - p1), n2 * p2 * (1 - p2)
    if expected <= 0 or rest <= 0:
        return math.inf
    return (x1 - n1 * p1) ** 2 * (1 / expected + 1 / rest) / _correction(counts)


def _log_limits(
    estimate: float, statistic: Callable[[float], float], level: float
) -> tuple[float, float]:
    """Where the statistic reaches the quantile below and above, looked for on the log scale."""
    most = z_value(level) ** 2

    def holds(log: float) -> bool:
        return abs(log) < 600 and statistic(math.exp(log)) <= most

    inside = math.log(estimate) if 0 < estimate < math.inf else _inside(estimate, holds)
    lower = bisect(reach(inside, -1.0, holds), inside, holds) if estimate else -math.inf
    upper = bisect(reach(inside, 1.0, holds), inside, holds) if estimate < math.inf else math.inf
    return math.exp(lower), math.exp(upper) if upper < math.inf else math.inf


def _inside(estimate: float, holds: Callable[[float], bool]) -> float:
    """A log ratio within the interval of an estimate of 0 or infinity."""
    log = -1.0 if estimate == 0 else 1.0
    while not holds(log) and abs(log) < 500:
        log *= 2
    return log


def _correction(counts: Counts) -> float:
    people = counts[1] + counts[3]
    return people / (people - 1)


def _square(distance: float, variance: float) -> float:
    """Squared distance over its variance; infinite where a distance has none."""
    if variance > 0:
        return distance * distance / variance
    return math.inf if abs(distance) > 1e-12 else 0.0


def _ratio(above: int, below: int) -> float:
    return above / below if below else math.inf


def _parts(share: Proportion) -> tuple[float, float, float]:
    return share.estimate or 0.0, share.lower or 0.0, share.upper or 0.0


def _check(x1: int, n1: int, x2: int, n2: int) -> None:
    if not (0 <= x1 <= n1 and 0 <= x2 <= n2):
        raise ValueError(f"{x1} of {n1} and {x2} of {n2} are not two proportions")


def _chosen(known: dict[str, T], method: str) -> T:
    if method not in known:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(known)}")
    return known[method]


DIFFERENCES = {"newcombe": _newcombe, "miettinen-nurminen": _difference_limits}
RATIOS: dict[str, Callable[[Counts], float]] = {
    "miettinen-nurminen": _correction,
    "koopman": lambda _: 1.0,
}
ODDS_RATIOS = {"score": _odds_score, "conditional": conditional_odds_ratio}
