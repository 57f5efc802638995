"""What a planted fault may leave behind: nothing half done, nothing lost, every copy explained."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from factories import a_site
from functional.importing import counts
from functional.program import program_for
from functional.staff_visitor import CHEAP
from post import FaultyMailer, letters
from returned import BOX
from sqlalchemy import event, select, union_all
from sqlalchemy.orm import Session
from workflows import Stage, Workflow

from registry import audit
from registry.actions import endings
from registry.app import create_app
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.errors import DomainError
from registry.models import Death, MailHold, Patient, Withdrawal
from registry.runtime import Runtime

COUNTERS = {"handover_time"}  # how often something took how long: no facts of anybody


def staged(registry: Runtime, clock: FixedClock, folder: Path) -> Stage:
    """The registry with a bounce address, a program that may enrol, and a warm set of jobs."""
    box = folder / "box"
    for name in ("new", "cur"):
        (box / name).mkdir(parents=True)
    returns = {"bounce_address": BOX, "bounce_mailbox": f"maildir://{box}"}
    ours = replace(registry, settings=replace(registry.settings, **returns))
    a_site(ours)
    program = program_for(create_app(ours, hasher=CHEAP), ours, "nurse")
    made = Stage(ours, clock, program, folder)
    for job in ("queue_due", "send_due", "remind_due"):
        made.job(job)
    return made


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


def copies_are_explained(stage: Stage) -> None:
    """At most two, equal, and only after an attempt that was written down as uncertain."""
    known = {one.message_id: one for one in letters(stage.runtime)}
    taken = Counter(one.raw for one in stage.mailer.sent)
    by_id = Counter(str(one.message["Message-ID"]) for one in stage.mailer.sent)
    assert len(taken) == len(by_id)
    for message_id, number in by_id.items():
        assert number <= 1 + min(1, known[message_id].uncertain_count)


def journal_tells_all(stage: Stage) -> None:
    """Each letter that left, and each fact that stops letters."""
    lines = [(line.kind, line.told) for line in stage.runtime.journal.lines()]
    told = {one["message_id"] for kind, one in lines if kind == "handed_over"}
    assert {str(one.message["Message-ID"]) for one in stage.mailer.sent} <= told
    for kind, model in (("withdrawn", Withdrawal), ("died", Death), ("held", MailHold)):
        of = {one["patient"] for its, one in lines if its == kind}
        assert set(stage.all(select(model.patient_id))) <= of
