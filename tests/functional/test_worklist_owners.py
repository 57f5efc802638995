"""The worklist in a team: who a row is about, who has taken it on, and which rows are chosen."""

import re
from datetime import date

from factories import a_patient, a_person
from flask import Flask
from functional.conftest import SignIn
from functional.staff_visitor import Staff, form_of, member, text_of
from functional.test_worklist import add, an_alert, open_due, stamp
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import accounts
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.models import Alert, AuditEvent, MailHold, ReportedEvent, Site
from registry.runtime import Runtime


def one_of_each(registry: Runtime, site: str = "A") -> Enrolled:
    """A patient with an alert, an event in words, a call to make and an address that fails."""
    person = a_person(name="Ada van Invented", email=None, birth_date=date(1979, 3, 2))
    patient = a_patient(registry, site, treated_on=date(2025, 12, 5), person=person)
    open_due(registry)
    an_alert(registry, patient)
    told = {"patient_id": patient.patient_id, **stamp(registry)}
    add(
        registry,
        patient,
        ReportedEvent(term="a cold", fact_key=f"cold-{patient.study_number}", **told),
    )
    since = registry.clock.now().date()
    add(registry, patient, MailHold(kind="undeliverable", since=since, **told))
    return patient


def events_of(registry: Runtime, action: str) -> list[AuditEvent]:
    with reading(registry) as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def test_a_row_tells_initials_and_birth_year_to_the_care_team(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = one_of_each(registry)
    said = text_of(sign_in("nurse").get("/").text)
    assert said.count(f"{patient.study_number} A. V. I., born 1979") == 4
    assert "Ada" not in said
    assert "1979" not in text_of(sign_in("data_manager").get("/").text)


def test_reading_the_list_is_one_line_in_the_readers_own_chain(
    registry: Runtime, sign_in: SignIn
) -> None:
    those = [one_of_each(registry), one_of_each(registry)]
    sign_in("data_manager").get("/")
    assert events_of(registry, "identity.listed") == []
    sign_in("nurse").get("/")
    (line,) = events_of(registry, "identity.listed")
    wanted = {f"patient:{one.patient_id}" for one in those} | {"worklist.home"}
    assert set(line.changes) == wanted
    assert line.subject.startswith("user:")


def test_every_kind_is_taken_given_back_and_taken_over(
    registry: Runtime, app: Flask, sign_in: SignIn
) -> None:
    patient = one_of_each(registry)
    ann, ben = sign_in("nurse"), sign_in("clinician")
    where = f"/patients/{patient.study_number}/tasks"
    tasks = [
        f"{where}/alert/1",
        f"{where}/event/cold-{patient.study_number}",
        f"{where}/call/1",
        f"{where}/address/undeliverable",
    ]
    for number, task in enumerate(tasks):
        home = ann.get("/")
        assert text_of(home.text).count("Nobody yet") == 4 - number
        ann.follow(ann.send(home, {}, action=f"{task}/take"))
    said = text_of(ann.get("/?owner=mine").text)
    assert said.count("You Give back") == 4
    assert "Mine 4 Nobody's yet 0" in said
    assert "Everybody's 4 Mine 0 Nobody's yet 0" in text_of(ben.get("/").text)
    for task in tasks[:2]:
        ben.send(ben.get("/"), {}, action=f"{task}/take")
    said = text_of(ann.get("/").text)
    assert said.count("You Give back") == 2
    assert len(re.findall(r"Sam Staff\d+ Take over", said)) == 2
    for task in tasks[2:]:
        ann.send(ann.get("/"), {}, action=f"{task}/give_back")
    assert "Everybody's 4 Mine 0 Nobody's yet 2" in text_of(ann.get("/").text)
    assert len(events_of(registry, "task.taken")) == 6
    assert len(events_of(registry, "task.given_back")) == 2
    with reading(registry) as session:
        assert audit.verify(session).broken is None


def test_two_who_take_the_same_at_once(registry: Runtime, sign_in: SignIn) -> None:
    patient = one_of_each(registry)
    ann, ben = sign_in("nurse"), sign_in("clinician")
    at_ann, at_ben = ann.get("/"), ben.get("/")
    task = f"/patients/{patient.study_number}/tasks/call/1"
    ann.send(at_ann, {}, action=f"{task}/take")
    refused = ben.send(at_ben, {}, action=f"{task}/take", status=409)
    assert "has taken this on a moment ago" in text_of(refused.text)
    wrong = ben.client.post(f"{task}/give_back", data=form_of(at_ben.text, task))
    assert wrong.status_code == 409
    assert "You Give back" in text_of(ann.get("/").text)


def test_what_is_done_cannot_be_taken(registry: Runtime, sign_in: SignIn) -> None:
    patient = one_of_each(registry)
    nurse = sign_in("nurse")
    home = nurse.get("/")
    with transaction(registry) as session:
        at = registry.clock.now()
        session.scalars(select(Alert)).one().closed_at = at
        audit.record(session, by="test", at=at, action="alert.closed", subject="patient:1")
    gone = nurse.send(
        home, {}, action=f"/patients/{patient.study_number}/tasks/alert/1/take", status=404
    )
    assert "somebody has done it" in text_of(gone.text)


def test_a_new_trouble_of_an_old_name_is_nobodys(
    registry: Runtime, sign_in: SignIn, clock: FixedClock, app: Flask
) -> None:
    patient = one_of_each(registry)
    nurse = sign_in("nurse")
    task = f"/patients/{patient.study_number}/tasks/address/undeliverable"
    nurse.send(nurse.get("/"), {}, action=f"{task}/take")
    nurse.fill(f"/patients/{patient.study_number}/holds/undeliverable", {})
    clock.advance(days=1)
    since = clock.now().date()
    told = {"patient_id": patient.patient_id, **stamp(registry)}
    add(registry, patient, MailHold(kind="undeliverable", since=since, **told))
    nurse.sign_in(member(registry, "nurse"))
    assert "Nobody yet Take" in text_of(nurse.get("/?kind=address").text)


def test_the_choice_stays_in_the_address(registry: Runtime, app: Flask) -> None:
    here, there = one_of_each(registry, "A"), one_of_each(registry, "B")
    nurse = Staff(app).sign_in(member(registry, "nurse", site=None))
    page = nurse.get("/?kind=call&site=B")
    said = text_of(page.text)
    assert there.study_number in said
    assert here.study_number not in said
    assert "All 4 Alerts 1 Events to look at 1 Calls 1 Addresses 1" in said
    assert 'href="/?kind=alert&amp;site=B"' in page.text
    assert 'href="/?kind=call&amp;owner=mine&amp;site=B"' in page.text
    sent = nurse.send(page, {}, action=f"/patients/{there.study_number}/tasks/call/1/take")
    assert sent.headers["Location"] == "/?kind=call&site=B"
    assert "There are 8 tasks in all." in text_of(nurse.get("/?site=A&owner=mine").text)
    assert "8 to do" in text_of(nurse.get("/?kind=nonsense&site=Z").text)


def test_a_long_list_keeps_its_choice_from_page_to_page(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    for number in range(30):
        an_alert(registry, patient, f"Alert number {number}")
    page = sign_in("nurse").get("/?kind=alert&owner=nobody")
    assert 'href="/?kind=alert&amp;owner=nobody&amp;from=26"' in page.text


def test_only_the_care_team_of_the_site_takes_things_on(registry: Runtime, sign_in: SignIn) -> None:
    patient = one_of_each(registry)
    page = sign_in("data_manager").get("/").text
    assert "/tasks/" not in page
    assert text_of(page).count("Nobody yet") == 4
    assert patient.study_number in page


def test_an_alert_taken_on_its_own_page_has_its_owner_everywhere(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = one_of_each(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}/alerts/1"
    page = nurse.get(address)
    sent = nurse.client.post(address, data=form_of(page.text, address) | {"take": ["yes"]})
    assert sent.status_code == 303
    assert "Taken on by Sam Staff" in text_of(nurse.get(address).text)
    assert "You Give back" in text_of(nurse.get("/?kind=alert").text)
    assert "Close alert" in text_of(nurse.get(f"/patients/{patient.study_number}").text)


def test_the_history_of_a_patient_knows_who_saw_them_in_a_list(
    registry: Runtime, sign_in: SignIn
) -> None:
    here, other = one_of_each(registry), one_of_each(registry)
    absent = a_patient(registry)
    nurse = sign_in("nurse")
    nurse.get("/")
    page = nurse.get(f"/patients/{here.study_number}/history")
    assert "identity: listed worklist.home none given reader's chain" in text_of(page.text)
    assert f"patient:{other.patient_id}" not in page.text
    told = text_of(nurse.get(f"/patients/{absent.study_number}/history").text)
    assert "identity: listed" not in told
    auditor = sign_in("auditor", site=None)
    found = text_of(auditor.get(f"/audit?subject={here.study_number}").text)
    assert "identity.listed" in found


def test_who_a_row_is_about_depends_on_the_role_at_its_site(registry: Runtime, app: Flask) -> None:
    here, there = one_of_each(registry, "A"), one_of_each(registry, "B")
    user = member(registry, "nurse", site="A")
    with transaction(registry) as session:
        grants = [("nurse", site_id(session, "A")), ("data_manager", site_id(session, "B"))]
        accounts.set_roles(session, user.id, grants, by="test", at=registry.clock.now())
    browser = Staff(app).sign_in(user)
    mine, theirs = (text_of(browser.get(f"/?site={site}").text) for site in "AB")
    assert f"{here.study_number} A. V. I., born 1979" in mine
    assert there.study_number in theirs
    assert "1979" not in theirs
    assert theirs.count("for the care team") == 4
    assert f"/patients/{there.study_number}/tasks/" not in browser.get("/").text
    (line, *_) = events_of(registry, "identity.listed")
    assert f"patient:{there.patient_id}" not in line.changes


def site_id(session: Session, code: str) -> int:
    return session.scalars(select(Site.id).where(Site.code == code)).one()
