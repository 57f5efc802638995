"""Kaplan-Meier curves from counts per day.

A curve needs no patients, only how many had the event, were censored or entered late on each day.
On one day events come before censorings, and an event on day 0 counts against everyone present.
Whoever enters on day e is at risk from day e + 1, so a patient whose last day is not later than
the day of entry is never at risk and must not be among the counts. An entry on day 0 is no delay.

Sources: Kaplan and Meier 1958; Greenwood's variance with limits on the log(-log) scale (Kalbfleisch
and Prentice); median limits by Brookmeyer and Crowley 1982.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from registry.statistics.values import Estimate, Json, number, z_value

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

NOBODY = "nobody was followed"
NO_EVENTS = "no events yet"
ALL_EVENTS = "everyone at risk had the event: no interval"
REPORTED_DAYS = (30, 91, 183, 365, 730)
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
            *(map(_present, values.tolist()) for values in (self.survival, self.lower, self.upper)),
            self.at_risk.tolist(),
            self.events.tolist(),
            self.censored.tolist(),
            strict=True,
        )
        return [Step(*row) for row in columns]

    def at(self, day: int) -> SurvivalAt:
        """Survival at the end of a day; beyond the last follow-up only a curve at 0 has a value."""
        at_risk = self._at_risk_on(day)
        reason = self._why_not(day)
        if reason is not None:
            return SurvivalAt(day, None, None, None, at_risk, self.level, reason)
        index = int(np.searchsorted(self.time, day, side="right")) - 1
        survival = float(self.survival[index])
        lower, upper = _present(self.lower[index]), _present(self.upper[index])
        return SurvivalAt(day, survival, lower, upper, at_risk, self.level, _no_interval(survival))

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
        terms = _hazard_terms(self.at_risk, self.events)[inside]
        # where everyone at risk had the event the area that is left is 0 and the term drops out
        finite = np.isfinite(terms)
        return float(pieces.sum()), float((to_tau[finite] ** 2 * terms[finite]).sum())

    def _at_risk_on(self, day: int) -> int:
        # nobody enters or leaves between two listed days: the next listed day tells
        index = int(np.searchsorted(self.time, day, side="left"))
        return int(self.at_risk[index]) if index < self.time.size else 0

    def _why_not(self, day: int) -> str | None:
        if self.reason is not None:
            return self.reason
        if day < 0:
            return "before treatment"
        if self.end is not None and day >= self.end:
            return self._end_reason()
        if day > self.last_day and self.survival[-1] > 0:
            return f"beyond the last follow-up (day {self.last_day})"
        return None

    def _end_reason(self) -> str | None:
        if self.end is None:
            return None
        return f"everyone at risk on day {self.end} had the event before others entered"

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
    time, d, c, e = _by_day(
        day, events, censored, np.zeros_like(day) if entries is None else entries
    )
    n = _backwards(d + c) - _backwards(np.where(time > 0, e, 0))
    last_day = int(time[d + c > 0].max(initial=0))
    reason = _misfit(n, d, c)
    end = _emptied(time, n, d)
    survival = np.cumprod(1 - _ratio(d, n), dtype=np.float64)
    variance = np.cumsum(_hazard_terms(n, d), dtype=np.float64)
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


def _by_day(day: ArrayLike, *columns: ArrayLike) -> tuple[Counts, ...]:
    """Each column added up by day, days ascending, day 0 always among them."""
    days = np.atleast_1d(np.asarray(day, dtype=np.int64))
    time, where = np.unique(np.append(days, 0), return_inverse=True)
    if time[0] < 0:
        raise ValueError("a day before treatment among the counts")
    summed: list[Counts] = [time]
    for column in columns:
        values = np.atleast_1d(np.asarray(column, dtype=np.int64))
        if values.shape != days.shape or (values < 0).any():
            raise ValueError("every column needs one count, not negative, for every day")
        total = np.zeros(time.size, dtype=np.int64)
        np.add.at(total, where[:-1], values)
        summed.append(total)
    return tuple(summed)


def _backwards(counts: Counts) -> Counts:
    return np.cumsum(counts[::-1])[::-1]


def _ratio(part: Counts, whole: Counts) -> Values:
    return np.divide(part, whole, out=np.zeros(part.size), where=whole > 0)


def _hazard_terms(n: Counts, d: Counts) -> Values:
    """d / (n (n - d)) for every day, infinite where everyone at risk had the event."""
    product = n.astype(np.float64) * (n - d)
    terms = np.divide(d, product, out=np.zeros(d.size), where=product > 0)
    return np.where((d > 0) & (n == d), np.inf, terms)


def _log_log(survival: Values, variance: Values, z: float) -> tuple[Values, Values]:
    """S to the power exp(± z se / (S log S)); NaN where S is 1, 0 or not estimable."""
    lower, upper = np.full(survival.size, np.nan), np.full(survival.size, np.nan)
    inside = (survival > 0) & (variance > 0) & np.isfinite(variance)
    s = survival[inside]
    power = np.exp(z * np.sqrt(variance[inside]) / np.log(s))
    upper[inside], lower[inside] = s**power, s ** (1 / power)
    return lower, upper


def _misfit(n: Counts, d: Counts, c: Counts) -> str | None:
    if not (d + c).any():
        return NOBODY
    if (n < 0).any() or (d + c > n).any():
        return "a patient left on or before the day of entry: not to be counted"
    return None


def _emptied(time: Counts, n: Counts, d: Counts) -> int | None:
    """The first day on which everyone at risk had the event while others were still to enter."""
    gone = np.flatnonzero((d > 0) & (d == n))
    early = [int(time[i]) for i in gone if n[i + 1 :].any()]
    return early[0] if early else None


def _present(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _no_interval(survival: float) -> str | None:
    if survival == 0:
        return ALL_EVENTS
    return NO_EVENTS if survival == 1 else None
