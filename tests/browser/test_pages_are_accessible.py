"""axe-core finds nothing on any page, light, dark and on a phone; no page breaks its policy."""

from typing import Any

import pytest
from browser.conftest import Live
from factories import a_patient, an_adverse_event, an_answered_follow_up, follow_up_of
from functional.test_door import link_to

from registry import tokens
from registry.actions.enrolment import Enrolled
from registry.db import reading
from registry.models import Instance

pytestmark = pytest.mark.browser

STAFF_PAGES = {
    "nurse": (
        "/", "/patients", "/enrol", "/patients/{number}", "/patients/{number}/letters",
        "/patients/{number}/history", "/patients/{number}/answers/1", "/patients/{number}/plan",
        "/patients/{number}/questionnaires/3",
        "/patients/{number}/questionnaires/3/symptoms?mode=phone&respondent=self",
        "/patients/{number}/death", "/patients/{number}/withdrawal",
    ),
    "analyst": (
        "/", "/figures/response", "/figures/outcomes", "/figures/safety", "/figures/survival",
        "/figures/published", "/figures/claims", "/protocol",
    ),
    "administrator": (
        "/", "/sites", "/sites/add", "/users", "/users/add", "/keys", "/keys/add", "/outbox",
        "/outbox/dead", "/outbox/hold",
        "/standing", "/protocol/rehearsal", "/figures/claims", "/claims/add",
        "/audit", "/audit/verify", "/protocol", "/mailbox",
    ),
}  # fmt: skip
LOOKS: dict[str, dict[str, bool]] = {
    "light": {}, "dark": {"dark": True}, "phone": {"phone": True},
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("role", STAFF_PAGES)
def test_staff_pages(live: Live, window: Any, role: str, look: str) -> None:
    patient = a_patient(live.runtime)
    an_answered_follow_up(live.runtime, patient, 1)
    an_adverse_event(live.runtime, patient)
    live.tick(days=40)
    visitor = window(**LOOKS[look]).sign_in(
        live.runtime, role, site="A" if role == "nurse" else None
    )
    found = []
    for address in STAFF_PAGES[role]:
        visitor.go(address.format(number=patient.study_number))
        found += visitor.violations()
    assert found == []


def preferences_of(live: Live, patient: Enrolled) -> str:
    """The page that a letter's link to the patient's choices opens."""
    follow_up = follow_up_of(live.runtime, patient.patient_id, 1)
    with reading(live.runtime) as session:
        instance = session.get_one(Instance, 1).instance_id
    keys = live.runtime.settings.token_keys
    return f"/p/{tokens.preferences_token(keys, max(keys), instance, follow_up.id)}"


@pytest.mark.parametrize("look", LOOKS)
def test_patient_pages(live: Live, window: Any, look: str) -> None:
    patient = a_patient(live.runtime)
    token = link_to(live.runtime, follow_up_of(live.runtime, patient.patient_id, 1))
    visitor = window(**LOOKS[look])
    found = []
    page = visitor.go(f"/s/{token}")
    found += visitor.violations()
    page.get_by_label("I am answering for myself").check()
    page.get_by_role("button", name="Start").click()
    for address in ("overall_change", "fatigue", "fever", "medicines", "work", "hospital"):
        visitor.go(f"/s/q/{address}")
        found += visitor.violations()
    page.get_by_role("button", name="Save and continue").click()
    found += visitor.violations()
    visitor.go("/s/q/fever")
    page.get_by_label("8", exact=True).check()
    page.get_by_role("button", name="Save and continue").click()
    found += visitor.violations()
    for address in ("/s/review", "/s/leave", preferences_of(live, patient)):
        visitor.go(address)
        found += visitor.violations()
    # a page that tells what is wrong is answered with 422, of which the console complains
    visitor.complaints.clear()
    assert found == []
