"""Courses, administrations, observations and laboratory results that come after enrolment."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from factories import TREATED_ON, a_patient, a_site
from sqlalchemy import select

from registry import audit
from registry.actions import laboratory, sites, treatment
from registry.actions.facts import Course, Given, Measured, Observed, Unusable
from registry.actions.laboratory import Implausible
from registry.actions.reading import log_read
from registry.actions.sites import SiteExists, SiteTexts
from registry.db import reading, transaction
from registry.models import (
    Administration,
    AuditEvent,
    FollowUp,
    LabResult,
    Observation,
    Site,
    TreatmentCourse,
)
from registry.runtime import Runtime

LATER = date(2026, 1, 2)


def who(runtime: Runtime) -> dict[str, Any]:
    return {"by": "Ada", "at": runtime.clock.now()}


def test_a_further_course_leaves_day_0_and_the_plan(registry: Runtime) -> None:
    patient = a_patient(registry)
    with transaction(registry) as session:
        course = treatment.record_course(
            session, patient.patient_id, LATER, Course(cell_source="adipose"), **who(registry)
        )
        treatment.record_administrations(
            session,
            patient.patient_id,
            [Given(given_on=LATER, route="intrathecal", cells="2e7")],
            course_number=course.number,
            **who(registry),
        )
        treatment.record_observations(
            session,
            patient.patient_id,
            [Observed(observed_on=LATER, item="headache", value="mild")],
            course_number=2,
            **who(registry),
        )
    with reading(registry) as session:
        courses = session.scalars(select(TreatmentCourse).order_by(TreatmentCourse.number)).all()
        given = session.scalars(select(Administration)).one()
        observed = session.scalars(select(Observation)).one()
        due = session.scalars(select(FollowUp.due_on).order_by(FollowUp.month)).first()
        actions = session.scalars(
            select(AuditEvent.action).where(AuditEvent.number > 1).order_by(AuditEvent.id)
        ).all()
    assert [(one.number, one.started_on) for one in courses] == [(1, TREATED_ON), (2, LATER)]
    assert (given.course_number, observed.course_number) == (2, 2)
    assert due == date(2026, 1, 29)
    assert actions == [
        "course.recorded",
        "administrations.recorded",
        "observations.recorded",
    ]


def test_courses_and_what_is_given_are_in_order_of_time(registry: Runtime) -> None:
    patient_id, told = a_patient(registry).patient_id, who(registry)
    early, late = date(2025, 12, 28), date(2026, 1, 8)
    with transaction(registry) as session:
        for day, words in ((TREATED_ON, "is not after the first course"), (late, "future")):
            with pytest.raises(Unusable, match=words):
                treatment.record_course(session, patient_id, day, Course(), **told)
        for day, words in ((early, "before the course began on 2025-12-29"), (late, "future")):
            given = [Given(given_on=day, route="intravenous")]
            with pytest.raises(Unusable, match=words):
                treatment.record_administrations(session, patient_id, given, **told)
            seen = [Observed(observed_on=day, item="rash", value="none")]
            with pytest.raises(Unusable, match=words):
                treatment.record_observations(session, patient_id, seen, **told)
        with pytest.raises(Unusable, match="oral is none of: intravenous"):
            treatment.record_administrations(
                session, patient_id, [Given(given_on=LATER, route="oral")], **told
            )
        with pytest.raises(Unusable, match="mood is none of: temperature_max"):
            treatment.record_observations(
                session, patient_id, [Observed(observed_on=LATER, item="mood", value="x")], **told
            )
        with pytest.raises(Unusable, match="has no course 2"):
            treatment.record_administrations(session, patient_id, [], course_number=2, **told)


# ---- laboratory


def result(runtime: Runtime, patient_id: int, **known: Any) -> LabResult:
    confirmed = known.pop("confirmed", False)
    told = {"test": "ALT", "value": "150", "unit": "U/L", "collected_on": LATER} | known
    with transaction(runtime) as session:
        return laboratory.record_result(
            session, patient_id, Measured(**told), confirmed=confirmed, **who(runtime)
        )


def test_a_result_is_kept_as_reported_and_converted(registry: Runtime) -> None:
    one = result(registry, a_patient(registry).patient_id, test="C3", value=" <55 ", unit="mg/dl")
    assert (one.reported_value, one.reported_unit, one.comparator) == ("<55", "mg/dl", "<")
    assert (one.value, one.unit, one.loinc) == (Decimal("0.55"), "g/L", "4485-9")
    assert (one.reference_low, one.reference_from, one.flag) == (Decimal("0.9"), "table", "low")
    assert one.grade is None


def test_the_laboratorys_own_limits_come_first_in_the_unit_of_the_result(
    registry: Runtime,
) -> None:
    low, high = Decimal(50), Decimal(150)
    one = result(
        registry,
        a_patient(registry).patient_id,
        test="C3",
        value="55",
        unit="mg/dl",
        reference_low=low,
        reference_high=high,
    )
    assert (one.reference_low, one.reference_high) == (Decimal("0.5"), Decimal("1.5"))
    assert (one.reference_from, one.flag) == ("laboratory", "normal")


def test_an_arbitrary_unit_keeps_its_unit_and_its_own_limits(registry: Runtime) -> None:
    patient_id = a_patient(registry).patient_id
    known = {"test": "anti-dsDNA", "value": "80", "unit": "U/mL"}
    plain = result(registry, patient_id, **known)
    own = result(registry, patient_id, **known, reference_high=Decimal(30))
    assert (plain.unit, plain.flag, plain.reference_from) == ("[arb'U]/mL", None, None)
    assert (own.unit, own.flag, own.reference_high) == ("[arb'U]/mL", "high", Decimal(30))


def test_a_grade_knows_the_value_before_treatment(registry: Runtime) -> None:
    patient_id = a_patient(registry).patient_id
    limit = {"reference_high": Decimal(40)}
    assert result(registry, patient_id, **limit).grade == 2
    before = result(registry, patient_id, value="80", collected_on=date(2025, 12, 20), **limit)
    assert before.grade == 1
    assert result(registry, patient_id, **limit).grade == 1


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"unit": ""}, "unit: .*a result needs its unit. Accepted: U/L"),
        ({"unit": "kg"}, "unit: .*'kg' is not a unit of it. Accepted: U/L"),
        ({"test": "XYZ"}, "code: 'XYZ' is no laboratory test"),
        ({"value": "1,5"}, "value: '1,5' is not a number"),
        ({"test": "2160-0", "unit": "umol/L", "value": "80"}, "code: .*in that unit it is 14682-9"),
        ({"collected_on": date(2026, 1, 9)}, "collected_on: 2026-01-09 lies in the future"),
    ],
)
def test_what_cannot_be_read_is_refused(
    registry: Runtime, known: dict[str, Any], words: str
) -> None:
    patient_id = a_patient(registry).patient_id
    with pytest.raises(Unusable, match=words):
        result(registry, patient_id, **known)


def test_what_is_hardly_possible_is_asked_about_once(registry: Runtime) -> None:
    patient_id = a_patient(registry).patient_id
    known = {"test": "C3", "value": "55", "unit": "g/L"}
    with pytest.raises(Implausible, match="hardly possible"):
        result(registry, patient_id, **known)
    assert result(registry, patient_id, **known, confirmed=True).value == 55


# ---- sites and reading


def test_a_site_is_added_once_and_changed_with_a_line_in_the_trail(registry: Runtime) -> None:
    site = a_site(registry, "BER")
    texts = SiteTexts(public_name="Clinic B", telephone="+49 30 1", zone="Europe/Berlin")
    with transaction(registry) as session:
        with pytest.raises(SiteExists, match="There is a site BER already"):
            sites.add(session, "BER", texts, **who(registry))
        row = session.get_one(Site, site.id)
        sites.change(session, row, texts, **who(registry))
        sites.change(session, row, texts, **who(registry))
    with reading(registry) as session:
        assert session.get_one(Site, site.id).public_name == "Clinic B"
        events = session.scalars(
            select(AuditEvent)
            .where(AuditEvent.subject == f"site:{site.id}")
            .order_by(AuditEvent.number)
        ).all()
    assert [event.action for event in events] == ["site.added", "site.changed"]
    assert sorted(events[1].changes) == ["emergency_text", "hours", "public_name", "telephone"]


def test_reading_leaves_a_line_in_the_trail(registry: Runtime) -> None:
    patient_id = a_patient(registry).patient_id
    with transaction(registry) as session:
        log_read(session, patient_id, "identity", **who(registry))
    with reading(registry) as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.read")).one()
        assert (event.by, event.subject) == ("Ada", f"patient:{patient_id}")
        assert audit.verify(session).broken is None
