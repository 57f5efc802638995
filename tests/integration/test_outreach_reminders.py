"""Reminders: by the rule, and never to somebody who answered, left, or was just written to."""

from datetime import UTC, date, datetime

import pytest
from factories import a_patient, a_person, an_answered_follow_up
from post import (
    FaultyMailer,
    in_protocol_hours,
    letter,
    letters,
    live_until,
    noon,
    plan_of,
    run,
    set_columns,
)

from registry.actions import endings, preferences, staff_mail
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import transaction
from registry.mail import Fault, Lost, MemoryMailer, Rejected, Unreachable
from registry.models import FollowUp
from registry.runtime import Runtime
from workers.schedule import run_jobs_once

DUE = "2026-01-29"  # month 1: reminders on day +3 and +7, window ends on 2026-02-11
END_OF_WINDOW = date(2026, 2, 12)


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def invited(registry: Runtime, clock: FixedClock, mailer: MemoryMailer) -> Enrolled:
    """A patient whose first letter has just gone out."""
    patient = a_patient(registry, person=a_person(email="pat@example.org"))
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert len(mailer.sent) == 1
    return patient


def reminded_on(runtime: Runtime) -> list[str]:
    return [
        str(one.ended_at.date())
        for one in letters(runtime, kind="reminder", state="sent")
        if one.ended_at
    ]


def dropped(runtime: Runtime) -> list[tuple[int, str | None]]:
    rows = letters(runtime, kind="reminder", state="cancelled")
    return [(one.number, one.state_reason) for one in rows]


def test_silence_is_reminded_of_twice_in_the_first_month(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    live_until(registry, clock, mailer, END_OF_WINDOW)
    assert reminded_on(registry) == ["2026-02-01", "2026-02-05"]
    assert dropped(registry) == []
    links = {str(sent.message.get_body(("plain",))) for sent in mailer.sent}
    assert len(links) == 3


@pytest.mark.parametrize("what", ["answered", "died", "withdrew", "unsubscribed"])
def test_reminders_stop(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled, what: str
) -> None:
    live_until(registry, clock, mailer, date(2026, 2, 3))
    assert len(reminded_on(registry)) == 1
    who, at = {"by": "Ada", "at": clock.now()}, clock.now()
    first = plan_of(registry, invited.patient_id)[1]
    if what == "answered":
        an_answered_follow_up(registry, invited, 1)
    else:
        with transaction(registry) as session:
            if what == "died":
                endings.record_death(session, invited.patient_id, at.date(), **who)
            elif what == "withdrew":
                endings.withdraw(session, invited.patient_id, at.date(), **who)
            else:
                preferences.stop_mail(session, first.id, **who)
    live_until(registry, clock, mailer, END_OF_WINDOW)
    assert len(mailer.sent) == 2


def test_an_address_that_bounces_is_not_reminded_and_the_month_is_undeliverable(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    faulty = FaultyMailer(open=[Rejected("550 5.1.1 unknown", Fault.ADDRESS)])
    live_until(registry, clock, faulty, END_OF_WINDOW)
    assert [one.state for one in letters(registry)] == ["failed"]
    assert faulty.opened == 1


def test_after_a_pause_only_the_newest_reminder_goes_out(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    clock.move_to(noon("2026-02-06"))  # both reminders came due while nothing ran
    run(registry, mailer)
    run(registry, mailer)
    assert [one.number for one in letters(registry, kind="reminder", state="sent")] == [2]
    assert dropped(registry) == [(1, "a later one was due as well")]


def test_no_reminder_within_three_days_of_another_letter(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    live_until(registry, clock, mailer, date(2026, 1, 30))
    first = plan_of(registry, invited.patient_id)[1]
    with transaction(registry) as session:
        staff_mail.ask_new_link(session, first.id, by="Ada", at=clock.now())
    live_until(registry, clock, mailer, END_OF_WINDOW)
    assert dropped(registry) == [(1, "within 3 days of the mail before")]
    assert reminded_on(registry) == ["2026-02-05"]


def test_no_reminder_after_the_window(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    registry = in_protocol_hours(registry)
    # the window ends on a Sunday; the second reminder falls on the Saturday before
    mine = FollowUp.patient_id == invited.patient_id
    set_columns(registry, FollowUp, mine & (FollowUp.month == 1), closes_on=date(2026, 2, 8))
    clock.move_to(datetime(2026, 2, 2, 8, 0, tzinfo=UTC))
    run(registry, mailer)
    run(registry, mailer)
    clock.move_to(datetime(2026, 2, 7, 8, 0, tzinfo=UTC))
    run(registry, mailer)
    assert dropped(registry) == [(2, "after the window")]


def test_a_letter_still_on_its_way_is_waited_for(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    clock.move_to(noon("2026-02-01"))
    stuck = FaultyMailer(open=[Unreachable("connection refused")] * 100)
    for _ in range(6):  # the mail server is down until the second reminder's day
        run_anyway(registry, stuck)
        clock.advance(days=1)
    assert [one.state for one in letters(registry, kind="reminder")] == ["queued"]
    live_until(registry, clock, mailer, END_OF_WINDOW)
    assert len(reminded_on(registry)) == 1
    assert dropped(registry) == [(2, "within 3 days of the mail before")]


def run_anyway(runtime: Runtime, mailer: MemoryMailer) -> None:
    assert run_jobs_once(runtime, mailer) == {"send_due": "Unreachable: connection refused"}


def test_who_was_invited_late_is_reminded_from_that_day_on(
    registry: Runtime, clock: FixedClock
) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    down = FaultyMailer(open=[Unreachable("connection refused")])
    run_anyway(registry, down)
    clock.move_to(noon("2026-02-02"))
    live_until(registry, clock, down, END_OF_WINDOW)
    assert reminded_on(registry) == ["2026-02-05", "2026-02-09"]


def test_an_invitation_that_may_have_arrived_counts_as_one(
    registry: Runtime, clock: FixedClock
) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    losing = FaultyMailer(lose=[Lost("no reply"), Lost("no reply")])
    live_until(registry, clock, losing, END_OF_WINDOW)
    assert letter(registry, kind="invitation").state == "parked"
    assert reminded_on(registry) == ["2026-02-01", "2026-02-05"]


def test_an_invitation_that_never_left_is_not_reminded_of(
    registry: Runtime, clock: FixedClock
) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    refusing = FaultyMailer(refuse=[Rejected("554 5.7.1 content", Fault.POLICY)])
    live_until(registry, clock, refusing, END_OF_WINDOW)
    assert [one.state for one in letters(registry)] == ["failed"]
