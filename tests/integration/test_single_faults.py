"""Every commit and every outside call of twelve workflows fails once; nothing is left half done.

After each fault the tables stand as they stood between two commits of an undisturbed run, the trail
is whole, and doing it again completes it. Of sending, every pair of faults as well.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from factories import a_site
from functional.importing import counts
from functional.program import program_for
from functional.staff_visitor import CHEAP
from post import Crash, FaultyMailer, crash_at_commit, letters
from returned import BOX
from sqlalchemy import event, select, union_all
from sqlalchemy.orm import Session
from workflows import WORKFLOWS, Stage, Workflow

from registry import audit
from registry.actions import endings
from registry.actions.protocols import prepare_registry
from registry.app import create_app
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.errors import DomainError
from registry.mail import Deferred, Lost, Unreachable
from registry.models import Death, Patient, Withdrawal
from registry.runtime import Runtime

COUNTERS = {"handover_time"}  # how often something took how long: no facts of anybody
MOST = 30  # commits that any of the workflows may need
BY_NAME = {one.name: one for one in WORKFLOWS}


def staged(registry: Runtime, clock: FixedClock, folder: Path) -> Stage:
    """The registry with a bounce address, a program that may enrol, and a warm set of jobs."""
    ours = replace(registry, settings=replace(registry.settings, bounce_address=BOX))
    a_site(ours)
    program = program_for(create_app(ours, hasher=CHEAP), ours, "nurse")
    made = Stage(ours, clock, program, folder)
    for job in ("queue_due", "send_due", "remind_due"):
        made.job(job)
    return made


@pytest.fixture
def stage(registry: Runtime, clock: FixedClock, tmp_path: Path) -> Stage:
    """On SQLite, and again on PostgreSQL."""
    return staged(registry, clock, tmp_path)


@pytest.fixture
def small_stage(
    sqlite_url: str, make: Callable[[str], Runtime], clock: FixedClock, tmp_path: Path
) -> Stage:
    """On SQLite only: for what is done hundreds of times."""
    runtime = make(sqlite_url)
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=clock.now())
    return staged(runtime, clock, tmp_path)


def change(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """By how many rows each table has grown."""
    return {
        name: after[name] - before[name]
        for name in after
        if after[name] != before[name] and name not in COUNTERS
    }


def undisturbed(stage: Stage, workflow: Workflow) -> list[dict[str, int]]:
    """What has changed before the first commit, after it, …, after the last."""
    case = workflow.prepare(stage)
    before = Counter(counts(stage.runtime))
    seen: list[dict[str, int]] = [{}]

    def _note(_session: Session) -> None:
        seen.append(change(before, Counter(counts(stage.runtime))))

    event.listen(stage.runtime.sessions.writing, "after_commit", _note)
    try:
        workflow.act(stage, case)
    finally:
        event.remove(stage.runtime.sessions.writing, "after_commit", _note)
    workflow.done(stage, case)
    rest(stage)
    return seen


def rest(stage: Stage) -> None:
    """Everybody leaves: the next case is alone."""
    with reading(stage.runtime) as session:
        gone = [select(model.patient_id) for model in (Withdrawal, Death)]
        ids = session.scalars(select(Patient.id).where(Patient.id.not_in(union_all(*gone)))).all()
    for patient_id in ids:
        with transaction(stage.runtime) as session:
            at = stage.clock.now()
            endings.withdraw(session, patient_id, at.date(), by="Ada", at=at)
    stage.mailer = FaultyMailer()
    stage.clock.advance(minutes=20)


def again(stage: Stage, workflow: Workflow, case: object) -> None:
    """Whoever was interrupted does it again, when the leases are over; once more after that."""
    stage.clock.advance(minutes=16)
    for _ in range(2):
        with suppress(DomainError):  # it was done: nothing is done twice
            workflow.act(stage, case)
        stage.clock.advance(minutes=16)


def assert_whole(runtime: Runtime) -> None:
    with reading(runtime) as session:
        assert audit.verify(session).broken is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda one: one.name.replace(" ", "_"))
def test_a_death_at_any_commit_leaves_nothing_half_done(
    stage: Stage, workflow: Workflow, after: bool
) -> None:
    undisturbed(stage, workflow)  # the first of its kind begins chains of the trail
    steps = undisturbed(stage, workflow)
    assert 2 <= len(steps) <= MOST
    for number in range(1, len(steps)):
        case = workflow.prepare(stage)
        before = Counter(counts(stage.runtime))
        with (
            pytest.raises(Crash),
            crash_at_commit(stage.runtime, number, after=after),
        ):
            workflow.act(stage, case)
        left = change(before, Counter(counts(stage.runtime)))
        assert left == steps[number if after else number - 1]
        assert_whole(stage.runtime)
        again(stage, workflow, case)
        workflow.done(stage, case)
        assert_whole(stage.runtime)
        copies_are_explained(stage)
        rest(stage)


def copies_are_explained(stage: Stage) -> None:
    """At most two, equal, and only after an attempt that was written down as uncertain."""
    known = {one.message_id: one for one in letters(stage.runtime)}
    taken = Counter(one.raw for one in stage.mailer.sent)
    by_id = Counter(str(one.message["Message-ID"]) for one in stage.mailer.sent)
    assert len(taken) == len(by_id)
    for message_id, number in by_id.items():
        assert number <= 1 + min(1, known[message_id].uncertain_count)


OUTSIDE: dict[str, Callable[[], BaseException]] = {
    "unreachable": lambda: Unreachable("no route"),
    "450": lambda: Deferred("450 4.2.0 busy"),
    "451": lambda: Deferred("451 4.7.1 greylisted"),
    "lost": lambda: Lost("no reply"),
    "death": Crash,
}
CALLS = [
    ("open", "unreachable"),
    ("open", "450"),
    ("open", "death"),
    ("refuse", "unreachable"),
    ("refuse", "451"),
    ("refuse", "lost"),
    ("refuse", "death"),
    ("lose", "lost"),
    ("lose", "death"),
]


def meet(stage: Stage, step: str, kind: str) -> None:
    """Send, and meet that fault at that step of the talk with the mail server."""
    stage.mailer.faults = {step: [OUTSIDE[kind]()]}
    with suppress(Crash):
        stage.job("send_due")
    stage.mailer.faults = {}


@pytest.mark.parametrize(("step", "kind"), CALLS, ids=lambda part: str(part))
def test_whatever_the_mail_server_does_once_the_letter_goes_out(
    stage: Stage, step: str, kind: str
) -> None:
    send = BY_NAME["send"]
    case = send.prepare(stage)
    meet(stage, step, kind)
    assert_whole(stage.runtime)
    again(stage, send, case)
    send.done(stage, case)
    copies_are_explained(stage)


def faults_of_sending() -> Iterator[tuple[str, object]]:
    """Each commit of the job, before and after, and each call of the mail server."""
    yield from ((f"commit {number}", number) for number in range(1, 8))
    yield from ((f"{step} {kind}", (step, kind)) for step, kind in CALLS)


@pytest.mark.parametrize("first", list(faults_of_sending()), ids=lambda one: one[0])
def test_every_pair_of_faults_of_sending(small_stage: Stage, first: tuple[str, object]) -> None:
    stage, send = small_stage, BY_NAME["send"]
    for _, second in faults_of_sending():
        case = send.prepare(stage)
        for fault in (first[1], second):
            _fail(stage, fault)
            assert_whole(stage.runtime)
            stage.clock.advance(minutes=16)
        again(stage, send, case)
        (letter,) = letters(stage.runtime, patient_id=case)
        assert letter.state == "sent" or (letter.state, letter.uncertain_count) == ("parked", 2)
        copies_are_explained(stage)
        rest(stage)


def _fail(stage: Stage, fault: object) -> None:
    if isinstance(fault, int):
        with suppress(Crash), crash_at_commit(stage.runtime, fault):
            stage.job("send_due")
    else:
        assert isinstance(fault, tuple)
        meet(stage, *fault)
