"""Guards that hold letters by themselves: floods, and a clock that somebody set."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from factories import a_patient
from post import add_facts, in_protocol_hours, letter, letters, noon, plan_of, run, set_columns
from sqlalchemy import select

from registry.actions import guards, holds
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock, SystemClock
from registry.db import reading, transaction
from registry.mail import MemoryMailer
from registry.models import OutboxEmail, SendingHold
from registry.runtime import Runtime
from workers.schedule import run_jobs_once

DUE = "2026-01-29"


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def in_force(registry: Runtime) -> list[str]:
    with reading(registry) as session:
        rows = session.scalars(select(SendingHold).where(SendingHold.lifted_at.is_(None)))
        return [row.kind for row in rows]


def lift(registry: Runtime) -> None:
    with transaction(registry) as session:
        for row in session.scalars(select(SendingHold)).all():
            holds.lift(session, row.id, by="Ada", at=registry.clock.now())


def a_crowd(registry: Runtime, letters_due: int) -> None:
    for _ in range(letters_due):
        a_patient(registry)


@pytest.fixture
def low_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "FLOOR", 2)


@pytest.mark.usefixtures("low_floor")
def test_more_letters_than_usual_wait_for_a_person(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    registry = in_protocol_hours(registry)
    a_crowd(registry, 3)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert (in_force(registry), mailer.sent) == (["flood"], [])
    run(registry, mailer)
    assert in_force(registry) == ["flood"]
    lift(registry)
    run(registry, mailer)
    assert (in_force(registry), len(mailer.sent)) == ([], 3)


@pytest.mark.usefixtures("low_floor")
def test_a_small_registry_is_never_held(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    registry = in_protocol_hours(registry)
    a_crowd(registry, 2)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert (in_force(registry), len(mailer.sent)) == ([], 2)


@pytest.mark.usefixtures("low_floor")
@pytest.mark.parametrize(("before", "is_held"), [(1, True), (2, False)])
def test_what_is_usual_is_the_busiest_hour_of_the_last_thirty_days(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, before: int, is_held: bool
) -> None:
    registry = in_protocol_hours(registry)
    a_crowd(registry, 6)
    busiest = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
    patient_id = 1
    month_24 = plan_of(registry, patient_id)[24].id
    told = {"kind": "invitation", "template": "invitation", "state": "sent", "queued_at": busiest}
    add_facts(
        registry,
        *(
            OutboxEmail(
                patient_id=patient_id,
                follow_up_id=month_24,
                number=200 + number,
                next_attempt_at=busiest,
                dated_at=busiest + timedelta(minutes=number),
                **told,
            )
            for number in range(before)
        ),
        # the day before: two hours that together would be more, and a letter too long ago
        OutboxEmail(
            patient_id=patient_id,
            follow_up_id=month_24,
            number=300,
            next_attempt_at=busiest,
            dated_at=busiest - timedelta(hours=1),
            **told,
        ),
    )
    set_columns(registry, OutboxEmail, OutboxEmail.number >= 200, patient_id=None)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert in_force(registry) == (["flood"] if is_held else [])


def test_drills_and_load_tests_are_spared(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, low_floor: None
) -> None:
    a_crowd(registry, 4)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert len(mailer.sent) == 4


class Machine:
    """A machine whose wall clock can be set while time goes on."""

    def __init__(self, wall: datetime) -> None:
        self.wall, self.steady = wall, timedelta(days=3)

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: self.steady)

    def passes(self, **time: float) -> None:
        self.wall += timedelta(**time)
        self.steady += timedelta(**time)

    def is_set(self, **by: float) -> None:
        self.wall += timedelta(**by)


@pytest.fixture
def embedded(make: Callable[[str], Runtime], sqlite_url: str) -> Runtime:
    runtime = make(sqlite_url)
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=runtime.clock.now())
    return runtime


@pytest.fixture
def machine(clock: FixedClock) -> Machine:
    return Machine(clock.now())


@pytest.fixture
def begun(embedded: Runtime, machine: Machine) -> Runtime:
    """A patient whose first letter is due, on a machine with a clock of its own."""
    a_patient(embedded)
    machine.passes(days=24)  # noon of DUE, about
    return replace(embedded, clock=machine.clock())


@pytest.mark.parametrize("hours", [-5000, -1, 1, 24, 87600])
def test_a_clock_that_was_moved_holds_everything(
    begun: Runtime, machine: Machine, mailer: MemoryMailer, hours: float
) -> None:
    assert run_jobs_once(begun, MemoryMailer()) == {}
    machine.is_set(hours=hours)
    machine.passes(seconds=30)
    faults = run_jobs_once(begun, mailer)
    assert set(faults.values()) <= {guards.MOVED, guards.BEHIND}
    assert "close_windows" in faults
    assert in_force(begun) == ["clock"]
    states = {month: row.state for month, row in plan_of(begun, 1).items()}
    assert states == {1: "open", 3: "planned", 6: "planned", 12: "planned", 24: "planned"}


@pytest.mark.parametrize("hours", [-100, 1, 87600])
def test_a_clock_that_is_put_right_lets_letters_go(
    begun: Runtime, machine: Machine, mailer: MemoryMailer, hours: float
) -> None:
    run_jobs_once(begun, mailer)
    machine.is_set(hours=hours)
    run_jobs_once(begun, mailer)
    machine.passes(minutes=20)
    machine.is_set(hours=-hours)
    assert run_jobs_once(begun, mailer) == {}
    assert in_force(begun) == []
    machine.passes(days=3)
    assert run_jobs_once(begun, mailer) == {}
    assert [one.state for one in letters(begun)] == ["sent", "sent"]


def test_a_person_says_that_the_clock_is_right(
    begun: Runtime, machine: Machine, mailer: MemoryMailer
) -> None:
    run_jobs_once(begun, mailer)
    machine.is_set(hours=2)
    run_jobs_once(begun, mailer)
    lift(begun)
    for _ in range(2):
        machine.passes(seconds=30)
        assert run_jobs_once(begun, mailer) == {}
    assert in_force(begun) == []


def test_a_small_step_and_a_long_pause_hold_nothing(
    begun: Runtime, machine: Machine, mailer: MemoryMailer
) -> None:
    run_jobs_once(begun, mailer)
    for minutes in (9, -9, -9, 9):
        machine.is_set(minutes=minutes)
        machine.passes(minutes=20)
        assert run_jobs_once(begun, mailer) == {}
    machine.passes(hours=40)  # the machine slept
    assert run_jobs_once(begun, mailer) == {}


def test_a_machine_that_starts_with_an_old_clock_waits(
    begun: Runtime, machine: Machine, mailer: MemoryMailer
) -> None:
    run_jobs_once(begun, mailer)
    assert letter(begun).state == "sent"
    machine.is_set(days=-300)
    restarted = replace(begun, clock=machine.clock())
    assert set(run_jobs_once(restarted, mailer).values()) == {guards.BEHIND}
    machine.is_set(days=300)  # the network's time has come
    machine.passes(minutes=1)
    assert run_jobs_once(restarted, mailer) == {}
    assert in_force(begun) == []


def test_a_restart_under_a_wrong_clock_does_not_make_it_right(
    begun: Runtime, machine: Machine, mailer: MemoryMailer
) -> None:
    run_jobs_once(begun, mailer)
    machine.is_set(days=365)
    run_jobs_once(begun, mailer)
    restarted = replace(begun, clock=machine.clock())
    machine.passes(minutes=1)
    assert set(run_jobs_once(restarted, mailer).values()) == {guards.MOVED}
    assert plan_of(begun, 1)[3].state == "planned"
    assert plan_of(begun, 1)[1].closes_on == date(2026, 2, 11)


def test_the_databases_clock_needs_no_fuse(registry: Runtime, mailer: MemoryMailer) -> None:
    run(registry, mailer)
    assert in_force(registry) == []
