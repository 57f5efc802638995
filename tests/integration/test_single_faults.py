"""Every commit and every outside call of twelve workflows fails once; nothing is left half done.

After each fault the tables stand as they stood between two commits of an undisturbed run, the trail
is whole, and doing it again completes it. Of sending, every pair of faults as well.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import ENOSPC
from itertools import product

import pytest
from faults import FaultyStore, file_fault
from functional.importing import counts
from interrupted import (
    again,
    assert_whole,
    change,
    copies_are_explained,
    journal_tells_all,
    rest,
    undisturbed,
)
from post import Crash, crash_at_commit, letters
from workflows import WORKFLOWS, Stage, Workflow

from registry.mail import Deferred, Lost, Unreachable

MOST = 30  # commits that any of the workflows may need
BY_NAME = {one.name: one for one in WORKFLOWS}


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


# ---- the side journal, and the files that are read

TELL = {"send", "bounce intake", "withdraw", "record death", "unsubscribe"}


def full() -> OSError:
    """What a full disk says."""
    return OSError(ENOSPC, "No space left on device")


def on(stage: Stage, fail_at: int, fault: BaseException, kept: float = 0) -> FaultyStore:
    """Put the side journal on that disk."""
    path = stage.runtime.settings.journal_file
    assert path is not None
    store = stage.runtime.journal.store = FaultyStore(path, fail_at, fault, kept)
    return store


def faults_of_journal(
    stage: Stage, workflow: Workflow
) -> Iterator[tuple[int, Callable[[], BaseException], float]]:
    """Each time that one run opens it the disk says no; each time that it writes to it the disk
    says no or the process dies, and nothing has reached the file, or half a line, or all.
    """
    case = workflow.prepare(stage)
    store = on(stage, 0, Crash())
    workflow.act(stage, case)
    for number, call in enumerate(tuple(store.calls), start=1):
        if call == "open":
            yield number, full, 0
        else:
            yield from product([number], [full, Crash], [0, 0.5, 1])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda one: one.name.replace(" ", "_"))
def test_whatever_the_side_journals_disk_does_once(small_stage: Stage, workflow: Workflow) -> None:
    stage, faults = small_stage, list(faults_of_journal(small_stage, workflow))
    assert bool(faults) == (workflow.name in TELL)
    rest(stage)
    for number, fault, kept in faults:
        case = workflow.prepare(stage)
        on(stage, number, fault(), kept)
        with suppress(Crash):
            workflow.act(stage, case)
        on(stage, 0, Crash())
        assert_whole(stage.runtime)
        again(stage, workflow, case)
        workflow.done(stage, case)
        stage.job("send_due")  # pays what the journal is owed
        copies_are_explained(stage)
        journal_tells_all(stage)
        rest(stage)


FILES = [
    ("import", "open"),
    ("import", "read"),
    ("bounce intake", "glob"),
    ("bounce intake", "open"),
    ("bounce intake", "read"),
    ("bounce intake", "replace"),
]


@pytest.mark.parametrize(("name", "call"), FILES, ids=lambda one: one.replace(" ", "_"))
def test_a_file_that_cannot_be_read_once(small_stage: Stage, name: str, call: str) -> None:
    stage, workflow = small_stage, BY_NAME[name]
    case = workflow.prepare(stage)
    with file_fault(stage.folder, call) as met, suppress(OSError):
        workflow.act(stage, case)
    assert len(met) == 1
    assert_whole(stage.runtime)
    again(stage, workflow, case)
    workflow.done(stage, case)
