"""The log-rank test of two or more survival curves, from counts per day.

Source: Mantel 1966, with the hypergeometric variance of each day; Peto and Peto 1972. Delayed
entries leave the risk sets as they leave the curve's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from registry.statistics.risk_sets import Counts, Values, at_risk, by_day, misfit
from registry.statistics.values import Json, NotEstimable

Rows = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
"""Days, events, censored, delayed entries."""


@dataclass(frozen=True)
class LogRank:
    """Events seen and expected by group, and the chi-squared statistic with its p-value."""

    observed: Mapping[str, int]
    expected: Mapping[str, float]
    statistic: float
    degrees: int
    p: float

    def as_json(self) -> Json:
        return {
            "observed": dict(self.observed),
            "expected": dict(self.expected),
            "statistic": self.statistic,
            "degrees": self.degrees,
            "p": self.p,
            "method": "log-rank",
        }


def log_rank(groups: Mapping[str, Rows]) -> LogRank | NotEstimable:
    """Whether the groups' curves are one. A group that nobody is in is left out.

    Not estimable with fewer than two groups followed, without events, or where no day with an
    event had people at risk in two groups.
    """
    followed = {name: rows for name, rows in groups.items() if np.any(rows[1]) or np.any(rows[2])}
    if len(followed) < 2:
        return NotEstimable("fewer than two groups were followed")
    risk, events, reason = _tables(followed)
    if reason is not None:
        return NotEstimable(reason)
    n, d = risk.sum(axis=0), events.sum(axis=0)
    if not d.any():
        return NotEstimable("no events yet")
    share = np.divide(risk, n, out=np.zeros(risk.shape), where=n > 0)
    expected = share @ d
    statistic, degrees = _chi_squared(events.sum(axis=1) - expected, _covariance(share, n, d))
    if not degrees:
        return NotEstimable("no event happened while two groups were at risk")
    return LogRank(
        dict(zip(followed, events.sum(axis=1).tolist(), strict=True)),
        dict(zip(followed, expected.tolist(), strict=True)),
        statistic,
        degrees,
        float(special.chdtrc(degrees, statistic)),
    )


def _tables(groups: Mapping[str, Rows]) -> tuple[Counts, Counts, str | None]:
    """At risk and events by group and day, on the days of all groups together."""
    days = np.concatenate([np.atleast_1d(rows[0]) for rows in groups.values()])
    risk, events, reason = [], [], None
    for day, *columns in groups.values():
        padded = (np.append(column, np.zeros_like(days)) for column in columns)
        time, dead, left, entered = by_day(np.append(day, days), *padded)
        n = at_risk(time, dead + left, entered)
        reason = reason or misfit(n, dead + left)
        risk.append(n)
        events.append(dead)
    return np.array(risk), np.array(events), reason


def _covariance(share: Values, n: Counts, d: Counts) -> Values:
    """The sum over days of d (n-d)/(n-1) (diag(share) - share share')."""
    weight = np.divide(d * (n - d), n - 1, out=np.zeros(n.size), where=n > 1)
    found: Values = np.diag(share @ weight) - (share * weight) @ share.T
    return found


def _chi_squared(difference: Values, covariance: Values) -> tuple[float, int]:
    """The quadratic form, and the rank that its degrees of freedom are."""
    degrees = int(np.linalg.matrix_rank(covariance, hermitian=True))
    inverse = np.linalg.pinv(covariance, hermitian=True)
    return float(difference @ inverse @ difference), degrees
