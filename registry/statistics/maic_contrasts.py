"""A matched share beside the study's x of n: difference, ratio and ratio of odds.

Both sides are samples. Where one of them has 0 or all, the limits are those of the score methods
with the effective sample size rounded down for ours, which is approximate and called so; the
estimates stay those of the shares.

Source: Phillippo et al. 2016, NICE DSU TSD 18; the delta method on the log scale for the ratios.
"""

import math
from dataclasses import dataclass, replace

from registry.statistics.maic import Matched
from registry.statistics.two_proportions import NOBODY, odds_ratio, risk_difference, risk_ratio
from registry.statistics.values import Estimate, z_value

SUMMED = "variances summed"
APPROXIMATE = "at the effective sample size, approximate"


@dataclass(frozen=True)
class Contrasts:
    """The matched share against the published one."""

    risk_difference: Estimate
    risk_ratio: Estimate
    odds_ratio: Estimate


def contrasts(found: Matched, x: int, n: int) -> Contrasts:
    """Ours minus, over and in odds over the study's x of n.

    Raises ValueError unless 0 <= x <= n.
    """
    if not 0 <= x <= n:
        raise ValueError(f"{x} of {n} is not a proportion")
    if n == 0:
        none = Estimate(None, None, None, SUMMED, found.level, NOBODY)
        return Contrasts(none, none, none)
    if not (0 < found.estimate < 1 and 0 < x < n):
        return _approximate(found, x, n)
    ours, theirs, level, error = found.estimate, x / n, found.level, found.se
    difference = math.hypot(error, math.sqrt(theirs * (1 - theirs) / n))
    ratio = math.hypot(error / ours, math.sqrt((1 - theirs) / x))
    odds = math.hypot(error / (ours * (1 - ours)), math.sqrt(1 / x + 1 / (n - x)))
    z, gap = z_value(level), ours - theirs
    limits = max(-1.0, gap - z * difference), min(1.0, gap + z * difference)
    return Contrasts(
        Estimate(gap, *limits, SUMMED, level),
        _on_log(ours / theirs, z * ratio, level),
        _on_log(ours * (1 - theirs) / ((1 - ours) * theirs), z * odds, level),
    )


def _on_log(estimate: float, half: float, level: float) -> Estimate:
    limits = estimate * math.exp(-half), estimate * math.exp(half)
    return Estimate(estimate, *limits, f"{SUMMED}, log", level)


def _approximate(found: Matched, x: int, n: int) -> Contrasts:
    """Limits of the score methods at the nearest whole number of the effective size, around the
    difference and the ratios of the shares themselves.
    """
    size = max(1, int(found.ess + 1e-9))
    counts = min(size, round(found.estimate * size)), size, x, n
    ours, theirs = found.estimate, x / n
    return Contrasts(
        _around(ours - theirs, risk_difference(*counts, level=found.level)),
        _around(_over(ours, theirs), risk_ratio(*counts, level=found.level)),
        _around(
            _over(ours * (1 - theirs), (1 - ours) * theirs), odds_ratio(*counts, level=found.level)
        ),
    )


def _around(estimate: float | None, score: Estimate) -> Estimate:
    """The limits around another estimate; where that is none, as it is with its reason."""
    method = f"{score.method}, {APPROXIMATE}"
    if estimate is None:
        return replace(score, method=method)
    return replace(score, estimate=estimate, method=method, reason=None)


def _over(above: float, below: float) -> float | None:
    if below:
        return above / below
    return math.inf if above else None
