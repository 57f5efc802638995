"""A form that comes when the session is over: nothing is done, nothing that was typed is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from factories import a_patient, vault_of
from flask import Flask
from functional.staff_visitor import PASSWORD, Staff, form_of, member, text_of
from sqlalchemy import select
from werkzeug.test import TestResponse

from registry import audit
from registry.actions import accounts, kept_forms
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.models import AdverseEvent, KeptForm, User
from registry.queries import kept_forms as queries
from registry.runtime import Runtime

TYPED = {"term": "a fall on <ice>", "onset_on-day": "3", "onset_on-month": "1", "grade": "2"}
TOO_LONG = {"minutes": 16}


@pytest.fixture
def nurse(registry: Runtime) -> User:
    return member(registry, "nurse")


def typed(browser: Staff, address: str, data: dict[str, Any]) -> Callable[[], TestResponse]:
    """Opens the page and types; gives what sends the form."""
    filled = form_of(browser.get(address).text) | {name: [text] for name, text in data.items()}
    return lambda: browser.client.post(address, data=filled)


def sign_in_from(browser: Staff, sent: TestResponse, user: User) -> TestResponse:
    """Sign in where the answer leads, and go on from there; gives the page."""
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith("/sign-in?next=")
    page = browser.get(sent.headers["Location"])
    assert "What you typed is kept" in text_of(page.text)
    return browser.follow(browser.send(page, {"email": user.email, "password": PASSWORD}))


def kept(registry: Runtime) -> list[KeptForm]:
    with reading(registry) as session:
        return list(session.scalars(select(KeptForm)))


def test_what_was_typed_is_shown_again_after_signing_in(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events/new"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, TYPED)
    clock.advance(**TOO_LONG)
    page = sign_in_from(browser, send(), nurse)
    assert page.request.path == address
    assert "Nothing of this was saved yet" in text_of(page.text)
    again = form_of(page.text)
    assert {name: again[name][0] for name in TYPED} == TYPED
    with reading(registry) as session:
        assert session.scalars(select(AdverseEvent)).all() == []
    more = {"onset_on-year": "2026", "serious": "no", "related": "no"}
    browser.send(page, more)
    with reading(registry) as session:
        assert session.scalars(select(AdverseEvent)).one().term == TYPED["term"]
        assert audit.verify(session).broken is None
    assert kept(registry) == []


def test_somebody_else_gets_nothing_of_it(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events/new"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, TYPED)
    clock.advance(**TOO_LONG)
    page = sign_in_from(browser, send(), member(registry, "clinician"))
    assert "a fall" not in page.text
    assert "is not kept any more" in text_of(page.text)


def test_signed_in_again_in_another_tab(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events/new"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, TYPED)
    clock.advance(**TOO_LONG)
    browser.sign_in(nurse)
    sent = send()
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith(f"{address}?kept=")
    page = browser.follow(sent)
    assert form_of(page.text)["term"] == [TYPED["term"]]
    with reading(registry) as session:
        assert session.scalars(select(AdverseEvent)).all() == []


def test_another_persons_form_is_refused_as_ever(
    registry: Runtime, app: Flask, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events/new"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, TYPED)
    browser.sign_in(member(registry, "nurse"))
    assert send().status_code == 400
    assert kept(registry) == []


@pytest.mark.parametrize("token", ["", "0" * 40])
def test_a_forged_form_is_not_kept(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User, token: str
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events/new"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, TYPED | {"csrf_token": token})
    clock.advance(**TOO_LONG)
    assert send().headers["Location"] == "/sign-in"
    assert kept(registry) == []


def test_nothing_is_kept_of_who_was_disabled(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events/new"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, TYPED)
    with transaction(registry) as session:
        accounts.disable(session, nurse.id, by="test", at=clock.now())
    assert send().headers["Location"] == "/sign-in"
    assert kept(registry) == []


def test_it_is_kept_encrypted_and_for_an_hour(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/identity"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, {"name": "Ada Lovelock"})
    clock.advance(**TOO_LONG)
    sent = send()
    (row,) = kept(registry)
    assert b"Lovelock" not in row.content
    assert b"identity" not in row.content
    clock.advance(minutes=59)
    again = f"{address}?kept={sent.headers['Location'].rpartition('kept%3D')[2].split('&')[0]}"
    browser.sign_in(nurse)
    assert "Ada Lovelock" in browser.get(again).text
    assert "Ada Lovelock" not in browser.get(again.replace("/identity", "/events/new")).text
    clock.advance(minutes=2)
    assert "Ada Lovelock" not in browser.get(again).text
    browser.sign_in(nurse)
    assert kept(registry) == []


def test_passwords_and_marks_of_forms_are_never_kept(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/events/new"
    browser = Staff(app).sign_in(nurse)
    send = typed(browser, address, TYPED | {"password": "x1", "new_password": "x2", "again": "x3"})
    clock.advance(**TOO_LONG)
    send()
    (row,) = kept(registry)
    text = vault_of(registry).open_form(nurse.id, row.content)
    assert TYPED["term"] in text
    for secret in ("x1", "x2", "x3", "csrf_token", "once"):
        assert secret not in text


def test_a_button_without_a_page_keeps_nothing(
    registry: Runtime, app: Flask, clock: FixedClock
) -> None:
    admin = member(registry, "administrator", site=None)
    browser = Staff(app).sign_in(admin)
    form = form_of(browser.get("/outbox").text, "/outbox/test")
    clock.advance(**TOO_LONG)
    sent = browser.client.post("/outbox/test", data=form)
    assert sent.headers["Location"] == "/sign-in"
    assert kept(registry) == []


def test_a_step_of_an_enrolment(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    browser = Staff(app).sign_in(nurse)
    begun = browser.send(browser.get("/enrol"), {})
    address = f"{begun.headers['Location']}/step/identity"
    send = typed(browser, address, {"name": "Ada Lovelock", "birth_date-year": "1815"})
    clock.advance(**TOO_LONG)
    page = sign_in_from(browser, send(), nurse)
    assert form_of(page.text)["name"] == ["Ada Lovelock"]
    assert form_of(page.text)["birth_date-year"] == ["1815"]


def test_a_section_of_a_questionnaire_with_how_it_came(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    number = a_patient(registry).study_number
    browser = Staff(app).sign_in(nurse)
    start = browser.fill(
        f"/patients/{number}/questionnaires/0", {"mode": "paper", "respondent": "carer"}
    )
    address = start.headers["Location"].partition("?")[0]
    first = browser.follow(start)
    filled = form_of(first.text)
    question = next(name for name in filled if name not in {"csrf_token", "once", "mode"})
    assert filled["mode"] == ["paper"]
    choice = first.text.partition(f'name="{question}" value="')[2].partition('"')[0]
    filled |= {question: [choice]}
    clock.advance(**TOO_LONG)
    page = sign_in_from(browser, browser.client.post(address, data=filled), nurse)
    again = form_of(page.text)
    assert again[question] == [choice]
    assert (again["mode"], again["respondent"]) == (["paper"], ["carer"])


def test_at_most_five_of_one_person(registry: Runtime, nurse: User, clock: FixedClock) -> None:
    for number in range(7):
        with transaction(registry) as session:
            kept_forms.keep(
                session, nurse.id, f"/{number}", [("a", "b")], vault=vault_of(registry), by="test",
                at=clock.now(),
            )  # fmt: skip
    with reading(registry) as session:
        paths = [
            queries.content(vault_of(registry), row)[0]
            for row in session.scalars(select(KeptForm).order_by(KeptForm.id))
        ]
    assert paths == ["/2", "/3", "/4", "/5", "/6"]


def test_a_correction_that_was_kept_undoes_nobodys(
    registry: Runtime, app: Flask, clock: FixedClock, nurse: User
) -> None:
    address = f"/patients/{a_patient(registry).study_number}/identity"
    browser = Staff(app).sign_in(nurse)
    why = {"telephone": "+49 30 5550111", "reason": "the patient called"}
    send = typed(browser, address, why)
    clock.advance(**TOO_LONG)
    Staff(app).sign_in(member(registry, "nurse")).fill(
        address, {"name": "Ada Lovelock", "reason": "a slip of the pen"}
    )
    page = sign_in_from(browser, send(), nurse)
    refused = browser.send(page, {}, status=409)
    assert "Somebody changed this after you opened the page" in text_of(refused.text)
    assert why["telephone"] in refused.text
