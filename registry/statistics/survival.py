"""Kaplan-Meier curves from counts per day.

A curve needs no patients, only how many had the event, were censored or entered late on each day;
`risk_sets` says how days are counted.

Sources: Kaplan and Meier 1958; Greenwood's variance with limits on the log(-log) scale (Kalbfleisch
and Prentice); median limits by Brookmeyer and Crowley 1982.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from registry.statistics.risk_sets import (
    NOBODY,
    REPORTED_DAYS,
    Counts,
    Values,
    at_risk,
    at_risk_on,
    by_day,
    emptied,
    emptied_words,
    hazard_terms,
    misfit,
    no_value,
    present,
    ratio,
)
from registry.statistics.values import Estimate, Json, number, z_value

__all__ = [
    "ALL_EVENTS", "NOBODY", "NO_EVENTS", "REPORTED_DAYS", "Curve", "MeanTime", "Step", "SurvivalAt",
    "kaplan_meier", "survival_json",
]  # fmt: skip

NO_EVENTS = "no events yet"
ALL_EVENTS = "everyone at risk had the event: no interval"
_ROUNDING = 1e-9  # a product of exact ratios may land this far above the half it should equal


class Step(NamedTuple):
    """One day of a curve as a drawing needs it; what has no value is None."""

    day: int
    survival: float | None
    lower: float | None
    upper: float | None
    at_risk: int
    events: int
    censored: int


@dataclass(frozen=True)
class SurvivalAt:
    """The share still free of the event at the end of a day, and who was at risk on it."""

    day: int
    survival: float | None
    lower: float | None
    upper: float | None
    at_risk: int
    level: float = 0.95
    reason: str | None = None

    def as_json(self) -> Json:
        written: Json = {
            "survival": number(self.survival),
            "lower": number(self.lower),
            "upper": number(self.upper),
            "at_risk": self.at_risk,
        }
        return written if self.reason is None else written | {"reason": self.reason}


@dataclass(frozen=True)
class MeanTime:
    """Restricted mean time in days free of the event up to day tau."""

    tau: int
    mean: Estimate
    variance: float | None

    def as_json(self) -> Json:
        return {"tau": self.tau} | self.mean.as_json()


@dataclass(frozen=True, eq=False)
class Curve:
    """A survival curve: parallel arrays over days, NaN where survival or a limit has no value.

    `last_day` is the last day with anyone under observation; `end` the first day from which the
    curve is not estimable although people are followed, because everyone at risk on it had the
    event while others had not yet entered.
    """

    time: Counts
    at_risk: Counts
    events: Counts
    censored: Counts
    survival: Values
    lower: Values
    upper: Values
    hazard_variance: Values
    last_day: int
    level: float
    end: int | None = None
    reason: str | None = None

    @property
    def total_events(self) -> int:
        return int(self.events.sum())

    def steps(self) -> list[Step]:
        """The days on which something happened, for drawing; the curve starts at 1."""
        columns = zip(
            self.time.tolist(),
            *(map(present, values.tolist()) for values in (self.survival, self.lower, self.upper)),
            self.at_risk.tolist(),
            self.events.tolist(),
            self.censored.tolist(),
            strict=True,
        )
        return [Step(*row) for row in columns]

    def at(self, day: int) -> SurvivalAt:
        """Survival at the end of a day; beyond the last follow-up only a curve at 0 has a value."""
        risk, reason = at_risk_on(self.time, self.at_risk, day), self._why_not(day)
        if reason is not None:
            return SurvivalAt(day, None, None, None, risk, self.level, reason)
        index = int(np.searchsorted(self.time, day, side="right")) - 1
        survival = float(self.survival[index])
        lower, upper = present(self.lower[index]), present(self.upper[index])
        return SurvivalAt(day, survival, lower, upper, risk, self.level, _no_interval(survival))

    def median(self) -> Estimate:
        """The first day with survival at one half or less; a limit never reached is unbounded."""
        method = "Kaplan-Meier, Brookmeyer-Crowley log-log"
        if self.reason is not None:
            return Estimate(None, None, None, method, self.level, self.reason)
        estimate, lower, upper = map(self._first_half, (self.survival, self.lower, self.upper))
        if estimate is not None and lower is None:
            return Estimate(estimate, None, None, method, self.level, ALL_EVENTS)
        reason = None if estimate is not None else self._end_reason() or "median not reached"
        unbounded = upper if upper is not None else float("inf")
        return Estimate(estimate, lower, unbounded, method, self.level, reason)

    def rmst(self, tau: int) -> MeanTime:
        """Restricted mean time to day tau: the area under the curve, limits on the plain scale."""
        method = "restricted mean, Greenwood"
        reason = self._why_not(tau) or (None if tau > 0 else "tau must be a day after day 0")
        if reason is not None:
            none = Estimate(None, None, None, method, self.level, reason)
            return MeanTime(tau, none, None)
        area, variance = self._area(tau)
        if variance == 0:
            reason = f"no events before day {tau}" if area == tau else ALL_EVENTS
            return MeanTime(tau, Estimate(area, None, None, method, self.level, reason), variance)
        half = z_value(self.level) * variance**0.5
        lower, upper = max(0.0, area - half), min(float(tau), area + half)
        return MeanTime(tau, Estimate(area, lower, upper, method, self.level), variance)

    def _area(self, tau: int) -> tuple[float, float]:
        """The area to tau and its variance, the sum of (area from t to tau)² d / (n (n - d))."""
        inside = self.time <= tau
        widths = np.diff(np.append(self.time[inside], tau))
        pieces = self.survival[inside] * widths
        to_tau = np.cumsum(pieces[::-1])[::-1]
        terms = hazard_terms(self.at_risk, self.events)[inside]
        # where everyone at risk had the event the area that is left is 0 and the term drops out
        finite = np.isfinite(terms)
        return float(pieces.sum()), float((to_tau[finite] ** 2 * terms[finite]).sum())

    def _why_not(self, day: int) -> str | None:
        return no_value(day, self.reason, self.end, self.last_day, bool(self.survival[-1] > 0))

    def _end_reason(self) -> str | None:
        return None if self.end is None else emptied_words(self.end)

    def _first_half(self, values: Values) -> float | None:
        reached = np.flatnonzero(values <= 0.5 + _ROUNDING)
        return float(self.time[reached[0]]) if reached.size else None


def kaplan_meier(
    day: ArrayLike,
    events: ArrayLike,
    censored: ArrayLike,
    entries: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Curve:
    """The curve from rows of (day, events, censored, delayed entries), in any order.

    Arrays of whole numbers of equal length; a day may come in several rows, which are added.
    """
    z_value(level)
    time, d, c, e = by_day(
        day, events, censored, np.zeros_like(day) if entries is None else entries
    )
    n = at_risk(time, d + c, e)
    last_day = int(time[d + c > 0].max(initial=0))
    reason = misfit(n, d + c)
    end = emptied(time, n, d)
    survival = np.cumprod(1 - ratio(d, n), dtype=np.float64)
    variance = np.cumsum(hazard_terms(n, d), dtype=np.float64)
    hidden = np.full(time.size, True) if reason else time >= (np.inf if end is None else end)
    survival[hidden] = np.nan
    lower, upper = _log_log(survival, variance, z_value(level))
    return Curve(time, n, d, c, survival, lower, upper, variance, last_day, level, end, reason)


def survival_json(curve: Curve, *, days: Iterable[int] = REPORTED_DAYS, tau: int = 730) -> Json:
    """The block of the report: deaths, at, median, rmst (tau cut to the last follow-up)."""
    reachable = tau if curve.survival[-1] == 0 else min(tau, curve.last_day)
    return {
        "deaths": curve.total_events,
        "at": {str(day): curve.at(day).as_json() for day in days},
        "median": curve.median().as_json(),
        "rmst": curve.rmst(reachable).as_json(),
    }


def _log_log(survival: Values, variance: Values, z: float) -> tuple[Values, Values]:
    """S to the power exp(± z se / (S log S)); NaN where S is 1, 0 or not estimable."""
    lower, upper = np.full(survival.size, np.nan), np.full(survival.size, np.nan)
    inside = (survival > 0) & (variance > 0) & np.isfinite(variance)
    s = survival[inside]
    power = np.exp(z * np.sqrt(variance[inside]) / np.log(s))
    upper[inside], lower[inside] = s**power, s ** (1 / power)
    return lower, upper


def _no_interval(survival: float) -> str | None:
    if survival == 0:
        return ALL_EVENTS
    return NO_EVENTS if survival == 1 else None
