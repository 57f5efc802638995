"""Imports from the inside: what is planned, what an update does, what a fault leaves behind."""

import threading
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from factories import a_patient, a_person, an_answered_follow_up, follow_up_of, vault_of
from faults import Broken, faulty
from sqlalchemy import func, select

from registry import audit
from registry.actions import endings
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import Base, reading, transaction
from registry.imports import Changed, Fault, Import, Job, Source, Summary
from registry.models import (
    AdverseEvent,
    AuditEvent,
    Consent,
    Covariate,
    Death,
    Demographics,
    Diagnosis,
    FollowUp,
    OutboxEmail,
    Patient,
    Response,
    Site,
    TreatmentCourse,
    Withdrawal,
    known,
)
from registry.queries import identities
from registry.runtime import Runtime

HEAD = "patient_id,site,treatment_date"


class Files:
    """Imports content into the test's registry, without the command around it."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime, self.folder = runtime, folder

    def job(self, content: str, **options: bool) -> Job:
        path = self.folder / "cohort.csv"
        path.write_text(content, encoding="utf-8")
        return Job(
            source=Source(path),
            vault=vault_of(self.runtime),
            zone="Europe/Berlin",
            by="Ada",
            at=self.runtime.clock.now(),
            **options,
        )

    def checked(self, kind: str, content: str, **options: bool) -> tuple[Import, list[Fault]]:
        found: list[Fault] = []
        with reading(self.runtime) as session:
            one = Import(session, kind, self.job(content, **options), found.append)
            one.check(session)
        return one, found

    def imported(self, kind: str, content: str, **options: bool) -> Summary:
        one, found = self.checked(kind, content, **options)
        assert found == []
        with transaction(self.runtime) as session:
            one.carry_out(session)
        return one.summary


@pytest.fixture
def files(registry: Runtime, tmp_path: Path) -> Files:
    return Files(registry, tmp_path)


def plan(files: Files, patient_id: int = 1) -> list[tuple[int, str, str | None]]:
    with reading(files.runtime) as session:
        rows = session.execute(
            select(FollowUp.month, FollowUp.state, FollowUp.state_reason)
            .where(FollowUp.patient_id == patient_id)
            .order_by(FollowUp.month)
        )
        return [tuple(row) for row in rows]


def current(files: Files, model: type[Any]) -> list[Any]:
    with reading(files.runtime) as session:
        return list(session.scalars(select(model).where(known(model)).order_by(model.id)))


# ---- what is planned (today is 2026-01-05; month 3 of 2025-09-20 was due on 2025-12-20)

DUE = f"{HEAD},email,consented_on\n1,A,2025-09-20,{{email}},{{consent}}\n"
NOT_MAILED = "due before import, and not to be mailed"


@pytest.mark.parametrize(
    ("email", "consent", "mailing", "state"),
    [
        ("a@example.org", "2025-09-20", True, ("planned", None)),
        ("a@example.org", "2025-09-20", False, ("missed", NOT_MAILED)),
        ("a@example.org", "", True, ("missed", NOT_MAILED)),
        ("", "2025-09-20", True, ("missed", NOT_MAILED)),
    ],
)
def test_what_is_due_is_begun_only_with_consent_address_and_the_order_to(
    files: Files, email: str, consent: str, mailing: bool, state: tuple[str, str | None]
) -> None:
    content = DUE.format(email=email, consent=consent)
    files.imported("patients", content, start_mailing=mailing)
    assert plan(files) == [
        (1, "missed", "its window ended before import"),
        (3, *state),
        (6, "planned", None),
        (12, "planned", None),
        (24, "planned", None),
    ]


def test_nothing_is_planned_after_an_end(files: Files) -> None:
    rows = "1,A,2025-12-01,2026-01-01,\n2,A,2025-12-01,,2026-01-02\n"
    content = f"{HEAD},death_date,withdrawal_date\n{rows}"
    files.imported("patients", content)
    assert {reason for _, _, reason in plan(files, 1)} == {"the patient died"}
    assert {reason for _, _, reason in plan(files, 2)} == {"the patient withdrew"}


def test_sites_that_an_import_makes_have_the_registrys_zone(files: Files) -> None:
    files.imported("patients", f"{HEAD}\n1,A,2025-12-01\n")
    with reading(files.runtime) as session:
        assert session.scalars(select(Site.zone)).one() == "Europe/Berlin"
        assert set(session.scalars(select(FollowUp.zone))) == {"Europe/Berlin"}


def test_an_imported_answer_ends_the_asking(files: Files, clock: FixedClock) -> None:
    patient = a_patient(files.runtime, study_number="P1")
    at = clock.now()
    with transaction(files.runtime) as session:
        follow_up = session.get_one(FollowUp, follow_up_of(files.runtime, patient.patient_id, 1).id)
        follow_up.state, follow_up.opened_at = "open", at
        session.add(
            OutboxEmail(
                kind="invitation",
                template="invitation",
                patient_id=patient.patient_id,
                follow_up_id=follow_up.id,
                number=0,
                state="queued",
                queued_at=at,
                next_attempt_at=at,
            )
        )
        audit.record(session, by="test", at=at, action="test", subject="registry")
    clock.advance(days=30)
    content = "patient_id,wave_month,status,completed_on\nP1,1,complete,2026-01-30\n"
    files.imported("surveys", content)
    assert plan(files)[0] == (1, "answered", "imported")
    with reading(files.runtime) as session:
        assert session.scalars(select(OutboxEmail.state)).all() == ["cancelled"]


def test_what_comes_after_an_imported_answer_asks_from_its_day(files: Files) -> None:
    patient = a_patient(files.runtime, study_number="P1", treated_on=date(2025, 12, 1))
    content = "patient_id,wave_month,status,completed_on\nP1,1,complete,2026-01-02\n"
    files.imported("surveys", content)
    since = [
        follow_up_of(files.runtime, patient.patient_id, month).recall_from for month in (1, 3, 24)
    ]
    assert since == [date(2025, 12, 1), date(2026, 1, 2), date(2026, 1, 2)]


def test_an_answer_that_came_by_the_door_stays_beside_the_imported_one(files: Files) -> None:
    patient = a_patient(files.runtime, study_number="P1", treated_on=date(2025, 11, 1))
    an_answered_follow_up(files.runtime, patient, 1)
    content = "patient_id,wave_month,status,completed_on\nP1,1,complete,2025-12-02\n"
    files.imported("surveys", content)
    assert plan(files)[0] == (1, "answered", None)
    with reading(files.runtime) as session:
        assert session.scalars(select(Response.mode).order_by(Response.id)).all() == [
            "web",
            "import",
        ]


# ---- update

OLD = (
    f"{HEAD},name,email,sex,consented_on,consent_version,diagnosis,death_date,lot,crp,arm\n"
    "1,A,2025-12-01,Ada Invented,ada@example.org,f,2025-12-01,1,systemic,,L1,5,a\n"
)
NEW = (
    f"{HEAD},name,email,sex,consented_on,consent_version,diagnosis,death_date,lot,crp,arm\n"
    "1,A,2025-12-03,Ada Married,ada@example.com,m,2025-12-02,2,discoid,2026-01-01,L2,5.5,b\n"
)


def test_an_update_says_what_differs_and_corrects_it(files: Files) -> None:
    files.imported("patients", OLD)
    summary = files.imported("patients", NEW, update=True)
    assert (summary.new, summary.known, summary.changed) == (0, 0, 1)
    assert summary.differences == [
        "line 2, 1: treatment_date 2025-12-01 → 2025-12-03",
        "line 2, 1: name differs",
        "line 2, 1: email differs",
        "line 2, 1: sex female → male",
        "line 2, 1: consented_on 2025-12-01 → 2025-12-02",
        "line 2, 1: consent_version 1 → 2",
        "line 2, 1: diagnosis systemic → discoid",
        "line 2, 1: death_date nothing → 2026-01-01",
        "line 2, 1: lot L1 → L2",
        "line 2, 1: crp 5 → 5.5",
        "line 2, 1: arm a → b",
    ]
    (course,) = current(files, TreatmentCourse)
    assert (course.started_on, course.lot) == (date(2025, 12, 3), "L2")
    assert course.reason == "import of cohort.csv, line 2"
    assert [one.sex for one in current(files, Demographics)] == ["male"]
    assert [one.consent_version for one in current(files, Consent)] == ["2"]
    assert [one.kind for one in current(files, Diagnosis)] == ["discoid"]
    assert [one.died_on for one in current(files, Death)] == [date(2026, 1, 1)]
    assert {one.name: one.code or float(one.number) for one in current(files, Covariate)} == {
        "crp": 5.5,
        "arm": "b",
    }
    assert {state for _, state, _ in plan(files)} == {"cancelled"}
    with reading(files.runtime) as session:
        person = identities.person_of(session, vault_of(files.runtime), 1)
        assert (person.name, person.email) == ("Ada Married", "ada@example.com")
        assert audit.verify(session).broken is None
        actions = set(session.scalars(select(AuditEvent.action)))
    assert actions >= {"treatment_date.corrected", "identity.corrected", "patient.died"}
    again = files.imported("patients", NEW, update=True)
    assert (again.known, again.changed) == (1, 0)


def test_an_update_adds_what_was_not_known(files: Files) -> None:
    files.imported("patients", f"{HEAD}\n1,A,2025-12-01\n")
    header = f"{HEAD},consented_on,diagnosis,withdrawal_date,sledai,age"
    content = f"{header}\n1,A,2025-12-01,2025-12-01,systemic,2026-01-01,4,40\n"
    files.imported("patients", content, update=True)
    assert [one.consent_version for one in current(files, Consent)] == ["not recorded"]
    assert [one.kind for one in current(files, Diagnosis)] == ["systemic"]
    assert [one.withdrawn_on for one in current(files, Withdrawal)] == [date(2026, 1, 1)]
    assert [one.name for one in current(files, Covariate)] == ["sledai"]
    assert [one.age for one in current(files, Demographics)] == [40]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2025-11-01,2025-11-10,2025-11-10", "2025-12-01,2025-12-10,2025-12-10"),
        ("2025-12-01,2025-12-10,2025-12-10", "2025-11-01,2025-11-10,2025-11-10"),
    ],
)
def test_treatment_and_ends_move_together_either_way(files: Files, old: str, new: str) -> None:
    header = f"{HEAD},death_date,withdrawal_date\n1,A,"
    files.imported("patients", f"{header}{old}\n")
    files.imported("patients", f"{header}{new}\n", update=True)
    treated, died, left = map(date.fromisoformat, new.split(","))
    assert [one.started_on for one in current(files, TreatmentCourse)] == [treated]
    assert [one.died_on for one in current(files, Death)] == [died]
    assert [one.withdrawn_on for one in current(files, Withdrawal)] == [left]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{HEAD},email\n1,A,2025-12-01,eve@example.org\n", "is the address of another patient"),
        (f"{HEAD}\n1,B,2025-12-01\n", "this patient belongs to site A; an import moves nobody"),
        (f"{HEAD}\n1,A,2026-01-04\n", "2026-01-03 is before the treatment on 2026-01-04"),
    ],
)
def test_what_an_update_cannot_do_is_said_before(files: Files, content: str, words: str) -> None:
    a_patient(files.runtime, person=a_person(email="eve@example.org"))
    files.imported("patients", f"{HEAD}\n1,A,2025-12-01\n")
    with transaction(files.runtime) as session:
        at = files.runtime.clock.now()
        endings.record_death(session, 2, date(2026, 1, 3), by="Ada", at=at)
    _, found = files.checked("patients", content, update=True)
    assert [words in fault.reason for fault in found] == [True]


# ---- all or nothing

COHORT = (
    f"{HEAD},name,email,consented_on,diagnosis,death_date,withdrawal_date,sledai\n"
    "1,A,2025-12-01,Ada Invented,ada@example.org,2025-12-01,systemic,2026-01-01,2026-01-01,4\n"
    "2,B,2025-12-01,,,,,,,\n"
)
FACTS = {
    "surveys": "patient_id,wave_month,status,completed_on,score\n"
    "1,1,complete,2026-01-01,3\n1,1,refused,,\n",
    "adverse-events": "patient_id,term,onset_date,grade,serious,related,source,confirmed_on\n"
    "1,Fever,2025-12-05,1,0,0,patient,2025-12-06\n",
    "labs": "patient_id,code,value,unit,collected_on\n1,C3,1,g/L,2025-12-05\n",
    "administrations": "patient_id,given_on,route,cells\n1,2025-12-01,IV,1e8\n",
}


def everything(runtime: Runtime) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with reading(runtime) as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("step", range(1, 18))
def test_a_fault_at_any_step_of_a_cohort_leaves_nothing(files: Files, step: int) -> None:
    before = everything(files.runtime)
    one, _ = files.checked("patients", COHORT)
    with (
        pytest.raises(Broken),
        faulty(files.runtime, at_insert=step),
        transaction(files.runtime) as session,
    ):
        one.carry_out(session)
    assert everything(files.runtime) == before
    assert files.imported("patients", COHORT).new == 2


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (kind, step)
        for kind, steps in zip(FACTS, (5, 4, 2, 2), strict=True)
        for step in range(1, steps + 1)
    ],
)
def test_a_fault_at_any_step_of_a_file_of_facts_leaves_nothing(
    files: Files, kind: str, step: int
) -> None:
    files.imported("patients", COHORT)
    before = everything(files.runtime)
    one, _ = files.checked(kind, FACTS[kind])
    with (
        pytest.raises(Broken),
        faulty(files.runtime, at_insert=step),
        transaction(files.runtime) as session,
    ):
        one.carry_out(session)
    assert everything(files.runtime) == before
    assert files.imported(kind, FACTS[kind]).new >= 1


def test_a_file_that_changed_after_the_check_is_not_written(files: Files) -> None:
    one, _ = files.checked("patients", COHORT)
    path = files.folder / "cohort.csv"
    path.write_text(COHORT.replace("2,B", "3,B"), encoding="utf-8")
    with pytest.raises(Changed, match="Nothing was written"), transaction(files.runtime) as session:
        one.carry_out(session)
    assert current_count(files, Patient) == 0


def test_a_registry_that_changed_after_the_check_is_not_written(files: Files) -> None:
    one, found = files.checked("patients", f"{HEAD}\nP1,A,2025-12-01\n")
    a_patient(files.runtime, site="B", study_number="P1")
    with pytest.raises(Changed), transaction(files.runtime) as session:
        one.carry_out(session)
    assert "belongs to site B" in found[0].reason
    assert current_count(files, Patient) == 1


def current_count(files: Files, model: type[Base]) -> int:
    with reading(files.runtime) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# ---- many rows


def cohort(rows: int) -> Iterator[str]:
    yield f"{HEAD},name,email,sledai,arm\n"
    for number in range(rows):
        yield (
            f"P{number:06},S{number % 7},2025-{1 + number % 12:02}-01,Ada Invented{number},"
            f"p{number}@example.org,{number % 20},{'abc'[number % 3]}\n"
        )


def peak(files: Files, rows: int) -> int:
    """The most memory, in bytes, that reading a cohort twice took at any moment."""
    content = "".join(cohort(rows))
    files.job(content)
    tracemalloc.start()
    try:
        one, found = files.checked("patients", content)
        with reading(files.runtime) as session:
            one.carry_out(session, write=False)
        assert (found, one.summary.new) == ([], rows)
        return tracemalloc.get_traced_memory()[1] - len(content.encode())
    finally:
        tracemalloc.stop()


def test_eight_thousand_patients_take_little_more_memory_than_one_thousand(
    sqlite_url: str, make: Any, tmp_path: Path
) -> None:
    """What is kept per row is its number and a part of the address's digest, nothing else."""
    runtime = make(sqlite_url)
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=runtime.clock.now())
    files = Files(runtime, tmp_path)
    small, large = peak(files, 1_000), peak(files, 8_000)
    assert large - small < 7_000 * 600


