"""Events per person-time, from sums of whole days."""

import math
from dataclasses import dataclass

from scipy import special

from registry.statistics.values import NotEstimable, Rate, z_value

DAYS_PER_YEAR = 365.25
NO_EXPOSURE = "no time at risk"


def person_years(days: int) -> float:
    """A sum of whole days at risk in years of 365.25 days, divided once."""
    return days / DAYS_PER_YEAR


def eair(patients: int, days: int, *, per: float = 100.0, level: float = 0.95) -> Rate:
    """Patients with a first event per `per` years, days summed to first event or end of follow-up.

    Exact Poisson interval (Garwood 1936, Biometrika 28:437); exactly 0 below when nobody had one.
    """
    _check(patients, days)
    if days == 0:
        return Rate(None, None, None, "garwood", level, NO_EXPOSURE)
    tail, unit = (1 - level) / 2, per / person_years(days)
    lower = float(special.gammaincinv(patients, tail)) if patients else 0.0
    upper = float(special.gammainccinv(patients + 1, tail))
    return Rate(patients * unit, lower * unit, upper * unit, "garwood", level)


@dataclass(frozen=True)
class EventSums:
    """Sums over patients of events e and days at risk t: e, t, e², e·t and t², all whole numbers.

    Patients without events belong in them too. Whole numbers keep the result free of row order.
    """

    events: int
    days: int
    events_squared: int
    events_days: int
    days_squared: int

    @property
    def squared_residuals(self) -> float:
        """Sum over patients of (e - rate·t)², expanded exactly before the one division."""
        e, t = self.events, self.days
        exact = self.events_squared * t * t - 2 * e * t * self.events_days
        return (exact + e * e * self.days_squared) / (t * t)


def event_rate(sums: EventSums, *, per: float = 100.0, level: float = 0.95) -> Rate:
    """All events per `per` years with a log-scale interval that allows for repeats in a patient.

    Variance of the log rate: sum of (e - rate·t)² over the squared number of events. Without
    events the upper limit is the one-sided bound, and the method says so.
    """
    _check(sums.events, sums.days)
    method = "patient-robust log"
    if sums.days == 0:
        return Rate(None, None, None, method, level, NO_EXPOSURE)
    if sums.events == 0:
        upper = _zero_event_bound(sums.days, per, level)
        return Rate(0.0, 0.0, upper, "zero events, one-sided upper bound", level)
    rate = sums.events * per / person_years(sums.days)
    variance = sums.squared_residuals / sums.events**2
    if variance <= 0:
        return Rate(rate, None, None, method, level, "the patients do not differ: no variance")
    factor = math.exp(z_value(level) * math.sqrt(variance))
    return Rate(rate, rate / factor, rate * factor, method, level)


def zero_event_rate_upper(
    days: int, *, per: float = 100.0, level: float = 0.95
) -> float | NotEstimable:
    """One-sided upper bound of a rate after no event: -ln(alpha) over the person-years."""
    _check(0, days)
    if days == 0:
        return NotEstimable(NO_EXPOSURE)
    return _zero_event_bound(days, per, level)


def _zero_event_bound(days: int, per: float, level: float) -> float:
    return -math.log(1 - level) * per / person_years(days)


def _check(events: int, days: int) -> None:
    if events < 0 or days < 0:
        raise ValueError(f"{events} events in {days} days at risk: neither can be negative")
