"""Silence: when it becomes a call, when an alert, and what letters may not come too close."""

from datetime import UTC, date, datetime, timedelta

import pytest
from factories import a_patient, a_person, an_answered_follow_up
from post import (
    FaultyMailer,
    in_protocol_hours,
    letters,
    live_until,
    noon,
    plan_of,
    run,
    set_columns,
)
from sqlalchemy import select

from registry.actions import calls, preferences, replanning
from registry.actions.enrolment import Enrolled
from registry.actions.outreach import TOO_OLD
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.mail import MemoryMailer
from registry.models import Alert, FollowUp, Patient
from registry.queries import worklists
from registry.queries.worklists import Kind
from registry.runtime import Runtime

DUE = "2026-01-29"  # month 1 of a patient treated on 2025-12-29; its window ends on 2026-02-11


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def waiting_calls(registry: Runtime) -> list[str]:
    with reading(registry) as session:
        found = worklists.tasks(session, None, registry.clock.now())
        return [task.key for task in found if task.kind is Kind.CALL]


def alerts(registry: Runtime) -> list[Alert]:
    with reading(registry) as session:
        return list(session.scalars(select(Alert).order_by(Alert.id)))


@pytest.fixture
def invited(registry: Runtime, clock: FixedClock, mailer: MemoryMailer) -> Enrolled:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    return patient


