"""The care team at its list by keyboard, and a form that comes too late, without any script."""

from typing import Any

import pytest
from browser.conftest import Live
from functional.figures_visitor import fill
from functional.staff_visitor import PASSWORD, member
from functional.test_analyst_home import few
from functional.test_worklist_owners import one_of_each

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=str)
def test_a_task_is_taken_and_given_back_by_keyboard(
    live: Live, window: Any, look: dict[str, bool]
) -> None:
    one_of_each(live.runtime)
    visitor = window(**look).sign_in(live.runtime, "nurse", site="A")
    page, found = visitor.page, visitor.violations()
    page.get_by_role("button", name="Take Alert: Severe fever").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Give back Alert: Severe fever").wait_for()
    page.get_by_role("link", name="Mine 1").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?owner=mine")
    found += visitor.violations()
    page.get_by_role("button", name="Give back").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Nothing needs doing under this choice").wait_for()
    assert found + visitor.violations() == []


def test_what_was_typed_comes_back_without_any_script(live: Live, window: Any) -> None:
    patient, nurse = one_of_each(live.runtime), member(live.runtime, "nurse")
    visitor = window(script=False)
    page = visitor.go("/sign-in")

    def sign_in() -> None:
        page.get_by_label("E-mail").fill(nurse.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()

    sign_in()
    visitor.go(f"/patients/{patient.study_number}/events/new")
    page.locator("[name=term]").fill("a fall on the stairs")
    page.get_by_label("Day").first.fill("3")
    live.clock.advance(minutes=20)
    page.get_by_role("button", name="Save the event").click()
    assert "What you typed is kept" in page.inner_text("main")
    sign_in()
    assert "Nothing of this was saved yet" in page.inner_text("main")
    assert page.locator("[name=term]").input_value() == "a fall on the stairs"
    assert page.get_by_label("Day").first.input_value() == "3"


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=str)
def test_a_small_site_is_explained(live: Live, window: Any, look: dict[str, bool]) -> None:
    fill(live.runtime, few(12, "A") + few(40, "B"))
    visitor = window(**look).sign_in(live.runtime, "analyst", site="A")
    found = visitor.violations()
    visitor.go("/figures/safety")
    assert "are not shown" in visitor.page.inner_text("main")
    assert found + visitor.violations() == []
