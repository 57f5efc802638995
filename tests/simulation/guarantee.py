"""The calendar of the promise, written down a second time: the oracle shares no date with the code.

Months count from the day of treatment and end with a shorter month; windows are days since it.
"""

import calendar
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WINDOWS = {1: (16, 44), 3: (61, 121), 6: (138, 228), 12: (305, 425), 24: (640, 820)}
REMINDERS = {1: 2, 3: 4, 6: 4, 12: 4, 24: 4}  # at most so many letters after the first
FIRST_REMINDER = 3  # days after the first letter
GAP = 3  # days between two letters of one follow-up
OPENS, CLOSES = time(9), time(17)


def due_on(treated_on: date, month: int) -> date:
    """The day of the first letter."""
    years, index = divmod(treated_on.month - 1 + month, 12)
    year = treated_on.year + years
    last = calendar.monthrange(year, index + 1)[1]
    return date(year, index + 1, min(treated_on.day, last))


def treated_for(due: date, month: int) -> date:
    """A day of treatment whose follow-up of that month is due then, or a few days earlier."""
    years, index = divmod(due.month - 1 - month, 12)
    year = due.year + years
    last = calendar.monthrange(year, index + 1)[1]
    return date(year, index + 1, min(due.day, last))


def opens_on(treated_on: date, month: int) -> date:
    """The first day of the window."""
    return treated_on + timedelta(days=WINDOWS[month][0])


def closes_on(treated_on: date, month: int) -> date:
    """The last day of the window."""
    return treated_on + timedelta(days=WINDOWS[month][1])


def local(at: datetime, zone: str) -> datetime:
    """What the patient's wall clock shows."""
    return at.astimezone(ZoneInfo(zone))


def is_sending_hour(at: datetime, zone: str, grace: timedelta) -> bool:
    """Monday to Friday, nine to five; what was claimed in time may take `grace` longer."""

    def _open(instant: datetime) -> bool:
        there = local(instant, zone)
        return there.weekday() < 5 and OPENS <= there.time() < CLOSES

    return _open(at) or _open(at - grace)
