"""The patient door, as a patient meets it: link, pages, saving, advice, sending, leaving."""

from datetime import date

import pytest
from factories import a_patient, a_site, follow_up_of
from functional.applications import door_app
from functional.door_visitor import Form, Visitor, filled, title
from sqlalchemy import func, select

from registry import audit, tokens
from registry.actions import preferences
from registry.clock import FixedClock
from registry.db import Base, reading, transaction
from registry.models import (
    Alert,
    Answer,
    AuditEvent,
    FollowUp,
    Instance,
    MailHold,
    OutboxEmail,
    OutcomeValue,
    ReportedEvent,
    Response,
    ResponseStatus,
    SurveyLink,
    Withdrawal,
    known,
)
from registry.runtime import Runtime
from surveys.lifecycle import FollowUpState

NOTHING_NEW = {"new_problems": "no", "hospital": "no", "medicines": "none", "work": "retired"}
WELL = NOTHING_NEW | {"overall_change": "better"}


def open_follow_up(registry: Runtime, month: int = 1) -> tuple[FollowUp, str]:
    """A patient whose questionnaire of that month has been mailed; with the link's token."""
    patient = a_patient(registry)
    follow_up = follow_up_of(registry, patient.patient_id, month)
    return follow_up, link_to(registry, follow_up)


def link_to(registry: Runtime, follow_up: FollowUp, number: int = 0) -> str:
    at = registry.clock.now()
    with transaction(registry) as session:
        instance = session.get_one(Instance, 1).instance_id
        token = tokens.survey_token(registry.settings.token_keys, 1, instance, follow_up.id, number)
        session.add(
            SurveyLink(
                follow_up_id=follow_up.id,
                number=number,
                key_version=1,
                token_sha256=tokens.digest(token),
                made_at=at,
            )
        )
        row = session.get_one(FollowUp, follow_up.id)
        row.state, row.opened_at = FollowUpState.OPEN.value, at
        session.add(
            OutboxEmail(
                kind="reminder",
                patient_id=row.patient_id,
                follow_up_id=row.id,
                number=9 + number,
                template="reminder",
                queued_at=at,
                next_attempt_at=at,
            )
        )
        audit.record(
            session, by="test", at=at, action="opened", subject=f"patient:{row.patient_id}"
        )
    return token


@pytest.fixture
def visitor(registry: Runtime) -> Visitor:
    app = door_app(registry)
    app.testing = True
    return Visitor(app.test_client())


def everything(registry: Runtime) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with reading(registry) as session:
        return {
            name: [tuple(row) for row in session.execute(select(table))]
            for name, table in Base.metadata.tables.items()
        }


def only(registry: Runtime, model: type[Base]) -> list[Base]:
    with reading(registry) as session:
        return list(session.scalars(select(model)))


def test_answering_from_link_to_thanks(registry: Runtime, visitor: Visitor) -> None:
    follow_up, token = open_follow_up(registry)
    last = visitor.answer_all(visitor.enter(token), WELL)
    review = visitor.page(last)
    assert "Check your answers" in title(review)
    assert "Better" in review.text
    thanks = visitor.page(visitor.send())
    assert "Thank you" in thanks.text
    assert "29 March 2026" in thanks.text
    with reading(registry) as session:
        kept = session.get_one(FollowUp, follow_up.id)
        assert kept.state == "answered"
        status = session.scalars(select(ResponseStatus).where(known(ResponseStatus))).one()
        assert (status.status, status.answered_on) == ("complete", date(2026, 1, 5))
        outcomes = {row.code: row.value for row in session.scalars(select(OutcomeValue))}
        assert outcomes["responder"] == 1
        response = session.scalars(select(Response)).one()
        assert (response.mode, response.respondent, response.consent_version) == (
            "web",
            "self",
            "1",
        )
        assert session.scalars(select(OutboxEmail.state)).all() == ["cancelled"]
        assert audit.verify(session).broken is None


