"""Who is at risk on which day, from counts per day: what every curve starts from.

On one day events come before censorings, and an event on day 0 counts against everyone present.
Whoever enters on day e is at risk from day e + 1, so a patient whose last day is not later than
the day of entry is never at risk and must not be among the counts. An entry on day 0 is no delay.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

NOBODY = "nobody was followed"
REPORTED_DAYS = (30, 91, 183, 365, 730)


def by_day(day: ArrayLike, *columns: ArrayLike) -> tuple[Counts, ...]:
    """The days in order, day 0 always among them, then each column added up by day.

    Raises ValueError for a day before treatment, and for a column that is not one count per day.
    """
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


def at_risk(time: Counts, leaving: Counts, entries: Counts) -> Counts:
    """How many are at risk on each day: all who leave on it or later and entered before it."""
    return backwards(leaving) - backwards(np.where(time > 0, entries, 0))


def at_risk_on(time: Counts, n: Counts, day: int) -> int:
    """How many are at risk on any day: nobody enters or leaves between two listed days, so the next
    listed one tells.
    """
    index = int(np.searchsorted(time, day, side="left"))
    return int(n[index]) if index < time.size else 0


def backwards(counts: Counts) -> Counts:
    """Sums from each place to the end."""
    return np.cumsum(counts[::-1])[::-1]


def ratio(part: Counts, whole: Counts) -> Values:
    """part / whole, 0 where nobody is."""
    return np.divide(part, whole, out=np.zeros(part.size), where=whole > 0)


def hazard_terms(n: Counts, d: Counts) -> Values:
    """d / (n (n - d)) for every day, infinite where everyone at risk had the event."""
    product = n.astype(np.float64) * (n - d)
    terms = np.divide(d, product, out=np.zeros(d.size), where=product > 0)
    return np.where((d > 0) & (n == d), np.inf, terms)


def misfit(n: Counts, leaving: Counts) -> str | None:
    """Why these counts give no curve at all."""
    if not leaving.any():
        return NOBODY
    if (n < 0).any() or (leaving > n).any():
        return "a patient left on or before the day of entry: not to be counted"
    return None


def emptied(time: Counts, n: Counts, d: Counts) -> int | None:
    """The first day on which everyone at risk had the event while others were still to enter."""
    gone = np.flatnonzero((d > 0) & (d == n))
    early = [int(time[i]) for i in gone if n[i + 1 :].any()]
    return early[0] if early else None


def no_value(
    day: int, reason: str | None, end: int | None, last_day: int, lives: bool
) -> str | None:
    """Why a curve has no value at the end of a day; `lives`: somebody left it without an event."""
    if reason is not None:
        return reason
    if day < 0:
        return "before treatment"
    if end is not None and day >= end:
        return emptied_words(end)
    if day > last_day and lives:
        return f"beyond the last follow-up (day {last_day})"
    return None


def emptied_words(end: int) -> str:
    """That a curve ends because its risk set did."""
    return f"everyone at risk on day {end} had the event before others entered"


def present(value: float) -> float | None:
    """The number, None for NaN."""
    return None if np.isnan(value) else float(value)
