"""Figures, dates and messages as words: the same everywhere. Pure functions and Jinja filters.

Fractions come in (0 to 1, differences -1 to 1), per cent go out. An en dash between limits is
glued by word joiners and a per cent sign by a narrow no-break space, so that no line breaks there.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment

PERCENT = "\u202f%"
DASH = "\u2060–\u2060"
MINUS = "−"
HIDDEN = "hidden"
NOT_RECORDED = "not recorded"


# ---- figures


def number(value: float, digits: int = 1) -> str:
    """`value` with fixed digits, thousands apart, a true minus, and never a minus nought."""
    if math.isinf(value):
        return "no upper limit" if value > 0 else "no lower limit"
    text = f"{abs(value):,.{digits}f}"
    is_nought = not text.strip("0.,")
    return text if value >= 0 or is_nought else MINUS + text


def whole(n: int | None) -> str:
    """A whole number, thousands apart; None is a count that may not be shown."""
    return HIDDEN if n is None else number(n, 0)


def plural(n: int, one: str, many: str = "") -> str:
    """`n` with its noun: "1 day", "40 days"."""
    return f"{whole(n)} {one if n == 1 else many or one + 's'}"


def percent(fraction: float) -> str:
    """0.325 as "32.5 %"."""
    return number(100 * fraction) + PERCENT


def interval(lower: float, upper: float, digits: int = 1) -> str:
    """Two limits: "20.1–48.0"; with "to" as soon as one is negative or there is no limit."""
    plain = lower >= 0 and math.isfinite(upper)
    return number(lower, digits) + (DASH if plain else " to ") + number(upper, digits)


def estimate(value: float, lower: float | None, upper: float | None) -> str:
    """A share with its limits, all fractions: "32.5 % (20.1–48.0)"."""
    if lower is None or upper is None:
        return percent(value)
    return f"{percent(value)} ({interval(100 * lower, 100 * upper)})"


def share(
    x: int | None,
    n: int | None,
    lower: float | None = None,
    upper: float | None = None,
    zero_upper: float | None = None,
) -> str:
    """Count, denominator, share and 95 % limits: "13 of 40 (32.5 %, 20.1–48.0)".

    `zero_upper` is the one-sided 95 % limit, printed in place of the interval when nobody of `n`
    had the event. None for `x` or `n` is a cell that may not be shown.
    """
    if x is None or n is None:
        return HIDDEN
    counted = f"{whole(x)} of {whole(n)}"
    if n == 0:
        return f"{counted} (nobody to count)"
    if x == 0 and zero_upper is not None:
        return f"{counted} (up to {percent(zero_upper)}, one-sided 95{PERCENT})"
    if lower is None or upper is None:
        return f"{counted} ({percent(x / n)})"
    return f"{counted} ({percent(x / n)}, {interval(100 * lower, 100 * upper)})"


def difference(value: float, lower: float | None, upper: float | None) -> str:
    """A difference of two shares in percentage points: "−5.8 (−22.3 to 8.4)"."""
    if lower is None or upper is None:
        return number(100 * value)
    return f"{number(100 * value)} ({number(100 * lower)} to {number(100 * upper)})"


def rate(value: float, lower: float | None, upper: float | None) -> str:
    """A rate or ratio with its limits: "11.27 (8.62–14.48)"; nought: "0 (up to 0.50)"."""
    if value == 0 and upper is not None:
        return f"0 (up to {number(upper, 2)})"
    if lower is None or upper is None:
        return number(value, 2)
    return f"{number(value, 2)} ({interval(lower, upper, 2)})"


def p_value(p: float) -> str:
    """Three decimals, "<0.001" below that."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


# ---- days and times


def date(day: dt.date | None) -> str:
    """A day in full: "6 August 2026"."""
    return NOT_RECORDED if day is None else f"{day.day} {day:%B} {day.year}"


def date_range(first: dt.date, last: dt.date) -> str:
    """Two days with "to", saying month and year once if they are the same."""
    if first == last:
        return date(first)
    if first.year != last.year:
        return f"{date(first)} to {date(last)}"
    if first.month != last.month:
        return f"{first.day} {first:%B} to {date(last)}"
    return f"{first.day} to {date(last)}"