def test_get_and_head_change_nothing(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    first = visitor.enter(token)
    before = everything(registry)
    addresses = (
        f"/s/{token}",
        first.headers["Location"],
        "/s/review",
        "/s/done",
        "/s/leave",
        "/s/advice/fever",
        "/healthz",
        "/readyz",
    )
    for address in addresses:
        for method in ("GET", "HEAD"):
            assert visitor.client.open(address, method=method).status_code < 400, address
    assert everything(registry) == before


def test_a_link_that_is_only_looked_at_makes_no_response(
    registry: Runtime, visitor: Visitor
) -> None:
    _, token = open_follow_up(registry)
    visitor.page(visitor.enter(token))
    assert only(registry, Response) == []


def test_answers_are_kept_at_every_step_and_found_on_another_device(
    registry: Runtime, visitor: Visitor
) -> None:
    _, token = open_follow_up(registry)
    first = visitor.enter(token)
    form = Form(visitor.page(first).text)
    done = visitor.client.post(
        first.headers["Location"], data=form.hidden | {"overall_change": "same"}
    )
    assert done.status_code == 303
    other = Visitor(visitor.client.application.test_client())
    welcome = other.client.get(f"/s/{token}")
    assert "You have answered 1 questions" in welcome.text
    assert other.enter(token).headers["Location"] == done.headers["Location"]


def test_a_wrong_answer_is_told_and_what_was_typed_stays(
    registry: Runtime, visitor: Visitor
) -> None:
    _, token = open_follow_up(registry)
    first = visitor.enter(token)
    hidden = Form(visitor.page(first).text).hidden
    wrong = visitor.client.post(first.headers["Location"], data=hidden)
    assert wrong.status_code == 422
    assert title(wrong).startswith("Error:")
    assert "There is a problem" in wrong.text
    assert 'href="#overall_change"' in wrong.text
    assert only(registry, Response) == []


@pytest.mark.parametrize("question", ["fever", "chest_pain", "breathlessness", "head"])
def test_urgent_advice_is_the_very_next_page(
    registry: Runtime, visitor: Visitor, question: str
) -> None:
    _, token = open_follow_up(registry)
    first = visitor.enter(token)
    hidden = Form(visitor.page(first).text).hidden
    done = visitor.client.post(f"/s/q/{question}", data=hidden | {question: "9"})
    assert done.headers["Location"] == f"/s/advice/{question}"
    advice = visitor.page(done)
    assert "+49 30 5550100" in advice.text
    assert "Monday to Friday, 9 to 16 h" in advice.text
    assert "112" in advice.text
    (alert,) = only(registry, Alert)
    assert isinstance(alert, Alert)
    assert alert.question == question


def test_urgent_question_stands_alone(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    visitor.enter(token)
    form = Form(visitor.client.get("/s/q/fever").text)
    assert list(form.choices) == ["fever"]


def test_new_health_problems_wait_for_the_clinic(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    wanted = WELL | {
        "new_problems": "yes",
        "problem_what_1": "Shingles on the back",
        "problem_severity_1": "severe",
        "problem_hospital_1": "stayed",
        "problem_another_1": "no",
        "problem_when_1-year": "2026",
        "problem_when_1-month": "1",
        "problem_when_1-day": "2",
    }
    visitor.answer_all(visitor.enter(token), wanted)
    visitor.send()
    (event,) = only(registry, ReportedEvent)
    assert isinstance(event, ReportedEvent)
    assert (event.term, event.onset_on, event.grade, event.serious, event.state) == (
        "Shingles on the back",
        date(2026, 1, 2),
        3,
        True,
        "waiting",
    )
    assert "herpes_zoster" in event.categories


def test_sending_twice_gives_one_response(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    visitor.answer_all(visitor.enter(token), WELL)
    visitor_form = Form(visitor.client.get("/s/review").text).hidden
    for _ in range(3):
        again = visitor.client.post("/s/review", data=visitor_form)
        assert again.headers["Location"] == "/s/done"
    with reading(registry) as session:
        assert session.scalar(select(func.count()).select_from(Response)) == 1
        sent = select(func.count()).where(AuditEvent.action == "answers.sent")
        assert session.scalar(sent) == 1


def test_after_sending_nothing_of_the_answers_is_shown(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    visitor.answer_all(visitor.enter(token), WELL)
    visitor.send()
    again = visitor.client.get(f"/s/{token}")
    assert "already answered" in again.text
    assert "5 January 2026" in again.text
    for address in ("/s/q/overall_change", "/s/review"):
        page = visitor.client.get(address)
        assert "Better" not in page.text


def test_unknown_links_all_read_the_same(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    with transaction(registry) as session:
        session.scalars(select(SurveyLink)).one().revoked_at = registry.clock.now()
    wrong = (token, "x", "A" * 43, token[:-1], f"{token}=", "../../etc/passwd", "%00", "a" * 5000)
    pages = {visitor.client.get(f"/s/{each}").data for each in wrong}
    pages |= {visitor.client.get(f"/u/{each}").data for each in (*wrong, "1.1.x", "9.1.abc", "1.x")}
    pages |= {visitor.client.get(each).data for each in ("/", "/patients", "/s/", "/s/q/", "/x/y")}
    statuses = {visitor.client.get(f"/s/{each}").status_code for each in wrong}
    assert statuses == {404}
    assert len(pages) == 1


def test_the_link_works_until_thirty_days_after_the_window(
    registry: Runtime, visitor: Visitor, clock: FixedClock
) -> None:
    follow_up, token = open_follow_up(registry)
    clock.advance(days=(follow_up.link_ends_on - date(2026, 1, 5)).days)
    assert "How have you been?" in visitor.client.get(f"/s/{token}").text
    visitor.answer_all(visitor.enter(token), WELL)
    visitor.send()
    assert only(registry, FollowUp)[0].__dict__["state"] == "answered_late"
    follow_up, token = open_follow_up(registry)
    clock.move_to(clock.now().replace(year=2027))
    over = visitor.client.get(f"/s/{token}")
    assert over.status_code == 200
    assert "The time for these questions is over" in over.text


def test_leaving_the_registry_cancels_what_is_planned(registry: Runtime, visitor: Visitor) -> None:
    follow_up, token = open_follow_up(registry)
    visitor.enter(token)
    form = Form(visitor.client.get("/s/leave").text)
    left = visitor.client.post("/s/leave", data=form.hidden | {"reason": "No more time"})
    assert "You have left the follow-up" in left.text
    (withdrawal,) = only(registry, Withdrawal)
    assert isinstance(withdrawal, Withdrawal)
    assert (withdrawal.scope, withdrawal.why) == ("registry", "No more time")
    states = {row.__dict__["state"] for row in only(registry, FollowUp)}
    assert states == {"cancelled"}
    assert "no more questions" in visitor.client.get(f"/s/{token}").text
    assert follow_up.patient_id == withdrawal.patient_id


def test_unsubscribe_in_one_click_without_a_cookie(registry: Runtime, visitor: Visitor) -> None:
    follow_up, _ = open_follow_up(registry)
    with reading(registry) as session:
        instance = session.get_one(Instance, 1).instance_id
    token = tokens.unsubscribe_token(registry.settings.token_keys, 1, instance, follow_up.id)
    before = everything(registry)
    assert visitor.client.get(f"/u/{token}").status_code == 200
    assert everything(registry) == before
    for _ in range(2):
        done = visitor.client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    assert len(only(registry, MailHold)) == 1
    assert only(registry, OutboxEmail)[0].__dict__["state"] == "cancelled"
    assert only(registry, Withdrawal) == []


def test_asking_for_a_new_link(registry: Runtime, visitor: Visitor, clock: FixedClock) -> None:
    follow_up, token = open_follow_up(registry)
    asked = visitor.client.post(f"/s/{token}", data={"action": "new_link"})
    assert "If we have an e-mail address of yours that works" in asked.text
    again = visitor.client.post(f"/s/{token}", data={"action": "new_link"})
    assert "not long ago" in again.text
    with reading(registry) as session:
        assert session.get_one(FollowUp, follow_up.id).link_asked_at == clock.now()


def test_no_link_is_promised_to_somebody_who_has_left(registry: Runtime, visitor: Visitor) -> None:
    follow_up, token = open_follow_up(registry)
    month_3 = follow_up_of(registry, follow_up.patient_id, 3)
    answered = link_to(registry, month_3)
    visitor.answer_all(visitor.enter(answered), WELL)
    visitor.send()
    form = Form(visitor.client.get("/s/leave").text)
    visitor.client.post("/s/leave", data=form.hidden)
    assert "Send me a new link" not in visitor.client.get(f"/s/{token}").text
    asked = visitor.client.post(f"/s/{token}", data={"action": "new_link"})
    assert "There are no more questions for you" in asked.text
    asked = visitor.client.post(f"/s/{answered}", data={"action": "new_link"})
    assert "No questions wait for you now" in asked.text
    assert "You have asked" not in asked.text
    assert not any(row.__dict__["link_asked_at"] for row in only(registry, FollowUp))


def test_no_link_is_promised_to_somebody_who_stopped_the_letters(
    registry: Runtime, visitor: Visitor
) -> None:
    follow_up, token = open_follow_up(registry)
    with transaction(registry) as session:
        preferences.stop_mail(session, follow_up.id, by="door", at=registry.clock.now())
    asked = visitor.client.post(f"/s/{token}", data={"action": "new_link"})
    assert "You have stopped our e-mails" in asked.text
    assert not any(row.__dict__["link_asked_at"] for row in only(registry, FollowUp))


def test_an_address_that_fails_is_neither_hidden_by_a_promise_nor_told_to_a_stranger(
    registry: Runtime, visitor: Visitor
) -> None:
    tokens_ = [open_follow_up(registry), open_follow_up(registry)]
    held = tokens_[0][0].patient_id
    told = {"recorded_at": registry.clock.now(), "recorded_by": "bounces"}
    with transaction(registry) as session:
        since = date(2026, 1, 5)
        session.add(MailHold(patient_id=held, kind="undeliverable", since=since, **told))
        audit.record(session, action="test", subject="mail", at=registry.clock.now(), by="test")
    for _ in ("asked", "asked again"):
        pages = [
            visitor.client.post(f"/s/{token}", data={"action": "new_link"}).text
            for _, token in tokens_
        ]
        assert pages[0].replace(tokens_[0][1], "") == pages[1].replace(tokens_[1][1], "")
        for promise in ("on its way", "have sent"):
            assert promise not in pages[0]
        assert "call Clinic A on +49 30 5550100" in pages[0]


def test_a_visit_ends_after_a_day_and_says_how_to_go_on(
    registry: Runtime, visitor: Visitor, clock: FixedClock
) -> None:
    _, token = open_follow_up(registry)
    first = visitor.enter(token)
    clock.advance(hours=25)
    assert "Open the link in your e-mail again" in visitor.page(first).text


def test_a_form_of_another_visit_is_refused(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    first = visitor.enter(token)
    forged = visitor.client.post(
        first.headers["Location"], data={"overall_change": "same", "csrf_token": "0" * 64}
    )
    assert forged.status_code == 401
    assert only(registry, Answer) == []


def test_no_page_names_illness_treatment_or_speciality(registry: Runtime, visitor: Visitor) -> None:
    a_site(registry, "A")
    _, token = open_follow_up(registry)
    seen = visitor.client.get(f"/s/{token}").text
    response = visitor.enter(token)
    for _ in range(60):
        page = visitor.page(response)
        seen += page.text
        if response.headers["Location"].endswith("/s/review"):
            break
        response = visitor.client.post(
            response.headers["Location"], data=filled(Form(page.text), WELL)
        )
    words = seen.lower()
    for word in ("lupus", "sle", "stem cell", "mesenchymal", "infusion", "rheumat"):
        assert f" {word}" not in words


def test_ten_rules_and_a_strict_policy(registry: Runtime, visitor: Visitor) -> None:
    rules = list(visitor.client.application.url_map.iter_rules())
    assert len(rules) <= 10
    _, token = open_follow_up(registry)
    headers = visitor.client.get(f"/s/{token}").headers
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
