"""Enrol, receive, answer on a phone without JavaScript, see the figure move."""

import email
import email.policy
import re
from typing import Any

import pytest
from browser.conftest import Live, Visitor
from factories import a_site
from functional.test_enrolment_pages import STEPS
from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
ANSWERS = {
    "overall_change": "better", "medicines": "none", "work": "retired", "hospital": "no",
    "new_problems": "no", "pregnancy": "no", "may_call": "no",
}  # fmt: skip


def put(page: Page, name: str, value: str) -> None:
    """Fill in or choose, whatever kind of box it is."""
    boxes = page.locator(f'[name="{name}"]')
    kind = boxes.first.get_attribute("type")
    if kind in {"radio", "checkbox"}:
        page.locator(f'[name="{name}"][value="{value}"]').check()
    elif boxes.first.evaluate("box => box.tagName") == "SELECT":
        boxes.first.select_option(value)
    else:
        boxes.first.fill(value)


def press(page: Page) -> None:
    """The button of the page's own form."""
    page.locator("main form button.btn").first.click()


def enrol(nurse: Visitor) -> str:
    """Enrol by the pages; gives the study number."""
    page = nurse.go("/enrol")
    press(page)
    begun = page.url
    for code, boxes in STEPS.items():
        nurse.go(f"{begun}/step/{code}")
        for name, value in boxes.items():
            put(page, name, str(value))
        page.get_by_role("button", name=re.compile("^Save")).first.click()
        assert "There is a problem" not in page.content(), page.locator("main").inner_text()
    nurse.go(f"{begun}/check")
    press(page)
    return page.url.split("/patients/")[1].split("/")[0]


def link_in_the_newest_letter(live: Live) -> str:
    newest = sorted(live.mailbox.glob("*.eml"))[-1]
    letter = email.message_from_bytes(newest.read_bytes(), policy=email.policy.default)
    assert isinstance(letter, email.message.EmailMessage)
    body = letter.get_body(("plain",))
    assert body is not None
    link = re.search(r"http://\S+/s/\S+", body.get_content())
    assert link
    return link[0]


def answer_page(page: Page) -> None:
    """Answer what a page asks: as in ANSWERS, else the first choice."""
    groups = page.locator("main fieldset.question, main div.question")
    for number in range(groups.count()):
        answer_one(groups.nth(number))
    press(page)


def answer_one(question: Locator) -> None:
    choice = question.locator("input").first
    name = choice.get_attribute("name") or ""
    if choice.get_attribute("type") in {"radio", "checkbox"}:
        wanted = ANSWERS.get(name)
        value = f'[value="{wanted}"]' if wanted else ""
        question.locator(f'input[name="{name}"]{value}').first.check()
    else:
        choice.fill("1")


def test_enrol_receive_answer_on_a_phone_and_see_the_figure_move(live: Live, window: Any) -> None:
    a_site(live.runtime, "A")
    nurse = window().sign_in(live.runtime, "nurse")
    number = enrol(nurse)
    assert "15 January 2026" in nurse.page.locator("main").inner_text()

    manager = window().sign_in(live.runtime, "data_manager")
    figures = "/figures/response"
    before = manager.go(figures).locator("main").inner_text()

    live.tick(days=11)
    phone = window(phone=True, script=False)
    page = phone.go(link_in_the_newest_letter(live))
    page.get_by_label("I am answering for myself").check()
    page.get_by_role("button", name="Start").click()
    for _ in range(40):
        if page.url.endswith("/s/review"):
            break
        answer_page(page)
    press(page)
    assert "Thank you" in page.locator("h1").inner_text()

    live.tick(days=16)
    # sixteen days later nobody is signed in any more
    manager = window().sign_in(live.runtime, "data_manager")
    nurse = window().sign_in(live.runtime, "nurse")
    after = manager.go(figures).locator("main").inner_text()
    assert "1 of 1" in after
    assert after != before
    record = nurse.go(f"/patients/{number}").locator("main").inner_text()
    assert "Answered" in record


def test_signing_in_and_out_by_keyboard_alone(live: Live, window: Any) -> None:
    visitor = window().sign_in(live.runtime, "nurse")
    page = visitor.go("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text() == "Sign out":
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "You are signed out" in page.locator("main").inner_text()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(live: Live, window: Any, width: int) -> None:
    a_site(live.runtime, "A")
    visitor = window().sign_in(live.runtime, "nurse")
    visitor.page.set_viewport_size({"width": width, "height": 800})
    for address in ("/", "/patients", "/enrol", "/sign-in"):
        page = visitor.go(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
