"""The standard error behind a printed interval, on the scale on which the interval was made.

An interval of a normal estimate lies evenly around it on one scale: as it is, in logarithms (rates,
ratios), in logits (shares) or in log(-log) (survival). Which one it was shows, up to the rounding
of what was printed. If it lies evenly on none, nothing is recovered.

Source: Higgins and Green 2011, Cochrane Handbook 7.7.7; Kalbfleisch and Prentice 2002, 1.4
(log-log).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from registry.statistics.values import NotEstimable, z_value

_SCALES: dict[str, tuple[Callable[[float], float], float, float]] = {
    "linear": (lambda value: value, -math.inf, math.inf),
    "log": (math.log, 0.0, math.inf),
    "logit": (lambda value: math.log(value / (1 - value)), 0.0, 1.0),
    "log(-log)": (lambda value: math.log(-math.log(value)), 0.0, 1.0),
}
SCALES = tuple(_SCALES)


@dataclass(frozen=True)
class Recovered:
    """A standard error on a scale, and the estimate there."""

    scale: str
    estimate: float
    se: float


def standard_error(
    estimate: Decimal,
    lower: Decimal,
    upper: Decimal,
    scales: Sequence[str] = SCALES,
    level: float = 0.95,
) -> Recovered | NotEstimable:
    """From an estimate and its limits as printed, shares as fractions; the first scale that fits.

    Each number is known to half a unit of its last printed digit. Raises KeyError for a scale that
    is not one of SCALES, ValueError for limits that run backwards.
    """
    if not lower <= estimate <= upper:
        raise ValueError(f"{estimate} ({lower} to {upper}) is no estimate with its interval")
    for name in scales:
        scale, least, most = _SCALES[name]
        printed = [_rounded(each) for each in (estimate, lower, upper)]
        if not all(least < end < most for ends in printed for end in ends):
            continue
        middle, low, high = (sorted(map(scale, ends)) for ends in printed)
        if low[0] + high[0] <= 2 * middle[1] and 2 * middle[0] <= low[1] + high[1]:
            width = abs(scale(float(upper)) - scale(float(lower)))
            return Recovered(name, scale(float(estimate)), width / (2 * z_value(level)))
    return NotEstimable("the printed interval lies evenly around the estimate on no known scale")


def _rounded(printed: Decimal) -> tuple[float, float]:
    """The smallest and largest number that is printed so."""
    exponent = printed.as_tuple().exponent
    half = Decimal(5).scaleb(int(exponent) - 1)
    return float(printed - half), float(printed + half)
