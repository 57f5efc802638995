"""Workers that race, die at any commit, and meet every fault: nothing lost, nothing unexplained."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from factories import a_patient, vault_of
from post import Crash, FaultyMailer, crash_at_commit, letters, live_until, noon, plan_of, run
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import endings, outreach, preferences, reminders, staff_mail
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import reading, transaction, wait_briefly
from registry.mail import Deferred, Lost, MailFault, MemoryMailer, Unreachable
from registry.models import AuditEvent, DataKey, FollowUp, Identity
from registry.runtime import Runtime
from workers import delivery
from workers.delivery import WHO
from workers.schedule import run_jobs_once

DUE = "2026-01-29"
WORKERS = 4


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Do all of it at the same time; gives what was raised."""
    faults: list[BaseException] = []
    start = threading.Barrier(len(works))

    def _work(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=_work, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def patients(runtime: Runtime, count: int) -> list[Enrolled]:
    return [a_patient(runtime) for _ in range(count)]


def test_workers_that_race_begin_send_and_remind_each_once(
    registry: Runtime, clock: FixedClock
) -> None:
    patients(registry, 25)
    mailers = [MemoryMailer() for _ in range(WORKERS)]
    for day, so_far in ((DUE, 25), ("2026-02-01", 50), ("2026-02-05", 75)):
        clock.move_to(noon(day))
        for _ in range(3):  # the first run sends what others have just written
            jobs = [lambda mailer=mailer: run_jobs_once(registry, mailer) for mailer in mailers]
            assert at_once(*jobs) == []
        sent = Counter(str(one.message["Message-ID"]) for m in mailers for one in m.sent)
        assert set(sent.values()) == {1}
        assert len(sent) == so_far
    with reading(registry) as session:
        assert audit.verify(session).broken is None


def test_reminders_written_by_racing_workers_are_written_once(
    registry: Runtime, clock: FixedClock
) -> None:
    patients(registry, 10)
    clock.move_to(noon(DUE))
    run(registry, MemoryMailer())
    run(registry, MemoryMailer())
    clock.move_to(noon("2026-02-01"))

    def _remind() -> None:
        with transaction(registry) as session:
            its, at = registry.settings, clock.now()
            reminders.remind_due(session, settings=its, by=WHO, at=at, limit=4)

    assert at_once(*[_remind] * WORKERS) == []
    found = Counter(one.follow_up_id for one in letters(registry, kind="reminder"))
    assert set(found.values()) == {1}


def test_who_leaves_while_the_letter_goes_out_is_never_mailed_after(
    registry: Runtime, clock: FixedClock
) -> None:
    everybody = patients(registry, 12)
    clock.move_to(noon(DUE))

    def _leave() -> None:
        for patient in everybody:
            with transaction(registry) as session:
                at = clock.now()
                endings.withdraw(session, patient.patient_id, at.date(), by="Ada", at=at)

    with transaction(registry) as session:
        outreach.queue_due(session, settings=registry.settings, by=WHO, at=clock.now())
    mailer = MemoryMailer()
    assert at_once(_leave, lambda: delivery.send_due(registry, mailer)) == []
    for patient in everybody:
        with reading(registry) as session:
            actions = session.scalars(
                select(AuditEvent.action)
                .where(AuditEvent.subject == f"patient:{patient.patient_id}")
                .order_by(AuditEvent.number)
            ).all()
        assert "patient.withdrew" in actions
        assert "letter.handed_over" not in actions[actions.index("patient.withdrew") :]
    assert {one.state for one in letters(registry)} <= {"sent", "cancelled"}


@contextmanager
def held_elsewhere(runtime: Runtime, follow_up_id: int) -> Iterator[Connection]:
    """Somebody else holds this follow-up, at most two seconds."""
    with runtime.sessions.engine.connect() as other:
        other.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '2s'")
        other.execute(select(FollowUp.id).where(FollowUp.id == follow_up_id).with_for_update())
        yield other


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_known_result_does_not_wait_for_who_holds_the_next_letter(
    registry: Runtime, clock: FixedClock
) -> None:
    last = patients(registry, 3)[-1]
    clock.move_to(noon(DUE))
    with transaction(registry) as session:
        outreach.queue_due(session, settings=registry.settings, by=WHO, at=clock.now())
    seen: list[list[str]] = []

    def _let_go(_session: Session) -> None:
        states = sorted(one.state for one in letters(registry))
        if states.count("sent") == 2 and not seen:
            seen.append(states)
            other.rollback()

    with held_elsewhere(registry, plan_of(registry, last.patient_id)[1].id) as other:
        event.listen(registry.sessions.writing, "after_commit", _let_go)
        delivery.send_due(registry, MemoryMailer())
    event.remove(registry.sessions.writing, "after_commit", _let_go)
    assert seen == [["leased", "sent", "sent"]]
    assert [one.state for one in letters(registry)] == ["sent"] * 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_stops_the_letters_holds_every_follow_up_before_any_letter(
    registry: Runtime, clock: FixedClock
) -> None:
    plan = plan_of(registry, a_patient(registry).patient_id)
    held: list[str] = []

    def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        held.append(statement)

    def _stop() -> None:
        with transaction(registry) as session:
            wait_briefly(session)
            preferences.stop_mail(session, plan[1].id, by="door", at=clock.now())

    event.listen(registry.sessions.engine, "before_cursor_execute", _note)
    with held_elsewhere(registry, plan[3].id), pytest.raises(DBAPIError, match="lock timeout"):
        _stop()
    event.remove(registry.sessions.engine, "before_cursor_execute", _note)
    assert not any("UPDATE outbox" in statement for statement in held)


def begin(runtime: Runtime, clock: FixedClock, patient: Enrolled) -> None:
    """The first letter is due now."""


def remind(runtime: Runtime, clock: FixedClock, patient: Enrolled) -> None:
    """The first reminder is due now."""
    run(runtime, MemoryMailer())
    run(runtime, MemoryMailer())
    clock.advance(days=3)


def ask(runtime: Runtime, clock: FixedClock, patient: Enrolled) -> None:
    """The patient has asked for a new link."""
    run(runtime, MemoryMailer())
    first = plan_of(runtime, patient.patient_id)[1]
    with transaction(runtime) as session:
        staff_mail.ask_new_link(session, first.id, by="Ada", at=clock.now())


@pytest.mark.parametrize("prepare", [begin, remind, ask])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_worker_may_die_at_any_commit(
    registry: Runtime,
    clock: FixedClock,
    prepare: Callable[[Runtime, FixedClock, Enrolled], None],
    after: bool,
) -> None:
    copies = []
    for number in range(1, 100):
        clock.move_to(max(clock.now(), noon(DUE)) + timedelta(minutes=1))
        treated_on = clock.now().date() - timedelta(days=31)
        patient = a_patient(registry, treated_on=treated_on)
        prepare(registry, clock, patient)
        mailer = MemoryMailer()
        try:
            with crash_at_commit(registry, number, after=after) as seen:
                run_jobs_once(registry, mailer)
        except Crash:
            pass
        if len(seen) < number:
            break
        clock.advance(minutes=16)  # another worker, after the lease
        run(registry, mailer)
        run(registry, mailer)
        mine = letters(registry, patient_id=patient.patient_id)
        assert {one.state for one in mine} == {"sent"}
        raw = Counter(one.raw for one in mailer.sent)
        assert len(raw) == 1
        copies += raw.values()
        assert (2 in raw.values()) <= (mine[-1].uncertain_count == 1)
        finish(registry, patient)
    assert len(copies) >= 8  # every job commits, and the letter three times
    # only the death between hand-over and the record of the reply costs a copy
    assert copies.count(2) == (0 if after else 1)


def finish(runtime: Runtime, patient: Enrolled) -> None:
    """Nothing more of this patient."""
    with transaction(runtime) as session:
        at = runtime.clock.now()
        endings.withdraw(session, patient.patient_id, at.date(), by="Ada", at=at)


def faults_of(dice: random.Random) -> dict[str, Sequence[MailFault | None]]:
    """What a mail server does in one run."""
    kinds: dict[str, list[MailFault | None]] = {
        "open": [None, None, None, Unreachable("down"), Deferred("450 busy")],
        "refuse": [None, None, None, Deferred("452 full"), Unreachable("421 closing")],
        "lose": [None, None, None, None, Lost("no reply")],
    }
    return {step: [dice.choice(some) for _ in range(30)] for step, some in kinds.items()}


@pytest.mark.parametrize("seed", range(4))
def test_two_months_of_every_fault(registry: Runtime, clock: FixedClock, seed: int) -> None:
    """Deaths of the worker, a bad mail server, pauses of days, people who answer and leave."""
    dice = random.Random(seed)
    everybody = patients(registry, 6)
    gone: dict[int, str] = {}
    sent: list[tuple[str, str]] = []
    clock.move_to(noon("2026-01-28"))
    while clock.now().date() < date(2026, 3, 31):
        mailer = FaultyMailer(**faults_of(dice))
        try:
            with crash_at_commit(registry, dice.choice([*range(1, 15), 99, 99, 99])):
                run_jobs_once(registry, mailer)
        except Crash:
            pass
        for one in mailer.sent:
            assert one.recipient not in gone.values()
            sent.append((str(one.message["Message-ID"]), one.recipient))
        if dice.random() < 0.03:
            patient = dice.choice(everybody)
            if patient.patient_id not in gone:
                finish(registry, patient)
                gone[patient.patient_id] = address(registry, patient)
        clock.advance(hours=dice.choice([1, 6, 12, 24, 72]))
    live_until(registry, clock, MemoryMailer(), date(2026, 4, 10))
    per_letter = Counter(letter_id for letter_id, _ in sent)
    assert max(per_letter.values()) <= 2
    rows = {one.message_id: one for one in letters(registry)}
    assert {one.state for one in rows.values()} <= {"sent", "parked", "cancelled"}
    for letter_id, count in per_letter.items():
        assert count == 1 or rows[letter_id].uncertain_count >= 1
    with reading(registry) as session:
        assert audit.verify(session).broken is None
    for patient in everybody:
        assert plan_of(registry, patient.patient_id)[1].state in {"missed", "cancelled"}


def address(runtime: Runtime, patient: Enrolled) -> str:
    """Where the patient's letters go."""
    vault, id_ = vault_of(runtime), patient.patient_id
    with reading(runtime) as session:
        key = session.get_one(DataKey, id_)
        sealed = session.scalars(select(Identity.email).where(Identity.patient_id == id_)).one()
    assert key.wrapped
    assert sealed
    return vault.open(
        vault.open_data_key(id_, key.wrapped, key.master_version), id_, "email", sealed
    )
