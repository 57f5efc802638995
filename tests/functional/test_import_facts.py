"""registry import of administrations, surveys, adverse events and laboratory results."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from importing import Importer, counts
from sqlalchemy import update

from registry import audit
from registry.db import reading, transaction
from registry.models import (
    Administration,
    AdverseEvent,
    Disposition,
    EventCategory,
    FollowUp,
    LabResult,
    OutcomeValue,
    ReportedEvent,
    Response,
    ResponseStatus,
)
from registry.runtime import Runtime

GOOD = {
    "administrations": "patient_id,given_on,route,cells\n"
    "1,2024-02-29,IV,6e7\n"
    "1,2024-03-02,lumbar puncture,-\n".replace(",-\n", ",\n"),
    "surveys": "patient_id,wave_month,invited_on,status,completed_on,responder,score\n"
    "1,1,2024-03-29,complete,2024-04-01,1,3.5\n"
    "1,3,,partial,2024-06-01,,2\n"
    "2,1,2024-03-29,refused,2024-04-02,,\n"
    "2,3,2024-05-29,no_contact,,,\n",
    "adverse-events": "patient_id,term,onset_date,grade,serious,related,source,confirmed_on\n"
    "1,Pneumonia,2024-06-01,3,yes,no,,\n"
    "1,Headache,2024-06-02,,0,,patient,\n"
    "2,Herpes zoster,2024-06-03,2,0,1,patient,2024-06-20\n",
    "labs": "patient_id,code,value,unit,collected_on\n"
    "1,C3,55,mg/dl,2024-02-28\n"
    "1,5130-0,<10,IU/mL,2024-06-01\n",
}
ROWS = {"administrations": 2, "surveys": 4, "adverse-events": 3, "labs": 2}


@pytest.fixture
def importer(registry: Runtime, tmp_path: Path) -> Importer:
    """Two patients, of site A, treated on the leap day."""
    one = Importer(registry, tmp_path)
    one.done(
        "patients",
        "patient_id,site,treatment_date,sex\n1,A,2024-02-29,f\n2,A,2024-02-29,m\n",
    )
    return one


@pytest.mark.parametrize("kind", GOOD)
def test_the_same_file_again_adds_nothing(importer: Importer, kind: str) -> None:
    said = importer.done(kind, GOOD[kind])
    assert said.startswith(f"{kind}: {ROWS[kind]} rows, {ROWS[kind]} new, 0 known.")
    before = counts(importer.runtime)
    assert f"0 new, {ROWS[kind]} known." in importer.done(kind, GOOD[kind])
    assert f"0 would be new, {ROWS[kind]} known." in importer.done(kind, GOOD[kind], "--dry-run")
    assert counts(importer.runtime) == before
    with reading(importer.runtime) as session:
        assert audit.verify(session).broken is None


@pytest.mark.parametrize("kind", GOOD)
def test_two_equal_rows_are_two_and_a_longer_file_adds_only_what_is_new(
    importer: Importer, kind: str
) -> None:
    header, *rows = GOOD[kind].splitlines()
    first = "\n".join([header, rows[0], rows[1], rows[0], ""])
    assert "3 rows, 3 new, 0 known." in importer.done(kind, first)
    assert "3 rows, 0 new, 3 known." in importer.done(kind, first)
    longer = "\n".join([header, rows[0], rows[0], rows[0], rows[1], ""])
    assert "4 rows, 1 new, 3 known." in importer.done(kind, longer)


@pytest.mark.parametrize("kind", GOOD)
def test_columns_in_another_order_are_the_same_rows(importer: Importer, kind: str) -> None:
    importer.done(kind, GOOD[kind])
    turned = "\n".join(",".join(reversed(line.split(","))) for line in GOOD[kind].splitlines())
    assert f"0 new, {ROWS[kind]} known." in importer.done(kind, turned)


def test_what_was_corrected_or_taken_back_does_not_come_again(importer: Importer) -> None:
    """A row keeps its key through its versions; a retracted one stays retracted."""
    importer.done("labs", GOOD["labs"])
    with transaction(importer.runtime) as session:
        at = importer.runtime.clock.now()
        session.execute(update(LabResult).where(LabResult.id == 1).values(superseded_at=at))
        audit.record(session, by="test", at=at, action="lab.retracted", subject="patient:1")
    assert "0 new, 2 known." in importer.done("labs", GOOD["labs"])


@pytest.mark.parametrize("kind", GOOD)
def test_an_unknown_patient_is_named(importer: Importer, kind: str) -> None:
    faults = importer.refused(kind, GOOD[kind].replace("\n2,", "\n7,").replace("\n1,", "\n7,"))
    assert len(faults) == ROWS[kind]
    assert faults[0] == (
        "line 2, column patient_id, value '7': "
        "is no patient of this registry; import patients.csv first"
    )


def bad(kind: str, **cells: str) -> str:
    """The first good row with other cells."""
    header, first, *_ = GOOD[kind].splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True)) | cells
    return f"{','.join(row)}\n{','.join(row.values())}\n"


BAD = [
    ("administrations", "given_on", "2150-01-01", "lies in the future"),
    ("administrations", "given_on", "2024-02-28", "is before the treatment date 2024-02-29, which"),
    ("administrations", "route", "oral", "is none of: intravenous, intrathecal, other"),
    ("administrations", "route", "", "is missing; every row needs it"),
    ("administrations", "cells", "=1", "looks like a spreadsheet formula"),
    ("surveys", "wave_month", "2", "is no month of the protocol: 0, 1, 3, 6, 12, 24"),
    ("surveys", "wave_month", "one", "is not a whole number from 0 to 600"),
    ("surveys", "status", "done", "is none of: complete, partial, refused, other, undeliverable, "),
    ("surveys", "completed_on", "", "is missing; an answer needs its day"),
    ("surveys", "completed_on", "2150-01-01", "lies in the future"),
    ("surveys", "invited_on", "2150-01-01", "lies in the future"),
    ("surveys", "responder", "2", "is neither 1 (yes) nor 0 (no)"),
    ("surveys", "responder", "yes", "is not a number; outcomes are numbers, yes is 1 and no is 0"),
    ("surveys", "score", "=3", "is not a number"),
    ("adverse-events", "grade", "6", "is not a whole number from 1 to 5"),
    ("adverse-events", "grade", "0", "is not a whole number from 1 to 5"),
    ("adverse-events", "serious", "maybe", "is neither yes nor no; write 1 or 0, yes or no"),
    ("adverse-events", "serious", "", "is missing; every row needs it"),
    ("adverse-events", "source", "nurse", "is none of: clinic, patient"),
    ("adverse-events", "onset_date", "2150-01-01", "lies in the future"),
    ("adverse-events", "confirmed_on", "2150-01-01", "lies in the future"),
    ("adverse-events", "term", "@SUM(A1)", "looks like a spreadsheet formula"),
    ("adverse-events", "term", "", "is missing; every row needs it"),
    ("labs", "unit", "mg/kg", "Complement C3: 'mg/kg' is not a unit of it. Accepted: g/L"),
    ("labs", "unit", "", "Complement C3: a result needs its unit. Accepted: g/L"),
    ("labs", "code", "C33", "is no laboratory test that the registry knows; near it are"),
    ("labs", "value", "1,200", "is not a number: write it like 0.8, <0.02 or 1:640, with a point"),
    ("labs", "value", "high", "is not a number: write it like 0.8"),
    ("labs", "value", "-3", "Complement C3 cannot be below 0: -3 is no result; check the sign"),
    ("labs", "collected_on", "2150-01-01", "lies in the future"),
]


@pytest.mark.parametrize(("kind", "column", "value", "reason"), BAD)
def test_a_bad_cell_is_named(
    importer: Importer, kind: str, column: str, value: str, reason: str
) -> None:
    content = bad(kind, **{column: f'"{value}"' if "," in value else value})
    (fault,) = importer.refused(kind, content)
    told = f", value '{value}'" if value else ""
    assert fault.startswith(f"line 2, column {column}{told}: ")
    assert reason in fault


@pytest.mark.parametrize("kind", ["administrations", "adverse-events", "labs"])
def test_a_column_too_many_is_named(importer: Importer, kind: str) -> None:
    (fault,) = importer.refused(kind, bad(kind, colour="red"))
    assert fault.startswith("line 1, column colour: there is no such column; take it out, or use")


def test_administrations(importer: Importer) -> None:
    importer.done("administrations", GOOD["administrations"])
    one = Administration
    assert importer.rows(one.patient_id, one.course_number, one.given_on, one.route, one.cells) == [
        (1, 1, date(2024, 2, 29), "intravenous", "6e7"),
        (1, 1, date(2024, 3, 2), "intrathecal", None),
    ]


def test_surveys_become_responses_and_dispositions(importer: Importer) -> None:
    importer.done("surveys", GOOD["surveys"])
    assert importer.rows(Response.month, Response.mode, Response.invited_on) == [
        (1, "import", date(2024, 3, 29)),
        (3, "import", None),
    ]
    status = ResponseStatus
    assert importer.rows(status.month, status.status, status.answered_on, status.recall_from) == [
        (1, "complete", date(2024, 4, 1), None),
        (3, "partial", date(2024, 6, 1), None),
    ]
    assert all(sent for (sent,) in importer.rows(status.submitted_at))
    assert importer.rows(OutcomeValue.code, OutcomeValue.value) == [
        ("responder", Decimal(1)),
        ("score", Decimal("3.5")),
        ("score", Decimal(2)),
    ]
    one = Disposition
    assert importer.rows(one.month, one.code, one.noted_on, one.source) == [
        (1, "refused", date(2024, 4, 2), "import"),
        (3, "no_contact", date(2024, 5, 29), "import"),
    ]
    follow_ups = importer.rows(FollowUp.patient_id, FollowUp.month, FollowUp.state)
    assert follow_ups[:3] == [(1, 1, "answered"), (1, 3, "answered"), (1, 6, "missed")]
    assert {state for patient, _, state in follow_ups if patient == 2} == {"missed"}


def test_several_answers_of_one_month_are_all_kept(importer: Importer) -> None:
    content = (
        "patient_id,wave_month,invited_on,status,completed_on,score\n"
        "1,1,,partial,2024-03-30,4\n1,1,,complete,2024-04-01,3\n1,1,,complete,2024-04-03,2\n"
    )
    importer.done("surveys", content)
    assert len(importer.rows(Response.id)) == 3


def test_answers_outside_their_window_are_kept_and_counted(importer: Importer) -> None:
    content = (
        "patient_id,wave_month,invited_on,status,completed_on\n"
        "1,3,,complete,2024-03-02\n1,1,,complete,2024-05-01\n1,0,,complete,2024-02-20\n"
    )
    said = importer.done("surveys", content)
    assert "Answers outside their window, kept and counted apart: 2" in said
    follow_ups = importer.rows(FollowUp.patient_id, FollowUp.month, FollowUp.state)
    assert follow_ups[:2] == [(1, 1, "answered_late"), (1, 3, "missed")]


def test_outcomes_beside_no_answer_are_left_out_and_told(importer: Importer) -> None:
    content = "patient_id,wave_month,status,completed_on,responder\n1,1,refused,,0\n"
    assert "Rows without an answer but with outcomes, which are left out: 1" in importer.done(
        "surveys", content
    )
    assert importer.rows(OutcomeValue.code) == []


def test_events_of_the_clinic_and_of_patients(importer: Importer) -> None:
    importer.done("adverse-events", GOOD["adverse-events"])
    event = AdverseEvent
    columns = (event.term, event.grade, event.serious, event.related, event.confirmed_on)
    assert importer.rows(*columns, event.ctcae_version) == [
        ("Pneumonia", 3, True, False, None, "5.0"),
        ("Herpes zoster", 2, False, True, date(2024, 6, 20), "5.0"),
    ]
    keys = importer.rows(event.fact_key)
    report = ReportedEvent
    columns = (report.term, report.state, report.grade, report.related, report.adverse_event_key)
    assert importer.rows(*columns) == [
        ("Headache", "waiting", None, None, None),
        ("Herpes zoster", "confirmed", 2, True, keys[1][0]),
    ]
    categories = importer.rows(EventCategory.event_key, EventCategory.category)
    assert {code for key, code in categories if key == keys[0][0]} == {
        "any_event",
        "serious_event",
        "infection",
        "serious_infection",
        "grade3plus",
    }
    assert {code for key, code in categories if key == keys[1][0]} >= {"herpes_zoster"}
    (zoster,) = [list(row) for (row,) in importer.rows(report.categories) if "herpes_zoster" in row]
    assert sorted(zoster) == zoster


def test_events_before_treatment_are_kept_and_counted(importer: Importer) -> None:
    said = importer.done("adverse-events", bad("adverse-events", onset_date="2023-12-01"))
    assert "Events before the treatment, kept and counted apart: 1" in said
    assert importer.rows(AdverseEvent.onset_on) == [(date(2023, 12, 1),)]


def test_laboratory_results_are_kept_as_reported_and_converted(importer: Importer) -> None:
    importer.done("labs", GOOD["labs"])
    one = LabResult
    columns = (one.test, one.reported_value, one.reported_unit, one.comparator, one.value, one.unit)
    assert importer.rows(*columns, one.flag, one.loinc) == [
        ("c3", "55", "mg/dl", None, Decimal("0.55"), "g/L", "low", "4485-9"),
        ("dsdna", "<10", "IU/mL", "<", Decimal(10), "[IU]/mL", None, "5130-0"),
    ]


def test_the_laboratorys_own_limits_flag_and_grade(importer: Importer) -> None:
    content = (
        "patient_id,code,value,unit,collected_on,reference_low,reference_high\n"
        "1,ALT,150,U/L,2024-06-01,,40\n"
        "2,ALT,150,U/L,2024-06-01,,40\n"
        "1,ALT,80,U/L,2024-02-01,,40\n"
        "1,dsDNA antibodies,80,IU/mL,2024-06-01,,30\n"
    )
    importer.done("labs", content)
    one = LabResult
    assert importer.rows(one.collected_on, one.flag, one.grade, one.reference_from) == [
        (date(2024, 2, 1), "high", 1, "laboratory"),
        (date(2024, 6, 1), "high", 1, "laboratory"),  # against a baseline that was high already
        (date(2024, 6, 1), "high", 2, "laboratory"),
        (date(2024, 6, 1), "high", None, "laboratory"),
    ]


def test_a_result_hardly_possible_is_told(importer: Importer) -> None:
    said = importer.done("labs", bad("labs", unit="g/L"))
    assert "Results to look at (Complement C3 of 55 g/L is hardly possible" in said
