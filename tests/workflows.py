"""Twelve workflows of the registry, from the edge that starts them, for tests that break them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import returned
from factories import a_patient, vault_of
from functional.program import Program
from post import FaultyMailer, letters, plan_of
from sqlalchemy import select

from registry import tokens
from registry.actions import corrections, endings, preferences, responses
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.imports import Fault, Import, Job, Source
from registry.models import (
    Bounce,
    Death,
    IdentityIndex,
    Instance,
    MailHold,
    Patient,
    TreatmentCourse,
    Withdrawal,
)
from registry.models import known as current
from registry.queries import protocols, surveys
from registry.runtime import Runtime
from workers.schedule import BY_NAME, run_job

DAY = 31  # days after treatment: the first letter is due


@dataclass
class Stage:
    """What the workflows work with."""

    runtime: Runtime
    clock: FixedClock
    program: Program
    folder: Path
    mailer: FaultyMailer = field(default_factory=FaultyMailer)

    def patient(self) -> int:
        """Somebody new, whose first letter is due now."""
        treated_on = self.clock.now().date() - timedelta(days=DAY)
        return a_patient(self.runtime, treated_on=treated_on).patient_id

    def job(self, name: str) -> None:
        """One background job, as a worker runs it."""
        run_job(BY_NAME[name], self.runtime, self.mailer)

    def do(self, deed: Callable[..., object], *args: Any, **known: Any) -> None:
        """One action, as a page does it: a transaction, who and when."""
        with transaction(self.runtime) as session:
            deed(session, *args, by="Ada", at=self.clock.now(), **known)

    def first(self, case: Any) -> int:
        """The patient's first follow-up."""
        return plan_of(self.runtime, case)[1].id

    def all(self, statement: Any) -> list[Any]:
        """Rows, read anew."""
        with reading(self.runtime) as session:
            return list(session.scalars(statement))


@dataclass(frozen=True)
class Workflow:
    """`prepare` gives the case (fresh each time), `act` is what is broken and done again, `done`
    asserts that it has happened once and whole.
    """

    name: str
    prepare: Callable[[Stage], Any]
    act: Callable[[Stage, Any], None]
    done: Callable[[Stage, Any], None]


def _enrolment(stage: Stage) -> dict[str, Any]:
    body = {
        "site": "A",
        "treated_on": stage.clock.now().date().isoformat(),
        "email": f"{uuid4().hex}@example.org",
        "consent_version": "1",
        "consented_on": stage.clock.now().date().isoformat(),
    }
    return {"body": body, "once": uuid4().hex}


def _enrol(stage: Stage, case: dict[str, Any]) -> None:
    told = stage.program.post("/patients", case["body"], once=case["once"])
    case["number"] = told["number"]


def _is_enrolled(stage: Stage, case: dict[str, Any]) -> None:
    (patient,) = stage.all(select(Patient).where(Patient.study_number == case["number"]))
    assert sorted(plan_of(stage.runtime, patient.id)) == [1, 3, 6, 12, 24]
    email = case["body"]["email"]
    digest = vault_of(stage.runtime).email_digest(email)
    found = stage.all(select(IdentityIndex.patient_id).where(IdentityIndex.digest == digest))
    assert found == [patient.id]


def _import(stage: Stage, case: str) -> None:
    path = stage.folder / f"{case}.csv"
    path.write_text(f"patient_id,site,treatment_date\n{case},A,2025-12-01\n", encoding="utf-8")
    vault, at = vault_of(stage.runtime), stage.clock.now()
    job = Job(source=Source(path), vault=vault, zone="UTC", by="Ada", at=at)
    faults: list[Fault] = []
    with reading(stage.runtime) as session:
        one = Import(session, "patients", job, faults.append)
        one.check(session)
    assert faults == []
    with transaction(stage.runtime) as session:
        one.carry_out(session)


def _is_imported(stage: Stage, case: str) -> None:
    (patient,) = stage.all(select(Patient).where(Patient.study_number == case))
    assert sorted(plan_of(stage.runtime, patient.id)) == [1, 3, 6, 12, 24]


def _correct(stage: Stage, case: int) -> None:
    day = stage.clock.now().date() - timedelta(days=3)
    stage.do(corrections.correct_treatment_date, case, day, reason="typed wrongly")


def _is_corrected(stage: Stage, case: int) -> None:
    course = TreatmentCourse.patient_id == case
    (now,) = stage.all(select(TreatmentCourse.started_on).where(course, current(TreatmentCourse)))
    assert now == stage.clock.now().date() - timedelta(days=3)
    plan = plan_of(stage.runtime, case)
    assert {row.recall_from for row in plan.values()} == {now}
    assert plan[1].state == "planned"
    assert {one.state for one in letters(stage.runtime, patient_id=case)} <= {"cancelled"}


def _is_queued(stage: Stage, case: int) -> None:
    (letter,) = letters(stage.runtime, patient_id=case)
    assert (letter.kind, letter.number, letter.state) == ("invitation", 0, "queued")
    assert plan_of(stage.runtime, case)[1].state == "open"


def _queued(stage: Stage) -> int:
    patient = stage.patient()
    stage.job("queue_due")
    return patient


def _is_sent(stage: Stage, case: int) -> None:
    (letter,) = letters(stage.runtime, patient_id=case)
    assert letter.state == "sent"


