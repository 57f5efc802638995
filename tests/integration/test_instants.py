"""Due dates and instants of sending: through both databases, and in every zone there is."""

from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from factories import a_patient
from sqlalchemy import insert, select

from registry import audit
from registry.db import Base, reading, transaction
from registry.models import FollowUp, OutboxEmail
from registry.protocols import bundled
from registry.runtime import Runtime
from surveys.lifecycle import WORKING_HOURS, next_send_instant
from surveys.timepoints import add_months

STARTS = [date(2020, 1, 1) + timedelta(days=number) for number in range(7305)]
MONTHS = (1, 3, 6, 12, 24)
DAY = timedelta(days=1)
Offsets = tuple[timedelta | None, timedelta | None]


@cache
def due_dates() -> list[date]:
    """Every day on which a follow-up of somebody treated in these twenty years is due."""
    return sorted({add_months(start, month) for start in STARTS for month in MONTHS})


def write(registry: Runtime, model: type[Base], rows: list[dict[str, Any]]) -> None:
    with transaction(registry) as session:
        session.execute(insert(model.metadata.tables[model.__tablename__]), rows)
        audit.record(session, by="t", at=registry.clock.now(), action="t", subject="registry")


def test_every_due_date_of_twenty_years_comes_back_from_the_database(registry: Runtime) -> None:
    patient = a_patient(registry)
    with reading(registry) as session:
        row = session.scalars(select(FollowUp).limit(1)).one()
    names = [column.name for column in FollowUp.__table__.columns if column.name != "id"]
    template = {name: getattr(row, name) for name in names}
    planned = [one for start in STARTS for one in bundled().plan(start)]
    assert len(planned) == 7305 * 5
    dates = ("due_on", "opens_on", "closes_on", "link_ends_on")
    rows = [
        {**template, "month": 1000 + number, **{name: getattr(one, name) for name in dates}}
        for number, one in enumerate(planned)
    ]
    write(registry, FollowUp, rows)
    with reading(registry) as session:
        kept = session.execute(
            select(*(getattr(FollowUp, name) for name in dates))
            .where(FollowUp.month >= 1000, FollowUp.patient_id == patient.patient_id)
            .order_by(FollowUp.month)
        ).all()
    assert [tuple(one) for one in kept] == [
        tuple(getattr(one, name) for name in dates) for one in planned
    ]


def opening(day: date) -> datetime:
    """Nine o'clock on the wall of the first working day from `day` on."""
    while day.weekday() > 4:
        day += DAY
    return datetime.combine(day, time(9))


def sent_at(day: date, zone: ZoneInfo) -> datetime:
    """When the letter of a follow-up goes that is begun as its day comes."""
    return next_send_instant(datetime.combine(day, time(), zone), zone, WORKING_HOURS)


@cache
def distinct_zones() -> list[tuple[ZoneInfo, list[Offsets]]]:
    """Zones that differ on some day, each with its offsets at midnight and at nine, day by day."""
    clocks = [(datetime.combine(d, time()), datetime.combine(d, time(9))) for d in days_around()]
    found: dict[tuple[Offsets, ...], ZoneInfo] = {}
    for name in sorted(available_timezones() - {"localtime"}):
        zone = ZoneInfo(name)
        offsets = tuple((zone.utcoffset(begin), zone.utcoffset(nine)) for begin, nine in clocks)
        found.setdefault(offsets, zone)
    return [(zone, list(offsets)) for offsets, zone in found.items()]


@cache
def days_around() -> list[date]:
    first, last = due_dates()[0] - 2 * DAY, due_dates()[-1] + 6 * DAY
    return [first + number * DAY for number in range((last - first).days + 1)]


def test_in_every_zone_every_due_date_is_mailed_at_nine_on_its_first_working_day() -> None:
    """Days with the same weekday and no change of the clock near them are asked about once."""
    first, asked, checked = days_around()[0], 0, 0
    for zone, offsets in distinct_zones():
        known: set[tuple[Offsets, int]] = set()
        for day in due_dates():
            checked += 1
            near = offsets[(day - first).days - 2 : (day - first).days + 6]
            quiet = (near[0], day.weekday())
            if near.count(near[0]) == len(near):
                if quiet in known:
                    continue
                known.add(quiet)
            asked += 1
            local = sent_at(day, zone).astimezone(zone)
            assert local.replace(tzinfo=None, fold=0) == opening(day), (zone.key, day)
            assert local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()
    assert len(available_timezones()) > 400
    assert checked > 600_000
    assert asked > 10_000


def test_a_thousand_drawn_instants_come_back_and_are_due_to_the_microsecond(
    registry: Runtime,
) -> None:
    patient = a_patient(registry)
    random = Random(20)
    zones = sorted(available_timezones() - {"localtime"})
    drawn = [
        sent_at(random.choice(due_dates()), ZoneInfo(random.choice(zones))) for _ in range(1000)
    ]
    letter = {"kind": "invitation", "patient_id": patient.patient_id, "template": "invitation"}
    letter |= {"template_version": 1, "language": "en", "state": "queued", "fence": 0}
    counts = dict.fromkeys(("attempts", "uncertain_count", "broken_count", "lapse_count"), 0)
    rows = [
        {**letter, **counts, "resent": 0, "number": n, "queued_at": at, "next_attempt_at": at}
        for n, at in enumerate(drawn)
    ]
    write(registry, OutboxEmail, rows)
    with reading(registry) as session:
        kept = session.execute(
            select(OutboxEmail.number, OutboxEmail.next_attempt_at).order_by(OutboxEmail.number)
        ).all()
        assert [at for _, at in kept] == drawn
        for number, at in enumerate(drawn[:200]):
            due = select(OutboxEmail.id).where(OutboxEmail.number == number)
            just_before = at - timedelta(microseconds=1)
            assert session.scalars(due.where(OutboxEmail.next_attempt_at <= at)).all()
            assert not session.scalars(due.where(OutboxEmail.next_attempt_at <= just_before)).all()
