"""A questionnaire that staff enter: by telephone, from paper, on the tablet; and corrected."""

from collections.abc import Callable
from datetime import date

import pytest
from factories import a_patient, follow_up_of
from functional.staff_visitor import Staff, form_of, text_of
from post import run
from sqlalchemy import select

from registry import audit_facts
from registry.actions import endings, responses
from registry.actions.enrolment import Enrolled
from registry.actions.responses import Entry
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.mail import MemoryMailer
from registry.models import Alert, Answer, FollowUp, OutcomeValue, Response, ResponseStatus, known
from registry.queries import protocols
from registry.runtime import Runtime

SignIn = Callable[..., Staff]
WELL = {
    "overall_change": "better", "medicines": ["none"], "work": "retired", "hospital": "no",
    "new_problems": "no", "may_call": "no", "pregnancy": "no",
}  # fmt: skip


def enter(
    nurse: Staff, patient: Enrolled, month: int, wanted: dict[str, object], mode: str = "phone"
) -> str:
    """Enter every section up to the review; gives the review's address."""
    start = f"/patients/{patient.study_number}/questionnaires/{month}"
    sent = nurse.fill(start, {"mode": mode, "respondent": "self"})
    for _ in range(20):
        address = sent.headers["Location"]
        if "/review" in address:
            return address
        page = nurse.get(address)
        boxes = form_of(page.text)
        kept = {"csrf_token", "once", "mode", "respondent"}
        data = {name: wanted.get(name, "2") for name in boxes if name not in kept}
        sent = nurse.send(page, data)
    raise AssertionError("the questionnaire does not end")


@pytest.mark.parametrize("mode", ["phone", "paper", "tablet"])
def test_a_questionnaire_is_entered_and_closes_the_follow_up(
    registry: Runtime, sign_in: SignIn, mode: str
) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    review = enter(nurse, patient, 1, WELL, mode)
    nurse.fill(review, {})
    with reading(registry) as session:
        response = session.scalars(select(Response)).one()
        assert (response.mode, response.month) == (mode, 1)
        status = session.scalars(select(ResponseStatus).where(known(ResponseStatus))).one()
        assert status.status == "complete"
        assert session.get_one(FollowUp, response.follow_up_id).state == "answered"


@pytest.mark.parametrize("fatigue", [2, 5])
def test_what_was_begun_on_the_web_and_comes_on_paper_is_a_paper_form(
    registry: Runtime, sign_in: SignIn, fatigue: int
) -> None:
    patient = a_patient(registry)
    follow_up = follow_up_of(registry, patient.patient_id, 1)
    who = {"by": "door", "at": registry.clock.now()}
    with transaction(registry) as session:
        rules = protocols.in_force(session).protocol
        responses.save(session, follow_up.id, {"fatigue": fatigue}, rules, Entry("web"), **who)
    nurse = sign_in("nurse")
    nurse.fill(enter(nurse, patient, 1, WELL, "paper"), {})
    with reading(registry) as session:
        assert session.scalars(select(Response.mode)).all() == ["paper"]
        assert audit_facts.verify(session).first == []
    page = text_of(nurse.get(f"/patients/{patient.study_number}").text)
    assert "5 January 2026, paper" in page


