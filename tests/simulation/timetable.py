"""When anything can next come due: the clock jumps there, for nothing happens in between.

It reads the tables only to save time: random wakings in between find what should not happen.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from sqlite3 import Connection
from zoneinfo import ZoneInfo

LETTERS = """
SELECT min(CASE WHEN state = 'queued' THEN next_attempt_at ELSE lease_until END) FROM outbox
WHERE state IN ('queued', 'leased', 'handover')
"""
DAYS = """
SELECT zone, min(due_on) FROM follow_up WHERE state = 'planned' GROUP BY zone
UNION ALL SELECT zone, min(remind_on) FROM follow_up WHERE state = 'open' GROUP BY zone
UNION ALL
SELECT zone, date(min(closes_on), '+1 day') FROM follow_up WHERE state IN ('planned', 'open')
GROUP BY zone
"""
PROBES = """
SELECT zone, date(due_on, '-1 day'), 10 FROM follow_up WHERE state = 'planned' AND due_on < :soon
UNION
SELECT zone, closes_on, 20 FROM follow_up
WHERE state IN ('planned', 'open') AND closes_on < :soon
"""
LINKS = """
SELECT min(link_asked_at) FROM follow_up
WHERE link_asked_at IS NOT NULL AND (link_made_at IS NULL OR link_made_at < link_asked_at)
"""


def next_instant(database: Connection, now: datetime) -> datetime | None:
    """The first of all instants to come; one that has passed means that something waits."""
    found = []
    for query in (LETTERS, LINKS):
        (text,) = database.execute(query).fetchone()
        if text:
            found.append(datetime.fromisoformat(text).replace(tzinfo=UTC))
    for zone, day in database.execute(DAYS):
        if day:
            midnight = datetime.combine(datetime.fromisoformat(day), time(), ZoneInfo(zone))
            found.append(midnight.astimezone(UTC) + timedelta(seconds=1))
    return min([*found, *_probes(database, now)], default=None)


def _probes(database: Connection, now: datetime) -> Iterator[datetime]:
    """The hours in which nothing should happen yet: the day before, and the last day."""
    soon = {"soon": (now + timedelta(days=40)).date().isoformat()}
    for zone, day, hour in database.execute(PROBES, soon):
        at = datetime.combine(datetime.fromisoformat(day), time(hour), ZoneInfo(zone))
        if at > now:
            yield at.astimezone(UTC)