def test_a_questionnaire_is_answered_while_a_cohort_is_checked(files: Files) -> None:
    """Checking holds no lock: a writer in the middle of it is not held up."""
    patient = a_patient(files.runtime)
    middle, done = threading.Event(), threading.Event()

    def moved(_count: int) -> None:
        middle.set()
        assert done.wait(20), "the answer waited for the import"

    found: list[Fault] = []
    job = files.job("".join(cohort(50)))
    job.source.moved = moved

    def check() -> None:
        with reading(files.runtime) as session:
            Import(session, "patients", job, found.append).check(session)

    thread = threading.Thread(target=check)
    thread.start()
    assert middle.wait(20)
    an_answered_follow_up(files.runtime, patient, 1)
    done.set()
    thread.join(20)
    assert (found, plan(files)[0][1]) == ([], "answered")


def test_rows_equal_in_content_of_other_patients_are_their_own(files: Files) -> None:
    files.imported("patients", f"{HEAD}\n1,A,2025-12-01\n2,A,2025-12-01\n")
    rows = "1,Fever,2025-12-05,1,0,0\n2,Fever,2025-12-05,1,0,0\n1,Fever,2025-12-05,1,0,0\n"
    content = f"patient_id,term,onset_date,grade,serious,related\n{rows}"
    assert files.imported("adverse-events", content).new == 3
    assert current_count(files, AdverseEvent) == 3
    assert files.imported("adverse-events", content).known == 3