def zone_name(zone: dt.tzinfo) -> str:
    """A zone as people say it: "London" for Europe/London, "UTC" for UTC."""
    return str(zone).rpartition("/")[2].replace("_", " ")


def time(at: dt.datetime, zone: dt.tzinfo, reader: dt.tzinfo | None = None) -> str:
    """The hour in `zone`: "18:00", with the zone's name unless it is also the `reader`'s."""
    text = f"{at.astimezone(zone):%H:%M}"
    return text if reader is not None and str(zone) == str(reader) else f"{text} {zone_name(zone)}"


def moment(at: dt.datetime | None, zone: dt.tzinfo, reader: dt.tzinfo | None = None) -> str:
    """Day and hour in `zone`: "6 August 2026, 18:00 London"; no name for the zone's readers."""
    if at is None:
        return NOT_RECORDED
    return f"{date(at.astimezone(zone).date())}, {time(at, zone, reader)}"


def duration(span: dt.timedelta) -> str:
    """A span, rounded down: "50 min", "1 h 50", "2 days"; hours up to two days."""
    minutes = int(abs(span).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest:02}" if rest else f"{hours} h"
    return plural(hours // 24, "day")


def until(deadline: dt.datetime, at: dt.datetime) -> str:
    """Time left at `at`: "in 6 h 20", "in 40 days", or "overdue 1 h 50"."""
    left = deadline - at
    return f"in {duration(left)}" if left >= dt.timedelta() else f"overdue {duration(left)}"


def days_until(day: dt.date, today: dt.date) -> str:
    """Days between civil dates: "in 40 days", "today", "3 days ago"."""
    days = (day - today).days
    if days == 0:
        return "today"
    return f"in {plural(days, 'day')}" if days > 0 else f"{plural(-days, 'day')} ago"


# ---- forms


def date_parts(value: Any) -> dict[str, str]:
    """Day, month and year for three boxes, from a date, ISO text, the boxes' own dict, or None."""
    if isinstance(value, dt.date):
        return {"day": str(value.day), "month": str(value.month), "year": str(value.year)}
    if isinstance(value, Mapping):
        return {part: str(value.get(part) or "") for part in ("day", "month", "year")}
    year, month, day = [*str(value or "").split("-"), "", ""][:3]
    return {"day": day.lstrip("0"), "month": month.lstrip("0"), "year": year}


def messages_at(errors: Mapping[Any, Any] | None, name: str) -> list[str]:
    """What is wrong with the box `name` (`labs-0-value`) in marshmallow's nested messages."""
    node: Any = errors or {}
    for step in name.split("-"):
        if not isinstance(node, Mapping):
            return []
        node = node.get(step, node.get(int(step)) if step.isdecimal() else None)
    if isinstance(node, Mapping):
        return [text for key, under in node.items() if isinstance(key, int) for text in _own(under)]
    return _own(node)


def all_messages(
    errors: Mapping[Any, Any] | None, order: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """(id of the box, message) for the summary, in the page's `order` of names, then as they came.

    The id is "" for what belongs to no box.
    """
    found = list(_flat(errors or {}, ()))
    places = {name: place for place, name in enumerate(order)}

    def place(item: tuple[str, str]) -> int:
        return places.get(item[0], places.get(item[0].partition("-")[0], len(places)))

    return sorted(found, key=place)


def _own(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    return [str(text) for text in node] if isinstance(node, list | tuple) else []


def _flat(node: Any, path: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    if not isinstance(node, Mapping):
        for text in _own(node):
            yield "-".join(path).removesuffix("-day"), text
        return
    for key, under in node.items():
        is_of_parent = key == "_schema" or (isinstance(key, int) and not isinstance(under, Mapping))
        yield from _flat(under, path if is_of_parent else (*path, str(key)))


FILTERS = {
    function.__name__: function
    for function in (
        number, whole, plural, percent, interval, estimate, share, difference, rate, p_value,
        date, date_range, time, moment, duration, until, days_until,
        date_parts, messages_at, all_messages,
    )
}  # fmt: skip


def register_filters(env: Environment) -> None:
    """Give templates every function here as a filter; `day` and `zone` make values of text."""
    env.filters.update(FILTERS)
    env.filters["day"] = dt.date.fromisoformat
    env.filters["zone"] = ZoneInfo
