"""The staff pages, as the care team uses them."""

from datetime import date, timedelta

import pytest
from factories import a_patient, a_person, an_answered_follow_up, vault_of
from flask import Flask
from functional.conftest import SignIn
from functional.staff_visitor import CHEAP, Staff, member, text_of
from sqlalchemy import select

from registry import audit
from registry.actions.enrolment import Enrolled
from registry.app import create_app
from registry.db import reading, transaction
from registry.models import (
    AdverseEvent,
    Alert,
    AuditEvent,
    Death,
    Disposition,
    FollowUp,
    Instance,
    LabResult,
    ReportedEvent,
    TreatmentCourse,
    Withdrawal,
    known,
)
from registry.queries import identities
from registry.runtime import Runtime

DAY = {"died_on-day": "2", "died_on-month": "1", "died_on-year": "2026"}


def test_a_record_is_shown_and_opening_it_is_recorded(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    an_answered_follow_up(registry, patient, 1, answers={"overall_change": "better"})
    nurse = sign_in("nurse")
    page = text_of(nurse.get(f"/patients/{patient.study_number}").text)
    assert "Tess Invented" in page
    assert "Plan of follow-ups" in page
    with reading(registry) as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.read")).one()
    assert event.subject == f"patient:{patient.patient_id}"


def test_a_data_manager_sees_no_name(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    page = sign_in("data_manager").get(f"/patients/{patient.study_number}").text
    assert "Tess Invented" not in page
    assert "Plan of follow-ups" in page


@pytest.mark.parametrize("what", ["name", "number", "birth date", "nobody"])
def test_patients_are_found(registry: Runtime, sign_in: SignIn, what: str) -> None:
    patient = a_patient(registry)
    words = {"name": "INVENTED tess", "birth date": "1985-04-12", "nobody": "Nemo"}
    nurse = sign_in("nurse")
    who = nurse.get(f"/patients/{patient.study_number}").text.split("sub")[1]
    name = who.split(">")[1].split(" ·")[0]
    text = {"name": name.upper(), "number": patient.study_number.lower()}.get(what) or words[what]
    if what == "number":
        sent = nurse.fill("/patients", {"text": text})
        assert sent.headers["Location"] == f"/patients/{patient.study_number}"
        return
    found = nurse.fill("/patients", {"text": text}, status=200)
    assert (patient.study_number in text_of(found.text)) is (what != "nobody")
    assert text not in found.request.full_path


def test_a_data_manager_finds_by_number_only(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry, person=a_person(name="Tess Sought"))
    manager = sign_in("data_manager")
    assert "Nobody found" in manager.fill("/patients", {"text": "Tess"}, status=200).text
    manager.fill("/patients", {"text": patient.study_number})


def test_other_sites_find_nobody(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry, "B")
    found = sign_in("nurse").fill("/patients", {"text": patient.study_number}, status=200)
    assert "Nobody found" in text_of(found.text)


def test_a_death_calls_off_what_was_planned_and_can_be_undone(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    address = f"/patients/{patient.study_number}"
    nurse = sign_in("nurse")
    assert "month 24" in text_of(nurse.get(f"{address}/death").text)
    sent = nurse.fill(f"{address}/death", DAY)
    assert "Died 2 January 2026" in text_of(nurse.follow(sent).text)
    with reading(registry) as session:
        assert session.scalars(select(Death.died_on)).all() == [date(2026, 1, 2)]
        states = set(session.scalars(select(FollowUp.state)))
    assert states == {"cancelled"}
    nurse.fill(f"{address}/death/correct", {"undo": "yes", "reason": "another patient"})
    with reading(registry) as session:
        assert session.scalars(select(Death).where(known(Death))).all() == []
        assert set(session.scalars(select(FollowUp.state))) == {"planned"}


def test_an_impossible_day_is_told_at_its_box_and_nothing_is_lost(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    data = DAY | {"died_on-year": "2031", "cause": "not known"}
    page = nurse.fill(f"/patients/{patient.study_number}/death", data, status=422)
    assert "lies in the future" in text_of(page.text)
    assert 'value="2031"' in page.text
    assert 'value="not known"' in page.text
    assert "<title>Error: " in page.text
    data = DAY | {"died_on-month": "13"}
    page = nurse.fill(f"/patients/{patient.study_number}/death", data, status=422)
    assert "Date of death is a day that the calendar does not have" in text_of(page.text)


def test_the_same_form_twice_does_it_once(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    page = nurse.get(f"/patients/{patient.study_number}/withdrawal")
    data = {
        "withdrawn_on-day": "3",
        "withdrawn_on-month": "1",
        "withdrawn_on-year": "2026",
        "scope": "contact",
    }
    first = nurse.send(page, data)
    second = nurse.send(page, data)
    assert first.headers["Location"] == second.headers["Location"]
    nurse.send(page, data | {"scope": "registry"}, status=409)
    with reading(registry) as session:
        assert len(session.scalars(select(Withdrawal)).all()) == 1


def test_a_call_is_recorded_and_counts(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    data = {"code": "refused", "note": "asks for peace"}
    nurse.fill(f"/patients/{patient.study_number}/calls/1", data)
    with reading(registry) as session:
        call = session.scalars(select(Disposition)).one()
    assert (call.code, call.month, call.source) == ("refused", 1, "call")
    assert call.noted_on == date(2026, 1, 5)


def test_a_result_is_added_corrected_and_taken_back(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    address = f"/patients/{patient.study_number}/labs"
    manager = sign_in("data_manager")
    day = {"collected_on-day": "3", "collected_on-month": "1", "collected_on-year": "2026"}
    data = day | {"test": "creatinine", "value": "1.1", "unit": "furlong"}
    page = manager.fill(f"{address}/new", data, status=422)
    assert "furlong" in text_of(page.text)
    manager.fill(f"{address}/new", data | {"unit": "mg/dL"})
    with reading(registry) as session:
        key = session.scalars(select(LabResult.fact_key)).one()
    page = manager.fill(f"{address}/{key}", {"value": "1.3"}, status=422)
    assert "Enter reason for the correction" in text_of(page.text)
    manager.fill(f"{address}/{key}", {"value": "1.3", "reason": "misread"})
    manager.fill(f"{address}/{key}", {"undo": "yes", "reason": "another patient's"})
    with reading(registry) as session:
        rows = session.scalars(select(LabResult).order_by(LabResult.id)).all()
    assert [row.reported_value for row in rows] == ["1.1", "1.3"]
    assert all(row.superseded_at for row in rows)


def test_a_hardly_possible_result_is_asked_about(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    address = f"/patients/{patient.study_number}/labs/new"
    day = {"collected_on-day": "3", "collected_on-month": "1", "collected_on-year": "2026"}
    data = day | {"test": "creatinine", "value": "400", "unit": "mg/dL"}
    nurse = sign_in("nurse")
    page = nurse.fill(address, data, status=422)
    assert "hardly possible" in text_of(page.text)
    nurse.send(page, {"confirmed": "yes"})


def test_a_result_below_0_is_refused_even_when_confirmed(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    address = f"/patients/{patient.study_number}/labs/new"
    day = {"collected_on-day": "3", "collected_on-month": "1", "collected_on-year": "2026"}
    data = day | {"test": "creatinine", "value": "-3", "unit": "mg/dL", "confirmed": "yes"}
    page = sign_in("nurse").fill(address, data, status=422)
    assert "cannot be below 0" in text_of(page.text)


def test_a_corrected_treatment_date_is_shown_before_it_is_saved(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}/treatment-date"
    day = {"treated_on-day": "30", "reason": "read off the wrong line"}
    preview = nurse.fill(address, day | {"preview": "yes"}, status=200)
    assert "30 December 2027, planned" in text_of(preview.text)
    with reading(registry) as session:
        assert session.scalars(select(TreatmentCourse.started_on)).all() == [date(2025, 12, 29)]
    nurse.send(preview, {})
    with reading(registry) as session:
        row = session.scalars(select(TreatmentCourse).where(known(TreatmentCourse))).one()
    assert (row.started_on, row.reason) == (date(2025, 12, 30), "read off the wrong line")


def test_a_treatment_date_before_birth_is_refused(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    address = f"/patients/{patient.study_number}/treatment-date"
    day = {"treated_on-day": "1", "treated_on-month": "1", "treated_on-year": "1950"}
    nurse = sign_in("nurse")
    for more in ({"preview": "yes"}, {}):
        page = nurse.fill(address, day | {"reason": "typed wrongly"} | more, status=422)
        assert "1950-01-01 is before the patient was born" in text_of(page.text)
    with reading(registry) as session:
        assert session.scalars(select(TreatmentCourse.started_on)).all() == [date(2025, 12, 29)]


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("2025-12-30", "2025-12-30 is after the treatment on 2025-12-29"),
        ("2025-12-28", "2025-12-28 is after the diagnosis on 2025-12-01"),
        ("2026-02-01", "2026-02-01 lies in the future"),
    ],
)
def test_a_birth_date_that_cannot_be_is_refused(
    registry: Runtime, sign_in: SignIn, born: str, words: str
) -> None:
    patient = a_patient(registry, diagnosed_on=date(2025, 12, 1))
    year, month, day = born.split("-")
    form = {"birth_date-day": day, "birth_date-month": month, "birth_date-year": year}
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}/identity"
    page = nurse.fill(address, form | {"reason": "typed wrongly"}, status=422)
    assert words in text_of(page.text)
    with reading(registry) as session:
        kept = identities.person_of(session, vault_of(registry), patient.patient_id)
    assert kept.birth_date == date(1985, 4, 12)


def test_baseline_course_and_identity_are_corrected(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}"
    nurse.fill(f"{address}/course", {"lot": "UC-7", "cell_source": "adipose", "reason": "late"})
    nurse.fill(f"{address}/baseline", {"age": "41", "diagnosis": "discoid", "reason": "asked"})
    nurse.fill(f"{address}/identity", {"name": "Tess Renamed", "reason": "married"})
    page = text_of(nurse.get(address).text)
    for words in ("UC-7", "Adipose tissue", "female, 41", "Discoid", "Tess Renamed"):
        assert words in page
    nurse.fill(
        f"{address}/consents/new",
        {
            "version": "1",
            "given_on-day": "4",
            "given_on-month": "1",
            "given_on-year": "2026",
        },
    )
    assert "version 1, 4 January 2026" in text_of(nurse.get(address).text)
    for more in ("letters", "history", "plan", "answers/1", "telephone"):
        nurse.get(f"{address}/{more}")


def test_an_alert_is_taken_on_and_closed(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    with transaction(registry) as session:
        at = registry.clock.now()
        site_id = session.scalars(select(FollowUp.site_id)).first() or 0
        session.add(
            Alert(
                patient_id=patient.patient_id,
                site_id=site_id,
                kind="fever",
                message="Severe fever",
                due_at=at,
                recorded_at=at,
                recorded_by="door",
            )
        )
        subject = f"patient:{patient.patient_id}"
        audit.record(session, by="door", at=at, action="alert.raised", subject=subject)
    nurse = sign_in("nurse")
    home = nurse.get("/")
    assert "Alert: Severe fever" in text_of(home.text)
    address = f"/patients/{patient.study_number}/alerts/1"
    nurse.send(nurse.get(address), {})
    assert "Taken on by Sam Staff" in text_of(nurse.get(address).text)
    nurse.fill(address, {"done": "Called; fever is gone."})
    assert "Nothing needs doing here" in text_of(nurse.get("/").text)


def test_a_new_link_needs_an_open_questionnaire(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}/links/1"
    sent = nurse.fill(address, {})
    assert "A letter with a new link" in text_of(nurse.follow(sent).text)
    nurse.fill(f"/patients/{patient.study_number}/death", DAY)
    page = nurse.fill(address, {}, status=409)
    assert "No letter can be sent: the patient died." in text_of(page.text)


def test_a_page_that_does_not_exist(app: Flask) -> None:
    page = app.test_client().get("/nothing/here")
    assert page.status_code == 404
    assert "There is no such page" in page.text


EVENT = {
    "term": "Pneumonia",
    "onset_on-day": "2",
    "onset_on-month": "1",
    "onset_on-year": "2026",
    "grade": "3",
    "serious": "yes",
    "serious_because": ["hospital"],
}


def test_an_event_is_added_corrected_and_taken_back(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}"
    page = nurse.fill(f"{address}/events/new", EVENT | {"serious_because": []}, status=422)
    assert "say why the event is serious" in text_of(page.text)
    nurse.send(page, {"serious_because": ["hospital", "life_threatening"]})
    with reading(registry) as session:
        key = session.scalars(select(AdverseEvent.fact_key)).one()
    again = nurse.get(f"{address}/events/{key}").text
    assert again.count(" checked>") + again.count(" checked ") >= 3
    nurse.fill(f"{address}/events/{key}", {"grade": "2", "reason": "read again"})
    nurse.fill(f"{address}/events/{key}", {"undo": "yes", "reason": "another patient"})
    with reading(registry) as session:
        rows = session.scalars(select(AdverseEvent).order_by(AdverseEvent.id)).all()
    assert [row.grade for row in rows] == [3, 2]
    assert rows[0].serious_because == ["hospital", "life_threatening"]
    assert all(row.superseded_at for row in rows)


def told(registry: Runtime, patient: Enrolled, key: str = "k1") -> str:
    """A report in the patient's words."""
    with transaction(registry) as session:
        at = registry.clock.now()
        session.add(
            ReportedEvent(
                patient_id=patient.patient_id,
                fact_key=key,
                term="two nights in hospital",
                onset_on=date(2026, 1, 3),
                in_hospital=True,
                serious=True,
                recorded_at=at,
                recorded_by="door",
            )
        )
        subject = f"patient:{patient.patient_id}"
        audit.record(session, by="door", at=at, action="answers.sent", subject=subject)
    return f"/patients/{patient.study_number}/reports/{key}"


def test_what_a_patient_told_becomes_an_event(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    address = told(registry, patient)
    nurse = sign_in("nurse")
    assert "two nights in hospital" in text_of(nurse.get("/?kind=event").text)
    page = nurse.fill(address, {}, status=422)
    assert "Choose: what is it?" in text_of(page.text)
    nurse.send(page, {"decision": "new", "term": "Pneumonia"})
    with reading(registry) as session:
        event = session.scalars(select(AdverseEvent)).one()
        report = session.scalars(select(ReportedEvent).where(known(ReportedEvent))).one()
    assert (event.term, event.serious_because) == ("Pneumonia", ["hospital"])
    assert (report.state, report.adverse_event_key) == ("confirmed", event.fact_key)
    assert "Nothing needs doing here" in text_of(nurse.get("/").text)


def test_what_a_patient_told_is_known_or_none(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    first, second = told(registry, patient), told(registry, patient, "k2")
    nurse = sign_in("nurse")
    nurse.fill(f"/patients/{patient.study_number}/events/new", EVENT)
    with reading(registry) as session:
        key = session.scalars(select(AdverseEvent.fact_key)).one()
    assert "1 day earlier" in text_of(nurse.get(first).text)
    nurse.fill(first, {"decision": "link", "event": key})
    page = nurse.fill(second, {"decision": "reject"}, status=422)
    assert "Enter why it is not an adverse event" in text_of(page.text)
    nurse.send(page, {"reason": "a planned stay"})
    page = nurse.fill(second, {"decision": "reject", "reason": "again"}, status=409)
    assert "Somebody judged this report already" in text_of(page.text)
    nurse.fill(f"{second}/reopen", {"reason": "not planned after all"})
    with reading(registry) as session:
        states = session.scalars(
            select(ReportedEvent.state).where(known(ReportedEvent)).order_by(ReportedEvent.fact_key)
        ).all()
    assert states == ["confirmed", "waiting"]


def test_further_treatment_is_recorded(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}"

    def day(name: str) -> dict[str, str]:
        return {f"{name}-day": "4", f"{name}-month": "1", f"{name}-year": "2026"}

    nurse.fill(f"{address}/courses/new", day("started_on") | {"cell_source": "bone_marrow"})
    nurse.fill(f"{address}/administrations/new", day("given_on") | {"route": "intrathecal"})
    data = day("observed_on") | {"item": "temperature_max", "value": "38.2", "course_number": "2"}
    nurse.fill(f"{address}/observations/new", data)
    page = text_of(nurse.get(address).text)
    for words in ("Course 2 4 January 2026", "Bone marrow", "intrathecal", "38.2"):
        assert words in page


def test_a_demonstrations_clock_is_moved_from_its_pages(registry: Runtime) -> None:
    spans: list[timedelta] = []
    with transaction(registry) as session:
        session.get_one(Instance, 1).demo_now = registry.clock.now()
    app = create_app(registry, hasher=CHEAP, advance=spans.append)
    nurse = Staff(app).sign_in(member(registry, "nurse"))
    home = nurse.get("/").text
    assert "The clock stands at 5 January 2026" in home
    token = home.split('name="csrf_token" value="')[1].split('"')[0]
    for address in ("/demo/day", "/demo/month"):
        assert nurse.client.post(address, data={"csrf_token": token}).status_code == 303
    assert spans == [timedelta(days=1), timedelta(days=30)]


def test_a_registry_has_no_clock_to_move(app: Flask) -> None:
    assert app.test_client().post("/demo/day").status_code == 404