def sent(stage: Stage) -> int:
    """Somebody whose first letter has gone."""
    patient = _queued(stage)
    stage.job("send_due")
    _is_sent(stage, patient)
    return patient


def _invited(stage: Stage) -> int:
    patient = sent(stage)
    stage.job("remind_due")
    stage.clock.advance(days=3)
    return patient


def _is_reminded(stage: Stage, case: int) -> None:
    found = [one.number for one in letters(stage.runtime, patient_id=case, kind="reminder")]
    assert found == [1]


def tag_on(stage: Stage, patient: int) -> str:
    """The tag of the patient's letter, by which what comes back is known."""
    with reading(stage.runtime) as session:
        instance = session.get_one(Instance, 1).instance_id
    (letter,) = letters(stage.runtime, patient_id=patient)
    keys = stage.runtime.settings.token_keys
    return tokens.bounce_tag(keys, 1, instance, letter.id)


def _returned(stage: Stage) -> int:
    patient = sent(stage)
    message = stage.folder / "box" / "new" / f"{patient}.report"
    message.write_bytes(returned.dsn(tag_on(stage, patient)))
    return patient


def is_counted(stage: Stage, case: int) -> None:
    """The report was taken in once, and stops letters."""
    (letter,) = letters(stage.runtime, patient_id=case)
    assert len(stage.all(select(Bounce).filter_by(outbox_id=letter.id, kind="hard"))) == 1
    assert len(_holds(stage, case, "undeliverable")) == 1


def _is_taken_in(stage: Stage, case: int) -> None:
    is_counted(stage, case)
    assert list(stage.folder.glob("box/new/*")) == []


def _holds(stage: Stage, patient_id: int, kind: str) -> list[Any]:
    return stage.all(select(MailHold).filter_by(patient_id=patient_id, kind=kind, lifted_at=None))


def _save(stage: Stage, case: int, answers: Mapping[str, Any]) -> None:
    with reading(stage.runtime) as session:
        protocol = protocols.in_force(session).protocol
    stage.do(responses.save, stage.first(case), answers, protocol, responses.Entry())


def _is_saved(stage: Stage, case: int) -> None:
    with reading(stage.runtime) as session:
        begun = surveys.begun(session, stage.first(case))
        assert begun is not None
        assert begun.answers == {"fatigue": 3}
        assert begun.sent_at is None


def _saved(stage: Stage) -> int:
    patient = sent(stage)
    _save(stage, patient, {"fatigue": 3})
    return patient


def _submit(stage: Stage, case: int) -> None:
    with reading(stage.runtime) as session:
        protocol = protocols.in_force(session).protocol
    stage.do(responses.submit, stage.first(case), protocol)


def _is_submitted(stage: Stage, case: int) -> None:
    assert plan_of(stage.runtime, case)[1].state == "answered"
    assert {one.state for one in letters(stage.runtime, patient_id=case)} == {"sent"}


def _withdraw(stage: Stage, case: int) -> None:
    stage.do(endings.withdraw, case, stage.clock.now().date())


def _has_left(stage: Stage, case: int) -> None:
    assert len(stage.all(select(Withdrawal).filter_by(patient_id=case, superseded_at=None))) == 1
    _is_over(stage, case)


def _is_over(stage: Stage, case: int) -> None:
    assert {row.state for row in plan_of(stage.runtime, case).values()} == {"cancelled"}
    assert {one.state for one in letters(stage.runtime, patient_id=case)} == {"cancelled"}


def _record_death(stage: Stage, case: int) -> None:
    stage.do(endings.record_death, case, stage.clock.now().date())


def _has_died(stage: Stage, case: int) -> None:
    assert len(stage.all(select(Death).filter_by(patient_id=case, superseded_at=None))) == 1
    _is_over(stage, case)


def _unsubscribe(stage: Stage, case: int) -> None:
    stage.do(preferences.stop_mail, stage.first(case))


def _gets_no_mail(stage: Stage, case: int) -> None:
    assert len(_holds(stage, case, "unsubscribed")) == 1
    assert {one.state for one in letters(stage.runtime, patient_id=case)} == {"cancelled"}
    assert plan_of(stage.runtime, case)[1].state == "open"


WORKFLOWS = (
    Workflow("enrol", _enrolment, _enrol, _is_enrolled),
    Workflow("import", lambda stage: f"I-{uuid4().hex[:8]}", _import, _is_imported),
    Workflow("correct date", _queued, _correct, _is_corrected),
    Workflow("queue", Stage.patient, lambda stage, _: stage.job("queue_due"), _is_queued),
    Workflow("send", _queued, lambda stage, _: stage.job("send_due"), _is_sent),
    Workflow("remind", _invited, lambda stage, _: stage.job("remind_due"), _is_reminded),
    Workflow(
        "bounce intake",
        _returned,
        lambda stage, _: stage.job("read_bounces"),
        _is_taken_in,
    ),
    Workflow("save section", sent, lambda s, case: _save(s, case, {"fatigue": 3}), _is_saved),
    Workflow("submit", _saved, _submit, _is_submitted),
    Workflow("withdraw", _queued, _withdraw, _has_left),
    Workflow("record death", _queued, _record_death, _has_died),
    Workflow("unsubscribe", _queued, _unsubscribe, _gets_no_mail),
)