def test_silence_becomes_a_call_nine_days_after_the_first_letter_of_month_1(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    live_until(registry, clock, mailer, date(2026, 2, 5))
    assert waiting_calls(registry) == []
    clock.move_to(datetime(2026, 2, 6, 22, 59, tzinfo=UTC))  # a minute to midnight in Berlin
    assert waiting_calls(registry) == []
    clock.advance(minutes=1)
    assert waiting_calls(registry) == ["1"]


def test_the_day_of_a_call_counts_from_the_letter_that_left(
    registry: Runtime, clock: FixedClock
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    down = FaultyMailer()
    registry_down = in_protocol_hours(registry)
    run(registry_down, down)
    assert plan_of(registry, patient.patient_id)[1].call_on == date(2026, 2, 7)
    # another patient's first letter is put off over a weekend
    other = a_patient(registry, treated_on=date(2025, 12, 31))
    clock.move_to(noon("2026-01-31"))
    live_until(registry_down, clock, down, date(2026, 2, 3))
    assert plan_of(registry, other.patient_id)[1].call_on == date(2026, 2, 11)


@pytest.mark.parametrize("how", ["no e-mail", "unsubscribed"])
def test_who_gets_no_letters_is_called_at_once(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, how: str
) -> None:
    person = a_person(email=None) if how == "no e-mail" else a_person()
    patient = a_patient(registry, person=person)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    if how == "unsubscribed":
        assert waiting_calls(registry) == []
        first = plan_of(registry, patient.patient_id)[1]
        with transaction(registry) as session:
            preferences.stop_mail(session, first.id, by="door", at=clock.now())
    assert waiting_calls(registry) == ["1"]


@pytest.mark.parametrize(
    ("code", "on", "waits"),
    [
        ("no_contact", "2026-02-07", True),
        ("undeliverable", "2026-02-07", True),
        ("refused", "2026-02-11", False),
        ("other", "2026-02-11", False),
        ("promised", "2026-02-09", False),
        ("promised", "2026-02-10", True),
    ],
)
def test_what_came_of_a_call_decides_whether_another_waits(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    invited: Enrolled,
    code: str,
    on: str,
    waits: bool,
) -> None:
    live_until(registry, clock, mailer, date(2026, 2, 6))
    clock.move_to(noon("2026-02-07"))
    with transaction(registry) as session:
        first = session.get_one(FollowUp, plan_of(registry, invited.patient_id)[1].id)
        calls.record_call(session, first, code, clock.now().date(), by="Ada", at=clock.now())
    clock.move_to(noon(on))
    assert waiting_calls(registry) == (["1"] if waits else [])


def test_the_clinic_is_alerted_before_the_window_closes_on_silence(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    live_until(registry, clock, mailer, date(2026, 2, 7))
    assert alerts(registry) == []
    live_until(registry, clock, mailer, date(2026, 2, 9))
    (alert,) = alerts(registry)
    assert alert.message == "No answer to month 1, and its window closes on 11 February 2026"
    assert alert.due_at == datetime(2026, 2, 11, 23, 0, tzinfo=UTC)  # midnight in Berlin
    assert alert.closed_at is None
    live_until(registry, clock, mailer, date(2026, 2, 12))
    (alert,) = alerts(registry)
    assert (alert.closed_by, alert.acknowledged_at) == ("worker", None)


def test_no_alert_for_who_answered_or_will_not(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    other = a_patient(registry)
    run(registry, mailer)
    an_answered_follow_up(registry, invited, 1)
    with transaction(registry) as session:
        first = session.get_one(FollowUp, plan_of(registry, other.patient_id)[1].id)
        calls.record_call(session, first, "refused", clock.now().date(), by="A", at=clock.now())
    live_until(registry, clock, mailer, date(2026, 2, 11))
    assert alerts(registry) == []


def test_overdue_alerts_come_first(registry: Runtime, clock: FixedClock) -> None:
    one, other = a_patient(registry), a_patient(registry)
    with transaction(registry) as session:
        for patient, hours in ((one, 72), (other, 24)):
            site_id = session.get_one(Patient, patient.patient_id).site_id
            add = {"patient_id": patient.patient_id, "site_id": site_id, "kind": "fever"}
            due_at = clock.now() + timedelta(hours=hours)
            told = {"recorded_at": clock.now(), "recorded_by": "door", "message": "x"}
            session.add(Alert(due_at=due_at, **add, **told))
        session.info["audited"] = True
    clock.advance(hours=30)
    with reading(registry) as session:
        found = worklists.tasks(session, None, clock.now())
    assert [task.number for task in found] == [other.study_number, one.study_number]
    assert [task.by < clock.now() for task in found] == [True, False]


def test_two_invitations_to_one_patient_are_a_week_apart(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    mine = (FollowUp.patient_id == invited.patient_id) & (FollowUp.month == 3)
    set_columns(registry, FollowUp, mine, due_on=date(2026, 2, 2))
    clock.move_to(noon("2026-02-02"))
    live_until(registry, clock, mailer, date(2026, 2, 11))
    sent = [str(one.ended_at) for one in letters(registry, kind="invitation", state="sent")]
    assert [day[:10] for day in sent] == ["2026-01-29", "2026-02-05"]


def test_no_reminder_within_three_days_of_the_invitation_to_another_month(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    mine = (FollowUp.patient_id == invited.patient_id) & (FollowUp.month == 3)
    set_columns(registry, FollowUp, mine, due_on=date(2026, 2, 5))
    clock.move_to(noon("2026-02-04"))
    live_until(registry, clock, mailer, date(2026, 2, 5), hours=24)
    dropped = letters(registry, kind="reminder", state="cancelled")
    assert "within 3 days of the mail before" in {one.state_reason for one in dropped}


@pytest.mark.parametrize(
    ("since", "away", "states"),
    [
        ("2026-01-28", 7, {1: "open", 3: "planned"}),
        ("2026-01-12", 92, {1: "missed", 3: "open"}),
    ],
)
def test_after_downtime_the_newest_due_goes_out_and_nothing_twice(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    since: str,
    away: int,
    states: dict[int, str],
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(since))
    run(registry, mailer)
    assert mailer.sent == []
    clock.advance(days=away)
    for _ in range(3):
        run(registry, mailer)
    plan = plan_of(registry, patient.patient_id)
    assert {month: plan[month].state for month in states} == states
    assert len(mailer.sent) == 1
    if states[1] == "missed":
        assert plan[1].state_reason in {TOO_OLD, "its window ended before it was begun"}
    assert {plan[month].state for month in (6, 12, 24)} == {"planned"}


def test_reminders_after_a_week_of_downtime_are_one(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    clock.advance(days=9)
    for _ in range(3):
        run(registry, mailer)
    sent, dropped = (letters(registry, kind="reminder", state=s) for s in ("sent", "cancelled"))
    assert [one.number for one in sent] == [2]
    assert [(one.number, one.state_reason) for one in dropped] == [
        (1, "a later one was due as well")
    ]


def test_a_corrected_treatment_date_thinks_about_reminders_anew(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, invited: Enrolled
) -> None:
    live_until(registry, clock, mailer, date(2026, 2, 6))
    assert len(mailer.sent) == 3
    assert plan_of(registry, invited.patient_id)[1].remind_on is None
    # reminders that the old plan had no room for: the window is longer now
    mine = (FollowUp.patient_id == invited.patient_id) & (FollowUp.month == 1)
    set_columns(registry, FollowUp, mine, remind_on=None)
    with transaction(registry) as session:
        replanning.correct_treatment_date(
            session,
            invited.patient_id,
            date(2026, 1, 2),
            reason="a slip",
            by="Ada",
            at=clock.now(),
        )
    first = plan_of(registry, invited.patient_id)[1]
    assert (first.state, first.remind_on) == ("open", clock.now().date())
    live_until(registry, clock, mailer, date(2026, 2, 15))
    assert len(mailer.sent) == 3  # nothing that went out goes again
    assert len({str(one.message["Message-ID"]) for one in mailer.sent}) == 3
