"""Signing in: one message for every refusal, locking, sessions that end, links to a password."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from functional.applications import staff_app
from functional.staff_visitor import PASSWORD, Staff, member, text_of
from sqlalchemy import func, select

from registry.actions import accounts
from registry.actions.passwords import faults
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.models import (
    AuditEvent,
    EnrolmentDraft,
    IdempotencyKey,
    OutboxEmail,
    UserSession,
)
from registry.queries import letters
from registry.runtime import Runtime

WRONG = "You could not be signed in"


def try_in(browser: Staff, email: str, password: str, status: int) -> str:
    sent = browser.fill("/sign-in", {"email": email, "password": password}, status=status)
    return text_of(sent.text) if status != 303 else sent.headers["Location"]


def test_a_member_of_staff_signs_in_and_out(registry: Runtime, app: Flask) -> None:
    user = member(registry, "nurse")
    browser = Staff(app).sign_in(user)
    home = browser.get("/")
    assert "Sam Staff" in home.text
    token = home.text.split('name="csrf_token" value="')[1].split('"')[0]
    sent = browser.client.post("/sign-out", data={"csrf_token": token})
    assert "You are signed out." in browser.follow(sent).text
    assert browser.get("/", status=303).headers["Location"] == "/sign-in"


def test_one_message_for_every_reason(registry: Runtime, app: Flask) -> None:
    user = member(registry, "nurse")
    gone = member(registry, "nurse")
    with transaction(registry) as session:
        accounts.disable(session, gone.id, by="test", at=registry.clock.now())
    browser = Staff(app)
    said = {
        try_in(browser, user.email, "not the password", 401),
        try_in(browser, "nobody@example.org", PASSWORD, 401),
        try_in(browser, gone.email, PASSWORD, 401),
    }
    assert len(said) == 1
    assert WRONG in said.pop()


def test_five_wrong_tries_lock_for_a_quarter_of_an_hour(
    registry: Runtime, app: Flask, clock: FixedClock
) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    for _ in range(5):
        try_in(browser, user.email, "not the password", 401)
    assert WRONG in try_in(browser, user.email, PASSWORD, 401)
    clock.advance(minutes=14)
    assert WRONG in try_in(browser, user.email, PASSWORD, 401)
    clock.advance(minutes=1)
    assert try_in(browser, user.email, PASSWORD, 303) == "/"


def test_the_fifth_try_may_still_be_right(registry: Runtime, app: Flask) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    for _ in range(4):
        try_in(browser, user.email, "not the password", 401)
    try_in(browser, user.email, PASSWORD, 303)
    for _ in range(4):
        try_in(browser, user.email, "not the password", 401)
    try_in(browser, user.email, PASSWORD, 303)


def test_tries_are_in_the_trail_and_addresses_are_not(registry: Runtime, app: Flask) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    try_in(browser, user.email, "not the password", 401)
    try_in(browser, "nobody@example.org", "not the password", 401)
    try_in(browser, user.email, PASSWORD, 303)
    with reading(registry) as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    actions = [event.action for event in events if event.action.startswith(("sign_in", "user.s"))]
    assert actions == ["sign_in.tried", "sign_in.unknown", "sign_in.tried", "user.signed_in"]
    assert "nobody@example.org" not in str([event.changes for event in events])


def test_a_session_ends_when_idle_and_after_twelve_hours(
    registry: Runtime, app: Flask, clock: FixedClock
) -> None:
    browser = Staff(app).sign_in(member(registry, "nurse"))
    clock.advance(minutes=14)
    browser.get("/")
    clock.advance(minutes=14)
    browser.get("/")
    clock.advance(minutes=15)
    browser.get("/", status=303)
    browser.sign_in(member(registry, "nurse"))
    for _ in range(12 * 6 - 1):
        clock.advance(minutes=10)
        browser.get("/")
    clock.advance(minutes=10)
    browser.get("/", status=303)


def test_a_new_session_at_each_signing_in_and_only_its_hash_is_kept(
    registry: Runtime, app: Flask
) -> None:
    user = member(registry, "nurse")
    browser = Staff(app).sign_in(user)
    first = browser.client.get_cookie("session")
    browser.sign_in(user)
    second = browser.client.get_cookie("session")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    with reading(registry) as session:
        rows = session.scalars(select(UserSession).order_by(UserSession.id)).all()
    assert [row.revoked_at is None for row in rows] == [False, True]
    assert second.value not in str([vars(row) for row in rows])


def test_disabling_ends_every_session_at_once(registry: Runtime, app: Flask) -> None:
    user = member(registry, "nurse")
    browser = Staff(app).sign_in(user)
    with transaction(registry) as session:
        accounts.disable(session, user.id, by="test", at=registry.clock.now())
    browser.get("/", status=303)


def test_new_roles_need_a_new_signing_in(registry: Runtime, app: Flask) -> None:
    user = member(registry, "nurse")
    browser = Staff(app).sign_in(user)
    with transaction(registry) as session:
        at = registry.clock.now()
        accounts.set_roles(session, user.id, [("analyst", None)], by="test", at=at)
    browser.get("/", status=303)
    assert "analyst" in browser.sign_in(user).get("/").text


def test_after_signing_in_one_goes_where_one_wanted(registry: Runtime, app: Flask) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    asked = browser.get("/?done=x", status=303).headers["Location"]
    page = browser.get(asked)
    sent = browser.send(page, {"email": user.email, "password": PASSWORD}, action="/sign-in")
    assert sent.headers["Location"] == "/?done=x"


@pytest.mark.parametrize(
    "trap", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "\\x"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(
    registry: Runtime, app: Flask, trap: str
) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    data = {"email": user.email, "password": PASSWORD, "next": trap}
    assert browser.fill("/sign-in", data).headers["Location"] == "/"


def test_a_form_of_another_browser_is_refused(registry: Runtime, app: Flask) -> None:
    user = member(registry, "nurse")
    theirs = Staff(app).get("/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"email": user.email, "password": PASSWORD, "csrf_token": theirs}
    browser = Staff(app)
    browser.get("/sign-in")
    assert browser.client.post("/sign-in", data=data).status_code == 400
    assert browser.client.post("/sign-in", data=data | {"csrf_token": ""}).status_code == 400


def test_cookies_and_headers(registry: Runtime, app: Flask) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    sent = browser.fill("/sign-in", {"email": user.email, "password": PASSWORD})
    cookie = sent.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    headers = browser.get("/").headers
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_cookies_and_headers_over_https(registry: Runtime) -> None:
    settings = replace(registry.settings, public_url="https://registry.test")
    app = staff_app(replace(registry, settings=settings))
    page = app.test_client().get("/sign-in")
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-visitor=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")


def reset_link(registry: Runtime) -> str:
    """The address in the newest letter with a link to a password."""
    assert registry.vault is not None
    at = registry.clock.now()
    with reading(registry) as session:
        letter = session.scalars(select(OutboxEmail).order_by(OutboxEmail.id.desc())).first()
        assert letter is not None
        made = letters.ready_all(
            session, [letter], vault=registry.vault, settings=registry.settings, at=at
        )[letter.id]
    assert isinstance(made, letters.Ready)
    return made.raw.decode().split("http://registry.test")[1].split()[0]


def test_a_lost_password_is_chosen_anew_by_letter(
    registry: Runtime, app: Flask, clock: FixedClock
) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    elsewhere = Staff(app).sign_in(user)
    known = text_of(browser.fill("/lost-password", {"email": user.email}, 200).text)
    unknown = text_of(browser.fill("/lost-password", {"email": "no@example.org"}, 200).text)
    assert known == unknown
    link = reset_link(registry)
    new = "nine other herons fly"
    browser.get(link)
    browser.fill(link, {"password": new, "again": new})
    elsewhere.get("/", status=303)
    browser.get(link, status=404)
    try_in(browser, user.email, PASSWORD, 401)
    try_in(browser, user.email, new, 303)


def test_a_link_to_a_password_ends(registry: Runtime, app: Flask, clock: FixedClock) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    browser.fill("/lost-password", {"email": user.email}, 200)
    link = reset_link(registry)
    clock.advance(minutes=59)
    browser.get(link)
    clock.advance(minutes=1)
    browser.get(link, status=404)


def test_asking_again_at_once_sends_no_second_letter(registry: Runtime, app: Flask) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    for _ in range(3):
        browser.fill("/lost-password", {"email": user.email}, 200)
    with reading(registry) as session:
        assert session.scalar(select(func.count(OutboxEmail.id))) == 1


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("too short", "too short", "at least 15 characters"),
        ("passwordpassword", "passwordpassword", "tried first"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "tried first"),
        ("seven quiet herons", "seven quiet heron", "differ"),
    ],
)
def test_a_password_that_is_refused_says_why(
    registry: Runtime, app: Flask, password: str, again: str, said: str
) -> None:
    user, browser = member(registry, "nurse"), Staff(app)
    browser.fill("/lost-password", {"email": user.email}, 200)
    link = reset_link(registry)
    sent = browser.fill(link, {"password": password, "again": again}, status=422)
    assert said in text_of(sent.text)
    assert password not in sent.text
    browser.get(link)


def test_a_password_may_not_be_mostly_ones_name() -> None:
    assert faults("ada.lovelace.1815", "ada.lovelace@example.org", "Ada Lovelace")
    assert not faults("three lovely quiet lakes", "ada.lovelace@example.org", "Ada Lovelace")


def test_health_and_readiness(app: Flask) -> None:
    assert app.test_client().get("/healthz").status_code == 200
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.get_json()) == (200, {"status": "ok", "degraded": []})


def test_an_empty_database_is_not_ready(make: Callable[[str], Runtime], tmp_path: Path) -> None:
    empty = make(f"sqlite:///{tmp_path}/empty.sqlite")
    page = staff_app(empty).test_client().get("/readyz")
    assert page.status_code == 503
    assert page.get_json()["status"] == "schema"


def test_what_nobody_needs_any_more_is_forgotten(
    registry: Runtime, app: Flask, clock: FixedClock
) -> None:
    user = member(registry, "nurse")
    browser = Staff(app).sign_in(user)
    browser.send(browser.get("/enrol"), {}, action="/enrol")
    clock.advance(days=8)
    browser.sign_in(user)
    with reading(registry) as session:
        assert session.scalars(select(EnrolmentDraft)).all() == []
        assert len(session.scalars(select(IdempotencyKey)).all()) == 1
    clock.advance(days=30)
    browser.sign_in(user)
    with reading(registry) as session:
        assert session.scalars(select(IdempotencyKey)).all() == []
        assert len(session.scalars(select(UserSession)).all()) == 2
