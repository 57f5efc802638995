"""Home: what needs doing, at whose sites, in which order; and whether mail is going out."""

from datetime import date, timedelta
from typing import Any

from factories import a_patient, a_person, a_site
from flask import Flask
from functional.conftest import SignIn
from functional.staff_visitor import Staff, form_of, member, text_of
from sqlalchemy import select

from registry import audit
from registry.actions import heartbeats, outreach
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import transaction
from registry.models import Alert, FollowUp, MailHold, OutboxEmail, ReportedEvent
from registry.runtime import Runtime


def add(registry: Runtime, patient: Enrolled, row: Any) -> None:
    """A row that the door or a job wrote."""
    with transaction(registry) as session:
        session.add(row)
        subject = f"patient:{patient.patient_id}"
        audit.record(session, by="test", at=registry.clock.now(), action="t", subject=subject)


def stamp(registry: Runtime) -> dict[str, Any]:
    return {"recorded_at": registry.clock.now(), "recorded_by": "test"}


def an_alert(registry: Runtime, patient: Enrolled, message: str = "Severe fever") -> None:
    with transaction(registry) as session:
        site_id = session.scalars(select(FollowUp.site_id)).first() or 0
    of_one = {"patient_id": patient.patient_id, "site_id": site_id, "kind": "fever"}
    due_at = registry.clock.now() + timedelta(hours=24)
    add(registry, patient, Alert(message=message, due_at=due_at, **of_one, **stamp(registry)))


def open_due(registry: Runtime) -> None:
    """Begin what is due, as the job does."""
    with transaction(registry) as session:
        at = registry.clock.now()
        outreach.queue_due(session, settings=registry.settings, by="worker", at=at)


def home(browser: Staff, query: str = "") -> str:
    return text_of(browser.get(f"/{query}").text)


def test_an_empty_worklist_says_what_would_stand_there(sign_in: SignIn) -> None:
    assert "Nothing needs doing here" in home(sign_in("nurse"))


def test_only_ones_own_sites(registry: Runtime, app: Flask, sign_in: SignIn) -> None:
    mine, theirs = a_patient(registry, "A"), a_patient(registry, "B")
    an_alert(registry, mine, "Mine")
    an_alert(registry, theirs, "Theirs")
    said = home(sign_in("nurse"))
    assert "Mine" in said
    assert "Theirs" not in said
    assert "All 1 Alerts 1" in said
    everywhere = home(Staff(app).sign_in(member(registry, "nurse", site=None)))
    assert "All 2 Alerts 2" in everywhere


def test_silence_becomes_a_call_on_the_protocols_day(
    registry: Runtime, sign_in: SignIn, clock: FixedClock
) -> None:
    patient = a_patient(registry, treated_on=date(2025, 12, 5))
    open_due(registry)
    nurse = sign_in("nurse")
    clock.advance(days=8)
    nurse.sign_in(member(registry, "nurse"))
    assert "Call: no answer" not in home(nurse)
    clock.advance(days=1)
    nurse.sign_in(member(registry, "nurse"))
    assert "Call: no answer to month 1" in home(nurse)
    address = f"/patients/{patient.study_number}/calls/1"
    nurse.fill(address, {"code": "no_contact"})
    assert "Tried once." in home(nurse)
    assert "Call due" in text_of(nurse.get(f"/patients/{patient.study_number}").text)
    nurse.fill(address, {"code": "refused"})
    assert "Call: no answer" not in home(nurse)


def test_a_patient_without_an_address_is_called_at_once(registry: Runtime, sign_in: SignIn) -> None:
    person = a_person(email=None)
    a_patient(registry, treated_on=date(2025, 12, 5), person=person)
    open_due(registry)
    assert "Call: no answer to month 1 No letter: no e-mail address on file." in home(
        sign_in("nurse")
    )


