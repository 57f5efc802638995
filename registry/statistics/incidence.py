"""Cumulative incidence with a competing event from counts per day: Aalen and Johansen.

The share that has had the event by a day, where whoever had the competing event first (who died)
can no longer have it. Treating them as censored (one minus Kaplan-Meier) overstates that share.

Sources: Aalen and Johansen 1978; the variance by the delta method (Marubini and Valsecchi 1995,
10.12), which ties need no help with; limits on the log(-log) scale of the share without the event,
which without competing events is Kaplan-Meier's band turned over.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from registry.statistics.risk_sets import (
    Counts,
    Values,
    at_risk,
    at_risk_on,
    by_day,
    emptied,
    hazard_terms,
    misfit,
    no_value,
    present,
    ratio,
)
from registry.statistics.survival import ALL_EVENTS, NO_EVENTS
from registry.statistics.values import Json, number, z_value


class IncidenceStep(NamedTuple):
    """One day of the curve as a drawing needs it; what has no value is None."""

    day: int
    incidence: float | None
    lower: float | None
    upper: float | None
    at_risk: int
    events: int
    competing: int
    censored: int


@dataclass(frozen=True)
class IncidenceAt:
    """The share with the event by the end of a day, and who was at risk on it."""

    day: int
    incidence: float | None
    lower: float | None
    upper: float | None
    at_risk: int
    level: float = 0.95
    reason: str | None = None

    def as_json(self) -> Json:
        written: Json = {
            "incidence": number(self.incidence),
            "lower": number(self.lower),
            "upper": number(self.upper),
        }
        return written if self.reason is None else written | {"reason": self.reason}


@dataclass(frozen=True, eq=False)
class Incidence:
    """A cumulative incidence: parallel arrays over days, NaN where there is no value.

    `free` is the share with neither event; `other` the cumulative incidence of the competing one;
    `end` as in a survival curve.
    """

    time: Counts
    at_risk: Counts
    events: Counts
    competing: Counts
    censored: Counts
    incidence: Values
    other: Values
    free: Values
    variance: Values
    lower: Values
    upper: Values
    last_day: int
    level: float
    end: int | None = None
    reason: str | None = None

    def at(self, day: int) -> IncidenceAt:
        """The incidence by the end of a day; no value beyond the last follow-up while some are left
        with neither event.
        """
        risk = at_risk_on(self.time, self.at_risk, day)
        lives = bool(self.free[-1] > 0)
        reason = no_value(day, self.reason, self.end, self.last_day, lives)
        if reason is not None:
            return IncidenceAt(day, None, None, None, risk, self.level, reason)
        index = int(np.searchsorted(self.time, day, side="right")) - 1
        share = float(self.incidence[index])
        limits = present(self.lower[index]), present(self.upper[index])
        why = {0.0: NO_EVENTS, 1.0: ALL_EVENTS}.get(share)
        return IncidenceAt(day, share, *limits, risk, self.level, why)

    def steps(self) -> list[IncidenceStep]:
        """The days on which something happened, for drawing; the curve starts at 0."""
        shares = (self.incidence, self.lower, self.upper)
        counts = (self.at_risk, self.events, self.competing, self.censored)
        columns = (
            self.time.tolist(),
            *(map(present, values.tolist()) for values in shares),
            *(values.tolist() for values in counts),
        )
        return [IncidenceStep(*row) for row in zip(*columns, strict=True)]


def aalen_johansen(
    day: ArrayLike,
    events: ArrayLike,
    competing: ArrayLike,
    censored: ArrayLike,
    entries: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> Incidence:
    """The curve from rows of (day, events, competing events, censored, delayed entries).

    Arrays of whole numbers of equal length, in any order; a day may come in several rows, which
    are added. Time and memory grow with the days alone.
    """
    none = np.zeros_like(day) if entries is None else entries
    time, d1, d2, c, e = by_day(day, events, competing, censored, none)
    both, leaving = d1 + d2, d1 + d2 + c
    n = at_risk(time, leaving, e)
    reason, end = misfit(n, leaving), emptied(time, n, both)
    free = np.cumprod(1 - ratio(both, n), dtype=np.float64)
    before = np.concatenate(([1.0], free[:-1]))
    share = np.cumsum(before * ratio(d1, n), dtype=np.float64)
    if not d2.any():
        share = 1 - free  # the same, without the rounding of a sum
    other = np.cumsum(before * ratio(d2, n), dtype=np.float64)
    variance = _variance(share, before, n, d1, both)
    hidden = np.full(time.size, True) if reason else time >= (np.inf if end is None else end)
    for values in (share, other, free, variance):
        values[hidden] = np.nan
    lower, upper = _log_log(share, variance, z_value(level))
    last_day = int(time[leaving > 0].max(initial=0))
    curve = (time, n, d1, d2, c, share, other, free, variance, lower, upper)
    return Incidence(*curve, last_day, level, end, reason)


def _variance(share: Values, before: Values, n: Counts, d1: Counts, both: Counts) -> Values:
    """Var F(t) = sum (F(t)-F(s))² d/(n(n-d)) + sum S(s-)² d1(n-d1)/n³ - 2 sum (F(t)-F(s)) S(s-)
    d1/n², each by sums up to t. Where everyone at risk had an event the first term drops out.
    """
    hazard = hazard_terms(n, both)
    hazard[~np.isfinite(hazard)] = 0
    whole = np.maximum(n, 1).astype(np.float64)
    own = before**2 * d1 * (n - d1) / whole**3
    mixed = before * d1 / whole**2
    first = share**2 * hazard.cumsum() - 2 * share * (share * hazard).cumsum()
    first += (share**2 * hazard).cumsum()
    cross = share * mixed.cumsum() - (share * mixed).cumsum()
    variance: Values = np.maximum(first + own.cumsum() - 2 * cross, 0)
    return variance


def _log_log(share: Values, variance: Values, z: float) -> tuple[Values, Values]:
    """1 - (1-F) to the power exp(± z se / ((1-F) log(1-F))); NaN where F is 0, 1 or unknown."""
    lower, upper = np.full(share.size, np.nan), np.full(share.size, np.nan)
    inside = (share > 0) & (share < 1) & (variance > 0)
    rest = 1 - share[inside]
    power = np.exp(z * np.sqrt(variance[inside]) / (rest * np.log(rest)))
    lower[inside], upper[inside] = 1 - rest**power, 1 - rest ** (1 / power)
    return lower, upper
