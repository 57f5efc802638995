"""Enrolling: all or nothing in one transaction, with the dated plan of follow-ups."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from factories import (
    TREATED_ON,
    a_patient,
    a_person,
    a_site,
    an_enrolment,
    follow_up_of,
    vault_of,
)
from faults import Broken, faulty
from sqlalchemy import func, select

from registry import audit
from registry.actions import enrolment, plans
from registry.actions.enrolment import AlreadyEnrolled, Enrolled, NumberTaken
from registry.actions.facts import (
    ConsentGiven,
    Course,
    Enrolment,
    Given,
    Measured,
    MedicineTaken,
    Observed,
    Person,
    Unusable,
)
from registry.actions.laboratory import Implausible
from registry.clock import FixedClock
from registry.db import Base, reading, transaction
from registry.models import (
    Administration,
    Consent,
    Covariate,
    DataKey,
    Demographics,
    Diagnosis,
    FollowUp,
    Identity,
    IdentityIndex,
    LabResult,
    Medicine,
    Observation,
    Patient,
    TreatmentCourse,
)
from registry.runtime import Runtime
from surveys.timepoints import Timepoint, plan_one


def test_five_follow_ups_are_planned_from_the_treatment_date(registry: Runtime) -> None:
    patient = a_patient(registry, treated_on=date(2025, 12, 31))
    assert [(line.month, line.due_on, line.state) for line in patient.plan] == [
        (1, date(2026, 1, 31), "planned"),
        (3, date(2026, 3, 31), "planned"),
        (6, date(2026, 6, 30), "planned"),
        (12, date(2026, 12, 31), "planned"),
        (24, date(2027, 12, 31), "planned"),
    ]


def everything(site_id: int) -> Enrolment:
    """An enrolment with something in every part."""
    return an_enrolment(
        site_id,
        person=a_person(name="Ada María Invented", email="Ada@Example.org"),
        zone="Asia/Tokyo",
        diagnosed_on=date(2020, 2, 29),
        medicines=(
            MedicineTaken(medicine_class="antimalarial", name="hydroxychloroquine"),
            MedicineTaken(
                medicine_class="corticosteroid",
                name="Methylprednisolone",
                daily_dose_mg=Decimal(8),
            ),
            MedicineTaken(
                medicine_class="corticosteroid",
                name="budesonide",
                daily_dose_mg=Decimal(3),
                prednisone_mg_per_day=Decimal("2.5"),
            ),
        ),
        course=Course(cell_source="umbilical_cord", donor="allogeneic", cells_total="1e8"),
        administrations=(
            Given(given_on=TREATED_ON, route="intravenous", cells="6e7"),
            Given(given_on=date(2026, 1, 2), route="intrathecal", cells="4 × 10^7"),
        ),
        observations=(Observed(observed_on=TREATED_ON, item="chills", value="mild"),),
        labs=(
            Measured(test="C3", value="55", unit="mg/dl", collected_on=TREATED_ON),
            Measured(
                test="anti-dsDNA",
                value="<10",
                unit="IU/mL",
                collected_on=TREATED_ON,
                reference_high=Decimal(30),
            ),
        ),
        covariates={"sledai": Decimal("8"), "nephritis": "yes"},
    )


def enrolled(runtime: Runtime, wanted: Enrolment) -> Enrolled:
    with transaction(runtime) as session:
        return enrolment.enrol(
            session, wanted, vault=vault_of(runtime), by="Ada", at=runtime.clock.now()
        )


def test_one_transaction_writes_all_that_is_known(registry: Runtime) -> None:
    patient = enrolled(registry, everything(a_site(registry).id))
    with reading(registry) as session:

        def one_of(model: type[Base], *columns: Any) -> list[Any]:
            rows = session.execute(select(*columns).order_by(model.__mapper__.primary_key[0]))
            return [tuple(row) for row in rows]

        assert one_of(Patient, Patient.study_number) == [("R-0001",)]
        assert one_of(Consent, Consent.consent_version, Consent.given_on) == [("1", TREATED_ON)]
        assert one_of(Demographics, Demographics.sex, Demographics.zone) == [
            ("female", "Asia/Tokyo")
        ]
        assert one_of(Diagnosis, Diagnosis.kind, Diagnosis.diagnosed_on) == [
            ("systemic", date(2020, 2, 29))
        ]
        assert one_of(Medicine, Medicine.medicine_class, Medicine.prednisone_mg_per_day) == [
            ("antimalarial", None),
            ("corticosteroid", Decimal(10)),
            ("corticosteroid", Decimal("2.5")),
        ]
        assert one_of(TreatmentCourse, TreatmentCourse.number, TreatmentCourse.started_on) == [
            (1, TREATED_ON)
        ]
        assert one_of(Administration, Administration.route, Administration.cells) == [
            ("intravenous", "6e7"),
            ("intrathecal", "4 × 10^7"),
        ]
        assert one_of(Observation, Observation.item) == [("chills",)]
        assert one_of(LabResult, LabResult.test, LabResult.value, LabResult.flag) == [
            ("c3", Decimal("0.55"), "low"),
            ("dsdna", Decimal(10), "normal"),
        ]
        assert sorted(one_of(Covariate, Covariate.name, Covariate.number, Covariate.code)) == [
            ("nephritis", None, "yes"),
            ("prednisone_mg_per_day", Decimal("12.5"), None),
            ("sledai", Decimal(8), None),
        ]
        assert {row.zone for row in session.scalars(select(FollowUp))} == {"Asia/Tokyo"}
        chain = audit.verify(session, f"patient:{patient.patient_id}")
    assert (chain.events, chain.broken) == (1, None)


def test_identity_is_kept_encrypted_and_found_by_its_blind_index(registry: Runtime) -> None:
    patient = enrolled(registry, everything(a_site(registry).id))
    vault = vault_of(registry)
    with reading(registry) as session:
        identity = session.scalars(select(Identity)).one()
        key = session.get_one(DataKey, patient.patient_id)
        index = session.scalars(select(IdentityIndex)).all()
    assert key.wrapped is not None
    data_key = vault.open_data_key(patient.patient_id, key.wrapped, key.master_version)
    assert identity.email is not None
    assert b"example" not in identity.email
    assert vault.open(data_key, patient.patient_id, "email", identity.email) == "Ada@Example.org"
    assert sorted(row.kind for row in index) == ["birth_date", "email", "name", "name", "name"]
    assert vault.email_digest(" ada@example.ORG") in {row.digest for row in index}


def test_little_is_enough(registry: Runtime) -> None:
    site = a_site(registry)
    patient = enrolled(registry, Enrolment(site_id=site.id, treated_on=TREATED_ON))
    with reading(registry) as session:
        for model in (Consent, Diagnosis, Medicine, Covariate, IdentityIndex):
            assert session.scalar(select(func.count()).select_from(model)) == 0
        follow_ups = session.scalars(select(FollowUp)).all()
    assert {row.zone for row in follow_ups} == {"Europe/Berlin"}
    assert {row.context["pregnancy"] for row in follow_ups} == {True}
    assert patient.study_number == "R-0001"


@pytest.mark.parametrize(
    ("medicines", "dose"),
    [
        (None, None),
        ((), Decimal(0)),
        ((MedicineTaken(medicine_class="nsaid"),), Decimal(0)),
        ((MedicineTaken(medicine_class="corticosteroid"),), None),
    ],
)
def test_the_baseline_dose_is_nought_only_for_those_known_to_take_none(
    registry: Runtime, medicines: tuple[MedicineTaken, ...] | None, dose: Decimal | None
) -> None:
    a_patient(registry, medicines=medicines)
    with reading(registry) as session:
        assert session.scalar(select(Covariate.number)) == dose


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"treated_on": date(2026, 1, 7)}, "treated_on: 2026-01-07 lies in the future"),
        ({"died_on": date(2025, 12, 1)}, "died_on: 2025-12-01 is before the treatment on 2025"),
        ({"withdrawn_on": date(2025, 12, 1)}, "withdrawn_on: 2025-12-01 is before"),
        ({"died_on": date(2026, 2, 1)}, "died_on: 2026-02-01 lies in the future"),
        (
            {"consent": ConsentGiven(version="1", given_on=date(2027, 1, 1))},
            "consented_on: 2027-01-01 lies in the future",
        ),
        ({"person": Person(birth_date=date(2026, 1, 2))}, "birth_date: 2026-01-02 is after"),
        (
            {"administrations": (Given(given_on=date(2026, 1, 2), route="intravenous"),)},
            "day 0 is the first administration",
        ),
        (
            {"observations": (Observed(observed_on=date(2026, 3, 1), item="rash", value="x"),)},
            "observations: 2026-03-01 lies in the future",
        ),
        ({"medicines": (MedicineTaken(medicine_class="tea"),)}, "tea is none of: nsaid, "),
        ({"diagnosis": "gout"}, "diagnosis: gout is none of: systemic, discoid, "),
        ({"course": Course(cell_source="x")}, "cell_source: x is none of: umbilical_cord, "),
        ({"course": Course(donor="x")}, "donor: x is none of: autologous, allogeneic"),
        (
            {"administrations": (Given(given_on=TREATED_ON, route="oral"),)},
            "administrations: oral is none of: intravenous, intrathecal, other",
        ),
        (
            {"observations": (Observed(observed_on=TREATED_ON, item="mood", value="x"),)},
            "observations: mood is none of: temperature_max, ",
        ),
        (
            {
                "medicines": (
                    MedicineTaken(
                        medicine_class="corticosteroid", name="x", daily_dose_mg=Decimal(1)
                    ),
                )
            },
            "the dose of x in mg of prednisone is not known; give it, or name one of: prednisone",
        ),
        (
            {"labs": (Measured(test="C3", value="1", unit="", collected_on=TREATED_ON),)},
            "labs: C3: Complement C3: a result needs its unit. Accepted: g/L",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    registry: Runtime, known: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unusable) as refusal:
        a_patient(registry, **known)
    assert words in str(refusal.value)
    with reading(registry) as session:
        assert session.scalar(select(func.count()).select_from(Patient)) == 0


def test_all_problems_are_told_at_once(registry: Runtime) -> None:
    with pytest.raises(Unusable) as refusal:
        a_patient(registry, treated_on=date(2026, 3, 1), died_on=date(2026, 2, 1))
    assert [problem.field for problem in refusal.value.problems] == [
        "treated_on",
        "consented_on",
        "died_on",
        "died_on",
    ]


def test_a_result_hardly_possible_is_asked_about(registry: Runtime) -> None:
    site = a_site(registry)
    odd = (Measured(test="C3", value="55", unit="g/L", collected_on=TREATED_ON),)
    wanted = replace(everything(site.id), labs=odd)
    with pytest.raises(Implausible, match="is hardly possible: was it mg/dL"):
        enrolled(registry, wanted)
    with transaction(registry) as session:
        at = registry.clock.now()
        vault = vault_of(registry)
        enrolment.enrol(session, wanted, vault=vault, by="Ada", at=at, confirmed=True)


def test_an_email_address_is_enrolled_once(registry: Runtime) -> None:
    first = a_patient(registry, person=a_person(email="ada@example.org"))
    with pytest.raises(AlreadyEnrolled, match="already enrolled") as refusal:
        a_patient(registry, site="B", person=a_person(email="ADA@example.org"))
    assert refusal.value.patient_id == first.patient_id
    assert a_patient(registry, person=a_person(email=None)).study_number == "R-0002"


def test_of_two_enrolments_at_once_the_second_sees_the_first(registry: Runtime) -> None:
    wanted = an_enrolment(a_site(registry).id, person=a_person(email="ada@example.org"))
    refusals: list[AlreadyEnrolled] = []

    def second() -> None:
        try:
            enrolled(registry, wanted)
        except AlreadyEnrolled as refusal:
            refusals.append(refusal)

    thread = threading.Thread(target=second)
    with transaction(registry) as session:
        vault, at = vault_of(registry), registry.clock.now()
        first = enrolment.enrol(session, wanted, vault=vault, by="Ada", at=at)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "the second enrolment did not wait for the first"
    thread.join(20)
    assert [refusal.patient_id for refusal in refusals] == [first.patient_id]


def test_study_numbers_are_given_out_in_order_around_those_taken(registry: Runtime) -> None:
    assert a_patient(registry, study_number="R-0002").study_number == "R-0002"
    assert a_patient(registry).study_number == "R-0001"
    assert a_patient(registry).study_number == "R-0003"
    with pytest.raises(NumberTaken, match="R-0002 is taken"):
        a_patient(registry, study_number="R-0002")


@pytest.mark.parametrize(
    ("sex", "age", "asked"),
    [
        ("female", 54, {1: True, 12: True, 24: False}),
        ("female", 11, {1: False, 12: True, 24: True}),
        ("female", None, {1: True, 12: True, 24: True}),
        (None, 40, {1: True, 12: True, 24: True}),
        ("male", 40, {1: False, 12: False, 24: False}),
    ],
)
def test_who_is_asked_about_pregnancy(
    registry: Runtime, sex: str | None, age: int | None, asked: dict[int, bool]
) -> None:
    patient = a_patient(registry, sex=sex, age=age)
    for month, wanted in asked.items():
        context = follow_up_of(registry, patient.patient_id, month).context
        assert context["pregnancy"] is wanted


def test_of_a_patient_treated_long_ago_only_the_newest_due_is_asked(registry: Runtime) -> None:
    patient = a_patient(registry, treated_on=date(2025, 9, 20))
    assert [(line.month, line.state, line.state_reason) for line in patient.plan[:3]] == [
        (1, "missed", "its window ended before enrolment"),
        (3, "planned", None),
        (6, "planned", None),
    ]


def test_where_windows_overlap_the_older_one_due_is_missed() -> None:
    planned = [
        plan_one(date(2026, 1, 1), Timepoint(1, 16, 90)),
        plan_one(date(2026, 1, 1), Timepoint(2, 50, 120)),
    ]
    case = plans.Circumstances(
        patient_id=1,
        site_id=1,
        treated_on=date(2026, 1, 1),
        zone="UTC",
        language="en",
        sex=None,
        age=None,
        consent_version=None,
    )
    today = date(2026, 3, 5)
    newest = plans.newest_due(planned, today)
    assert [plans.first_state(one, today, newest, case) for one in planned] == [
        ("missed", "due before enrolment, and a newer one is due"),
        ("planned", None),
    ]


def test_nothing_is_planned_after_death_or_withdrawal(registry: Runtime) -> None:
    dead = a_patient(registry, died_on=TREATED_ON)
    left = a_patient(registry, withdrawn_on=TREATED_ON)
    assert {(line.state, line.state_reason) for line in dead.plan} == {
        ("cancelled", "the patient died")
    }
    assert {line.state_reason for line in left.plan} == {"the patient withdrew"}


def test_the_plan_begins_on_the_patients_own_day(registry: Runtime, clock: FixedClock) -> None:
    """At 20:00 UTC it is tomorrow in Tokyo: the window of month 1 ended there."""
    clock.move_to(datetime(2026, 1, 5, 20, 0, tzinfo=UTC))
    treated_on = date(2025, 11, 22)  # day 44 is 2026-01-05
    tokyo = a_patient(registry, treated_on=treated_on, zone="Asia/Tokyo")
    berlin = a_patient(registry, treated_on=treated_on)
    assert [tokyo.plan[0].state, berlin.plan[0].state] == ["missed", "planned"]


@pytest.mark.parametrize("step", range(1, 14))
def test_a_fault_at_any_step_leaves_nothing_half_done(registry: Runtime, step: int) -> None:
    wanted = everything(a_site(registry).id)
    with pytest.raises(Broken), faulty(registry, at_insert=step):
        enrolled(registry, wanted)
    with reading(registry) as session:
        for model in (Patient, Identity, TreatmentCourse, FollowUp, Covariate):
            assert session.scalar(select(func.count()).select_from(model)) == 0
        assert audit.verify(session).broken is None
    assert enrolled(registry, wanted).study_number == "R-0001"
