"""One proportion: x of n, with an interval that is right at the ends."""

import math
from collections.abc import Callable

from scipy import special

from registry.statistics.values import NotEstimable, Proportion, z_value

NOBODY = "the denominator is 0"


def proportion(
    x: int, n: int, method: str = "wilson", level: float = 0.95, nobody: str = NOBODY
) -> Proportion:
    """x of n by the named method, "wilson" (default) or "clopper-pearson".

    `nobody` is the reason given when n is 0. Raises ValueError unless 0 <= x <= n.
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


def zero_event_upper(n: int, level: float = 0.95) -> float | NotEstimable:
    """One-sided upper bound of the share after 0 of n: 1 - alpha^(1/n) (JAMA 1983, 249:1743)."""
    if n < 0:
        raise ValueError(f"n is {n}")
    if n == 0:
        return NotEstimable(NOBODY)
    return 1 - math.pow(1 - level, 1 / n)


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


_LIMITS: dict[str, Callable[[int, int, float], tuple[float, float]]] = {
    "wilson": _wilson_limits,
    "clopper-pearson": _clopper_pearson_limits,
}