def test_month_0_is_entered_and_has_no_change_question(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    nurse.fill(enter(nurse, patient, 0, WELL, "tablet"), {})
    with reading(registry) as session:
        assert session.scalars(select(Response.month)).all() == [0]
        asked = set(session.scalars(select(Answer.question)))
        assert "overall_change" not in asked
        assert "fatigue" in asked


def test_a_severe_answer_shows_advice_on_the_next_page_and_raises_an_alert(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    base = f"/patients/{patient.study_number}/questionnaires/1"
    page = nurse.get(f"{base}/symptoms?mode=phone&respondent=self")
    data = {name: "1" for name in form_of(page.text) if name not in {"csrf_token", "once"}}
    sent = nurse.client.post(
        f"{base}/symptoms?mode=phone&respondent=self",
        data=form_of(page.text) | data | {"chest_pain": "9"},
    )
    following = nurse.follow(sent)
    assert "112" in text_of(following.text)
    assert "Read this to the patient now" in text_of(following.text)
    with reading(registry) as session:
        assert session.scalars(select(Alert.question)).all() == ["chest_pain"]


def test_a_paper_form_counts_on_its_own_day(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry, treated_on=date(2025, 12, 1))
    nurse = sign_in("nurse")
    review = enter(nurse, patient, 1, WELL, "paper")
    day = {"answered_on-day": "2", "answered_on-month": "1", "answered_on-year": "2026"}
    nurse.fill(review, day)
    with reading(registry) as session:
        status = session.scalars(select(ResponseStatus).where(known(ResponseStatus))).one()
        assert status.answered_on == date(2026, 1, 2)


@pytest.mark.parametrize(("day", "state"), [("2", "answered"), ("", "answered_late")])
def test_a_paper_form_is_entered_long_after_the_link_ended(
    registry: Runtime,
    sign_in: SignIn,
    clock: FixedClock,
    day: str,
    state: str,
) -> None:
    patient = a_patient(registry, treated_on=date(2025, 12, 1))
    clock.advance(days=200)
    run(registry, MemoryMailer())
    nurse = sign_in("nurse")
    shown = nurse.get(f"/patients/{patient.study_number}")
    assert f"/patients/{patient.study_number}/questionnaires/1" in shown.text
    review = enter(nurse, patient, 1, WELL, "paper")
    dated = {"answered_on-day": day, "answered_on-month": "1", "answered_on-year": "2026"}
    nurse.fill(review, dated if day else {})
    assert follow_up_of(registry, patient.patient_id, 1).state == state
    page = nurse.get(f"/patients/{patient.study_number}/questionnaires/1/review", status=409)
    assert "was sent already" in text_of(page.text)


def test_answers_of_somebody_who_left_are_refused_in_words(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    review = enter(nurse, patient, 1, WELL, "paper")
    opened = nurse.get(review)
    with transaction(registry) as session:
        at = registry.clock.now()
        endings.withdraw(session, patient.patient_id, at.date(), by="nurse", at=at)
    for page in (nurse.send(opened, {}, status=409), nurse.get(review, status=409)):
        assert "it was called off, for the patient left" in text_of(page.text)


def test_a_sent_answer_is_corrected_with_a_reason_and_the_old_one_stays(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    nurse.fill(enter(nurse, patient, 1, WELL), {})
    address = f"/patients/{patient.study_number}/questionnaires/1/correct/overall"
    without = nurse.fill(address, {"overall_change": "worse"}, status=422)
    assert "why it is corrected" in without.text
    nurse.fill(address, {"overall_change": "worse", "reason": "Misheard on the telephone"})
    with reading(registry) as session:
        versions = session.scalars(
            select(Answer).where(Answer.question == "overall_change").order_by(Answer.id)
        ).all()
        assert [row.value for row in versions] == ["better", "worse"]
        assert [row.reason for row in versions] == [None, "Misheard on the telephone"]
        outcome = select(OutcomeValue.value).where(
            OutcomeValue.code == "responder", known(OutcomeValue)
        )
        assert session.scalars(outcome).one() == 0


def test_a_correction_over_somebody_elses_is_refused(registry: Runtime, sign_in: SignIn) -> None:
    patient = a_patient(registry)
    nurse, colleague = sign_in("nurse"), sign_in("data_manager")
    nurse.fill(enter(nurse, patient, 1, WELL), {})
    address = f"/patients/{patient.study_number}/questionnaires/1/correct/overall"
    stale = nurse.get(address)
    colleague.fill(address, {"overall_change": "worse", "reason": "Misheard"})
    late = nurse.send(stale, {"overall_change": "same", "reason": "Heard anew"}, status=409)
    assert "Somebody changed this after you opened the page" in text_of(late.text)
    again = nurse.send(late, {"overall_change": "same", "reason": "Heard anew"}, status=409)
    assert "Nothing was saved" in text_of(again.text)
    with reading(registry) as session:
        current = select(Answer.value).where(Answer.question == "overall_change", known(Answer))
        assert session.scalars(current).one() == "worse"
    nurse.fill(address, {"overall_change": "same", "reason": "Heard anew"})


def test_what_is_missing_is_told_and_nothing_of_the_page_is_kept(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}/questionnaires/1/overall"
    told = nurse.fill(f"{address}?mode=phone&respondent=self", {}, status=422)
    assert "There is a problem" in told.text
    with reading(registry) as session:
        assert session.scalars(select(Answer)).all() == []
    assert follow_up_of(registry, patient.patient_id, 1).state == "planned"
