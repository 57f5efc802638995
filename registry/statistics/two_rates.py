"""Two rates: events x1 in time t1 beside x2 in t2; both times in one unit, any unit."""

import math
from dataclasses import dataclass

from registry.statistics.proportions import binomial_test, clopper_pearson
from registry.statistics.rates import NO_EXPOSURE, person_years
from registry.statistics.roots import bisect, reach
from registry.statistics.values import Estimate, NotEstimable, z_value

EXACT, SCORE = "exact conditional", "poisson score"
NO_EVENT = "no event on either side"


@dataclass(frozen=True)
class RateComparison:
    """Patients with a first event per person-time, beside the same of a paper.

    `difference` is per 100 person-years.
    """

    ratio: Estimate
    difference: Estimate
    p: float | NotEstimable


def compare_rates(x1: int, days: int, x2: int, years: float, level: float = 0.95) -> RateComparison:
    """x1 first events in `days` at risk, summed over patients, beside x2 in `years` of a paper."""
    ours, theirs = person_years(days) / 100, years / 100
    return RateComparison(
        rate_ratio(x1, ours, x2, theirs, level),
        rate_difference(x1, ours, x2, theirs, level),
        rate_ratio_p(x1, ours, x2, theirs),
    )


def no_rates(reason: str, level: float = 0.95) -> RateComparison:
    """Rates that cannot be compared, and why."""
    ratio, difference = (
        Estimate(None, None, None, method, level, reason) for method in (EXACT, SCORE)
    )
    return RateComparison(ratio, difference, NotEstimable(reason))


def rate_ratio(x1: int, t1: float, x2: int, t2: float, level: float = 0.95) -> Estimate:
    """(x1/t1) / (x2/t2) with the exact interval given x1 + x2 (Przyborowski and Wilenski 1940).

    Given their sum, x1 is binomial: Clopper-Pearson limits of its share become limits of the ratio.
    """
    _check(x1, t1, x2, t2)
    if not (t1 and t2):
        return Estimate(None, None, None, EXACT, level, NO_EXPOSURE)
    if not (x1 or x2):
        return Estimate(None, 0.0, math.inf, EXACT, level, NO_EVENT)
    share, times = clopper_pearson(x1, x1 + x2, level), t2 / t1
    lower, upper = (_odds(limit or 0.0) * times for limit in (share.lower, share.upper))
    estimate = x1 * t2 / (x2 * t1) if x2 else math.inf
    return Estimate(estimate, lower, upper, EXACT, level)


def rate_ratio_p(x1: int, t1: float, x2: int, t2: float) -> float | NotEstimable:
    """Exact two-sided p of equal rates: x1 of x1 + x2 against t1/(t1 + t2)."""
    _check(x1, t1, x2, t2)
    if not (t1 and t2):
        return NotEstimable(NO_EXPOSURE)
    return binomial_test(x1, x1 + x2, t1 / (t1 + t2))


def rate_difference(x1: int, t1: float, x2: int, t2: float, level: float = 0.95) -> Estimate:
    """x1/t1 - x2/t2 with the score interval at the restricted maximum likelihood.

    Miettinen and Nurminen 1985, Stat Med 4:213, for rates.
    """
    _check(x1, t1, x2, t2)
    if not (t1 and t2):
        return Estimate(None, None, None, SCORE, level, NO_EXPOSURE)
    most, difference = z_value(level) ** 2, x1 / t1 - x2 / t2

    def holds(delta: float) -> bool:
        return _statistic(x1, t1, x2, t2, delta) <= most

    step = 1 / min(t1, t2)
    lower = bisect(reach(difference, -step, holds), difference, holds)
    upper = bisect(reach(difference, step, holds), difference, holds)
    return Estimate(difference, lower, upper, SCORE, level)


def _statistic(x1: int, t1: float, x2: int, t2: float, delta: float) -> float:
    """Chi-squared of a difference of delta; the means solve the restricted likelihood."""
    time, distance = t1 + t2, x1 / t1 - x2 / t2 - delta
    b = time * delta - x1 - x2
    root = math.sqrt(max(0.0, b * b + 4 * time * x2 * delta))
    second = max(0.0, -delta, (root - b) / (2 * time))
    variance = (second + delta) / t1 + second / t2
    if variance > 0:
        return distance * distance / variance
    return math.inf if distance else 0.0


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def _check(x1: int, t1: float, x2: int, t2: float) -> None:
    if min(x1, t1, x2, t2) < 0:
        raise ValueError(f"{x1} events in {t1} and {x2} in {t2}: nothing of it can be negative")
