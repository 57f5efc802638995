"""Two years of a patient's post, lived day by day on both databases."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from factories import a_patient, an_answered_follow_up
from post import in_protocol_hours, letters, plan_of

from registry.clock import FixedClock
from registry.mail import MemoryMailer
from registry.runtime import Runtime
from workers.schedule import run_jobs_once

BERLIN = ZoneInfo("Europe/Berlin")
TREATED_ON = date(2024, 1, 31)
DUE = ["2024-02-29", "2024-04-30", "2024-07-31", "2025-01-31", "2026-01-31"]


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def live(
    runtime: Runtime, clock: FixedClock, mailer: MemoryMailer, until: date, hours: int = 12
) -> list[tuple[str, str]]:
    """A tick every so many hours; gives (local day, kind) of every letter sent so far."""
    while clock.now().date() < until:
        assert run_jobs_once(runtime, mailer) == {}
        clock.advance(hours=hours)
    return [
        (str(letter.ended_at.astimezone(BERLIN).date()), letter.kind)
        for letter in letters(runtime, state="sent")
        if letter.ended_at
    ]


def test_five_invitations_in_two_years_and_no_more(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    clock.move_to(datetime(2024, 1, 31, 5, 30, tzinfo=UTC))
    patient = a_patient(registry, treated_on=TREATED_ON)
    for month, due_on in zip((1, 3, 6, 12, 24), DUE, strict=True):
        # the patient answers each on the day it comes
        live(registry, clock, mailer, date.fromisoformat(due_on) + timedelta(days=1))
        an_answered_follow_up(registry, patient, month)
    sent = live(registry, clock, mailer, date(2026, 2, 28))
    assert sent == [(day, "invitation") for day in DUE]
    assert len(mailer.sent) == 5
    assert len({letter.raw for letter in mailer.sent}) == 5


def test_a_silent_patient_is_reminded_by_the_rule(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    clock.move_to(datetime(2024, 1, 31, 5, 30, tzinfo=UTC))
    patient = a_patient(registry, treated_on=TREATED_ON)
    assert live(registry, clock, mailer, date(2024, 7, 31)) == [
        ("2024-02-29", "invitation"),
        ("2024-03-03", "reminder"),
        ("2024-03-07", "reminder"),
        # the window of month 1 ends on day 44, 15 March
        ("2024-04-30", "invitation"),
        ("2024-05-03", "reminder"),
        ("2024-05-07", "reminder"),
        ("2024-05-14", "reminder"),
        # a week before the window of month 3 ends, on 31 May
        ("2024-05-24", "reminder"),
    ]
    plan = plan_of(registry, patient.patient_id)
    assert [plan[month].state for month in (1, 3, 6)] == ["missed", "missed", "planned"]


def test_in_the_protocols_hours_a_weekend_waits_for_monday(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    registry = in_protocol_hours(registry)
    clock.move_to(datetime(2026, 1, 29, 5, 30, tzinfo=UTC))
    a_patient(registry, treated_on=TREATED_ON)
    sent = live(registry, clock, mailer, date(2026, 2, 20), hours=4)
    # month 24 falls on Saturday, 31 January; a reminder falls on Monday, 9 February
    assert sent[:2] == [("2026-02-02", "invitation"), ("2026-02-05", "reminder")]
    for letter in letters(registry, state="sent"):
        assert letter.ended_at
        local = letter.ended_at.astimezone(BERLIN)
        assert local.weekday() < 5
        assert 9 <= local.hour < 17
