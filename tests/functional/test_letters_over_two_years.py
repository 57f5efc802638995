"""Two years of a patient's post, lived day by day on both databases."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from factories import a_patient, an_answered_follow_up
from sqlalchemy import select

from registry.clock import FixedClock
from registry.db import reading
from registry.mail import MemoryMailer
from registry.models import FollowUp, OutboxEmail
from registry.runtime import Runtime
from workers.schedule import run_jobs_once

BERLIN = ZoneInfo("Europe/Berlin")
TREATED_ON = date(2024, 1, 31)
DUE = ["2024-02-29", "2024-04-30", "2024-07-31", "2025-01-31", "2026-01-31"]


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def live(
    runtime: Runtime, clock: FixedClock, mailer: MemoryMailer, until: date
) -> list[tuple[str, str]]:
    """Two ticks a day, at 05:30 and 17:30 UTC; gives (local day, kind) of every letter sent."""
    while clock.now().date() < until:
        assert run_jobs_once(runtime, mailer) == {}
        clock.advance(hours=12)
    with reading(runtime) as session:
        letters = session.scalars(select(OutboxEmail).order_by(OutboxEmail.id)).all()
    return [
        (str(letter.ended_at.astimezone(BERLIN).date()), letter.kind)
        for letter in letters
        if letter.state == "sent" and letter.ended_at
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
    sent = live(registry, clock, mailer, date(2026, 12, 31))
    assert sent == [(day, "invitation") for day in DUE]
    assert len(mailer.sent) == 5
    assert len({letter.raw for letter in mailer.sent}) == 5


def test_a_silent_patient_is_reminded_by_the_rule(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    clock.move_to(datetime(2024, 1, 31, 5, 30, tzinfo=UTC))
    patient = a_patient(registry, treated_on=TREATED_ON)
    sent = live(registry, clock, mailer, date(2026, 12, 31))
    first = [(day, kind) for day, kind in sent if day < "2024-06"]
    assert first == [
        ("2024-02-29", "invitation"),
        ("2024-03-03", "reminder"),
        ("2024-03-07", "reminder"),
        # window of month 1 ends on day 44: 2024-03-15
        ("2024-04-30", "invitation"),
        ("2024-05-03", "reminder"),
        ("2024-05-07", "reminder"),
        ("2024-05-14", "reminder"),
        ("2024-05-24", "reminder"),
    ]
    kinds = [kind for _, kind in sent]
    assert (kinds.count("invitation"), kinds.count("reminder")) == (5, 2 + 4 * 4)
    with reading(registry) as session:
        states = session.scalars(
            select(FollowUp.state).where(FollowUp.patient_id == patient.patient_id)
        )
        assert set(states) == {"missed"}
