"""One proportion: x of n, with an interval that is right at the ends, and the exact test."""

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from registry.statistics.roots import bisect
from registry.statistics.values import NotEstimable, Proportion, z_value

NOBODY = "the denominator is 0"


def proportion(
    x: int, n: int, method: str = "wilson", level: float = 0.95, nobody: str = NOBODY
) -> Proportion:
    """x of n by the named method, one of METHODS; `nobody` is the reason given when n is 0.

    The lower limit is exactly 0 at x = 0, the upper exactly 1 at x = n, whatever the method. Raises
    ValueError unless 0 <= x <= n and for an unknown method.
    """
    if not 0 <= x <= n:
        raise ValueError(f"{x} of {n} is not a proportion")
    if method not in _LIMITS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(_LIMITS)}")
    z_value(level)
    if n == 0:
        return Proportion(x, n, None, None, None, method, level, reason=nobody)
    lower, upper = _LIMITS[method](x, n, level)
    return Proportion(
        x, n, x / n, 0.0 if x == 0 else lower, 1.0 if x == n else upper, method, level
    )


def wilson(x: int, n: int, level: float = 0.95) -> Proportion:
    """Score interval (Wilson 1927, JASA 22:209); exactly 0 at x = 0 and exactly 1 at x = n."""
    return proportion(x, n, "wilson", level)


def clopper_pearson(x: int, n: int, level: float = 0.95) -> Proportion:
    """Exact interval that covers at least `level` (Clopper and Pearson 1934, Biometrika 26:404)."""
    return proportion(x, n, "clopper-pearson", level)


def restated(share: Proportion, method: str) -> Proportion:
    """The same x of n with the interval of another method."""
    return proportion(share.x, share.n, method, share.level, nobody=share.reason or NOBODY)


def zero_event_upper(n: int, level: float = 0.95) -> float | NotEstimable:
    """One-sided upper bound of the share after 0 of n: 1 - alpha^(1/n) (JAMA 1983, 249:1743)."""
    if n < 0:
        raise ValueError(f"n is {n}")
    if n == 0:
        return NotEstimable(NOBODY)
    return 1 - math.pow(1 - level, 1 / n)


def binomial_test(x: int, n: int, p: float) -> float:
    """Exact two-sided p of x of n against the constant p: all counts no more likely than x.

    Not for a published share, which is a sample too. R's tolerance for ties (`binom.test`). Raises
    ValueError for impossible counts and a p outside 0 to 1.
    """
    if not (0 <= x <= n and 0 <= p <= 1):
        raise ValueError(f"{x} of {n} cannot be tested against {p}")
    k = np.arange(n + 1)
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    chance = np.exp(ways + special.xlogy(k, p) + special.xlog1py(n - k, -p))
    return min(1.0, float(chance[chance <= chance[x] * (1 + 1e-7)].sum()))


def _wilson_limits(x: int, n: int, level: float) -> tuple[float, float]:
    z, p = z_value(level), x / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return (centre - half) / scale, (centre + half) / scale


def _clopper_pearson_limits(x: int, n: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    lower = special.betaincinv(x, n - x + 1, tail) if x else 0.0
    upper = special.betainccinv(x + 1, n - x, tail) if x < n else 1.0
    return float(lower), float(upper)


def _wilson_continuity_limits(x: int, n: int, level: float) -> tuple[float, float]:
    """Score interval with continuity correction (Newcombe 1998, Stat Med 17:857, method 4)."""
    z, p = z_value(level), x / n
    scale = 2 * (n + z * z)
    low = z * z - 2 - 1 / n + 4 * p * (n * (1 - p) + 1)
    high = z * z + 2 - 1 / n + 4 * p * (n * (1 - p) - 1)
    lower = (2 * x + z * z - 1 - z * math.sqrt(max(0.0, low))) / scale
    upper = (2 * x + z * z + 1 + z * math.sqrt(max(0.0, high))) / scale
    return max(0.0, lower), min(1.0, upper)


def _mid_p_limits(x: int, n: int, level: float) -> tuple[float, float]:
    """Clopper-Pearson with half of the observed count's chance (Lancaster 1961, JASA 56:223)."""
    tail = (1 - level) / 2

    def below(p: float) -> float:
        """Chance of fewer than x, with half of the chance of x itself."""
        least = special.bdtr(x - 1, n, p) if x else 0.0
        most = special.bdtr(x, n, p) if x < n else 1.0
        return float(least + most) / 2

    lower = bisect(0.0, x / n, lambda p: below(p) <= 1 - tail)
    upper = bisect(1.0, x / n, lambda p: below(p) >= tail)
    return lower, upper


def _jeffreys_limits(x: int, n: int, level: float) -> tuple[float, float]:
    """Equal tails of Beta(x + 1/2, n - x + 1/2) (Brown, Cai and DasGupta 2001, Stat Sci 16:101)."""
    tail = (1 - level) / 2
    lower = special.betaincinv(x + 0.5, n - x + 0.5, tail)
    upper = special.betainccinv(x + 0.5, n - x + 0.5, tail)
    return float(lower), float(upper)


def _agresti_coull_limits(x: int, n: int, level: float) -> tuple[float, float]:
    """Wald's interval around Wilson's centre, kept within 0 and 1 (Agresti and Coull 1998)."""
    z = z_value(level)
    people = n + z * z
    centre = (x + z * z / 2) / people
    half = z * math.sqrt(centre * (1 - centre) / people)
    return max(0.0, centre - half), min(1.0, centre + half)


_LIMITS: dict[str, Callable[[int, int, float], tuple[float, float]]] = {
    "wilson": _wilson_limits,
    "clopper-pearson": _clopper_pearson_limits,
    "mid-p": _mid_p_limits,
    "jeffreys": _jeffreys_limits,
    "agresti-coull": _agresti_coull_limits,
    "wilson-continuity": _wilson_continuity_limits,
}
METHODS = tuple(_LIMITS)
