"""axe-core finds nothing on the forms of the care team, the steps of an enrolment, and errors."""

from typing import Any

import pytest
from browser.conftest import Live
from factories import a_patient

from registry.web.enrolment_steps import STEPS

pytestmark = pytest.mark.browser

FORMS = (
    "telephone", "calls/1", "events/new", "labs/new", "treatment-date", "course", "courses/new",
    "administrations/new", "observations/new", "baseline", "medicines/new", "identity",
    "consents/new", "links/1", "mail",
)  # fmt: skip


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=str)
def test_forms_and_steps(live: Live, window: Any, look: dict[str, bool]) -> None:
    patient = a_patient(live.runtime)
    visitor = window(**look).sign_in(live.runtime, "nurse", site="A")
    found = []
    for form in FORMS:
        visitor.go(f"/patients/{patient.study_number}/{form}")
        found += visitor.violations()
    page = visitor.go("/enrol")
    page.get_by_role("button", name="Begin").click()
    tasks = page.url.removeprefix(live.url)
    found += visitor.violations()
    for step in STEPS:
        visitor.go(f"{tasks}/step/{step.code}")
        found += visitor.violations()
    page.get_by_role("button", name="Save and continue").click()
    visitor.go(f"{tasks}/check")
    found += visitor.violations()
    assert found == []


@pytest.mark.parametrize("look", [{}, {"phone": True}], ids=str)
def test_a_page_that_was_refused(live: Live, window: Any, look: dict[str, bool]) -> None:
    patient = a_patient(live.runtime)
    visitor = window(**look).sign_in(live.runtime, "nurse", site="A")
    page = visitor.go(f"/patients/{patient.study_number}/events/new")
    page.get_by_role("button", name="Save the event").click()
    assert page.title().startswith("Error: ")
    found = visitor.violations()
    page.get_by_role("link", name="Enter onset").click()
    assert page.evaluate("document.activeElement.id") == "onset_on"
    # a page that tells what is wrong is answered with 422, of which the console complains
    visitor.complaints.clear()
    assert found == []