def test_an_address_that_fails_is_put_right(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    since = registry.clock.now().date()
    hold = MailHold(
        patient_id=patient.patient_id, kind="undeliverable", since=since, **stamp(registry)
    )
    add(registry, patient, hold)
    nurse = sign_in("nurse")
    assert "Address: mail cannot be delivered" in home(nurse, "?kind=address")
    number = patient.study_number
    data = {"email": "right@example.org", "reason": "a slip of the pen"}
    nurse.fill(f"/patients/{number}/identity", data)
    assert "Let letters go again" in text_of(nurse.get(f"/patients/{number}").text)
    nurse.fill(f"/patients/{number}/holds/undeliverable", {})
    assert "Nothing needs doing here" in home(nurse)


def test_what_is_serious_and_overdue_comes_first(
    registry: Runtime, sign_in: SignIn, clock: FixedClock
) -> None:
    patient = a_patient(registry)
    told = {"patient_id": patient.patient_id, "serious": False}
    add(registry, patient, ReportedEvent(term="a cold", **told, **stamp(registry)))
    clock.advance(days=8)
    an_alert(registry, patient)
    clock.advance(hours=25)
    told["serious"] = True
    add(registry, patient, ReportedEvent(term="a fall", **told, **stamp(registry)))
    said = home(sign_in("nurse"))
    places = [said.index(what) for what in ("Alert: Severe fever", "“a cold”", "“a fall”")]
    assert places == sorted(places)
    assert said.index("Overdue 2 shown") < said.index("“a cold”")


def test_a_long_list_comes_in_pages(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    for number in range(30):
        an_alert(registry, patient, f"Alert number {number}")
    nurse = sign_in("nurse")
    assert "Showing 1 to 25 of 30" in home(nurse)
    assert "Showing 26 to 30 of 30" in home(nurse, "?from=26")
    assert home(nurse, "?from=-3").count("Nobody yet") == 25


def test_letters_that_do_not_go_raise_a_banner(
    registry: Runtime, app: Flask, sign_in: SignIn, clock: FixedClock
) -> None:
    a_patient(registry, treated_on=date(2025, 12, 5))
    open_due(registry)
    nurse = sign_in("nurse")
    assert "Mail is not going out" not in home(nurse)
    clock.advance(minutes=14)
    home(nurse)
    clock.advance(minutes=2)
    said = home(nurse)
    assert "Mail is not going out 1 letter should have gone" in said
    admin = Staff(app).sign_in(member(registry, "administrator", site=None))
    assert "Look at the outbox" in home(admin)
    assert app.test_client().get("/readyz").get_json() == {"status": "ok", "degraded": ["mail"]}


def test_a_job_that_stopped_raises_a_banner(
    registry: Runtime, sign_in: SignIn, clock: FixedClock
) -> None:
    with transaction(registry) as session:
        heartbeats.beat(session, error="no route to mail", by="send_due", at=clock.now())
    assert "The last try to send ended with: no route to mail" in home(sign_in("nurse"))
    with transaction(registry) as session:
        heartbeats.beat(session, error=None, by="send_due", at=clock.now())
    clock.advance(minutes=16)
    assert "Nothing has looked for letters" in home(sign_in("nurse"))


def test_mail_of_today_is_counted(registry: Runtime, sign_in: SignIn) -> None:
    a_patient(registry, treated_on=date(2025, 12, 5))
    open_due(registry)
    assert "Still to go 1" in home(sign_in("nurse"))
    with transaction(registry) as session:
        letter = session.scalars(select(OutboxEmail)).one()
        letter.state, letter.ended_at = "sent", registry.clock.now()
        at = registry.clock.now()
        audit.record(session, by="test", at=at, action="letter.sent", subject="outbox")
    assert "Sent today 1 Still to go 0" in home(sign_in("nurse"))


def test_who_sees_no_patient_has_another_home(registry: Runtime, sign_in: SignIn) -> None:
    an_alert(registry, a_patient(registry))
    for role in ("analyst", "auditor", "administrator"):
        said = home(sign_in(role))
        assert "What your role shows you" in said
        assert "Severe fever" not in said


def test_a_data_manager_sees_what_the_care_team_has_to_do(
    registry: Runtime, sign_in: SignIn
) -> None:
    an_alert(registry, a_patient(registry))
    page = sign_in("data_manager").get("/")
    assert "for the care team" in text_of(page.text)


def test_every_form_of_the_record_has_its_tokens(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    a_site(registry, "B")
    page = sign_in("nurse").get(f"/patients/{patient.study_number}/death")
    form = form_of(page.text)
    assert form["csrf_token"][0]
    assert len(form["once"][0]) >= 32
