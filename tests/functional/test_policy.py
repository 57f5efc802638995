"""Who may open what: every address × every role × own site, other site, nobody, by the table."""

from dataclasses import dataclass
from typing import Any

import pytest
from factories import a_patient, an_adverse_event
from flask import Flask
from functional.staff_visitor import CHEAP, Staff, member
from sqlalchemy import select
from werkzeug.routing import Rule as Address

from registry import audit
from registry.actions import endings, laboratory
from registry.actions.facts import Measured, MedicineTaken
from registry.app import create_app
from registry.db import reading, transaction
from registry.http import Rule
from registry.models import Alert, LabResult, MailHold, Medicine, Patient, ReportedEvent
from registry.models.accounts import ROLES
from registry.runtime import Runtime

SEEN = {200, 303, 400, 404, 409, 422}  # beyond the policy's door, whatever happens there

RELEASED = {"analyst", "auditor"}


# The patient of this world died: a questionnaire takes no answers.
CLOSED = {"/patients/<path:number>/questionnaires/<int:month>/review"}


@dataclass(frozen=True)
class World:
    """A patient of site A with one of everything that has an address."""

    number: str
    keys: dict[str, str]


@pytest.fixture
def world(registry: Runtime) -> World:
    taken = MedicineTaken(medicine_class="antimalarial")
    patient = a_patient(registry, medicines=(taken,))
    event = an_adverse_event(registry, patient)
    at = registry.clock.now()
    who: dict[str, Any] = {"recorded_at": at, "recorded_by": "test"}
    with transaction(registry) as session:
        row = session.get_one(Patient, patient.patient_id)
        measured = Measured(test="creatinine", value="80", unit="umol/L", collected_on=at.date())
        laboratory.record_result(session, row.id, measured, by="test", at=at)
        session.add(ReportedEvent(patient_id=row.id, fact_key="told", term="unwell", **who))
        alert = {"patient_id": row.id, "site_id": row.site_id, "kind": "fever", "message": "x"}
        session.add(Alert(due_at=at, **alert, **who))
        hold = {"patient_id": row.id, "kind": "undeliverable", "since": at.date()}
        session.add(MailHold(**hold, **who))
        session.flush()
        endings.record_death(session, row.id, at.date(), by="test", at=at)
        endings.record_withdrawal(session, row.id, at.date(), by="test", at=at)
        audit.record(session, by="test", at=at, action="t", subject=f"patient:{row.id}")
    with reading(registry) as session:
        lab = session.scalars(select(LabResult.fact_key)).one()
        medicine = session.scalars(select(Medicine.fact_key)).one()
    keys = {"events": event.fact_key, "labs": lab, "medicines": medicine, "reports": "told"}
    return World(patient.study_number, keys)


@pytest.fixture
def addresses(app: Flask) -> list[Address]:
    """Every rule of the staff application; the API's keys are tried in a test of their own."""
    return [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/api/")]


def path(app: Flask, address: Address, world: World) -> str:
    """The rule's address in this world."""
    values: dict[str, Any] = {
        "number": world.number,
        "alert_id": 1,
        "month": 1,
        "kind": "undeliverable",
        "secret": "none",
        "filename": "registry.css",
        "name": "none",
        "verb": "link",
        "task": "alert",
        "way": "take",
        "site_id": 1,
        "hold_id": 1,
        "letter_id": 1,
        "user_id": 1,
        "key_id": 1,
        "code": "overall",
    }
    part = address.rule.removeprefix("/patients/<path:number>/").split("/")[0]
    values["key"] = world.keys.get(part, "none")
    with app.test_request_context():
        wanted = {name: values[name] for name in address.arguments}
        return app.url_for(address.endpoint, **wanted)


def methods(address: Address) -> list[str]:
    return sorted((address.methods or set()) & {"GET", "POST", "PUT", "DELETE", "PATCH"})


def line(app: Flask, address: Address) -> Rule:
    found: Rule = app.extensions["policy"][address.endpoint]
    return found


def test_every_address_has_a_line_and_every_line_an_address(registry: Runtime, app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints - set(app.extensions["policy"]) == set()
    demo = create_app(registry, hasher=CHEAP, advance=lambda _: None)
    known = endpoints | {rule.endpoint for rule in demo.url_map.iter_rules()}
    absent = set(app.extensions["policy"]) - known
    is_embedded = registry.settings.embedded
    assert absent == (set() if is_embedded else {"mailbox.index", "mailbox.letter"})


def test_a_page_without_a_line_is_refused(registry: Runtime) -> None:
    app = create_app(registry, hasher=CHEAP)
    app.add_url_rule("/forgotten", "forgotten", lambda: "everything")
    browser = Staff(app).sign_in(member(registry, *ROLES, site=None))
    assert "everything" not in browser.get("/forgotten", status=403).text


def test_nobody_signed_in(app: Flask, addresses: list[Address], world: World) -> None:
    client = app.test_client()
    for address in addresses:
        for method in methods(address):
            answer = client.open(path(app, address, world), method=method, buffered=True)
            rule = line(app, address)
            is_sent_away = answer.headers.get("Location", "").startswith("/sign-in")
            if address.rule == "/metrics":  # for programs: no page to sign in on
                assert answer.status_code == 401
                continue
            place = f"{method} {address.rule}: {answer.status_code}"
            assert is_sent_away is (rule.roles is not None), place
            assert answer.status_code in SEEN, place


@pytest.mark.parametrize("site", ["A", "B"])
@pytest.mark.parametrize("role", ROLES)
def test_a_role_at_its_site_and_at_another(
    registry: Runtime, app: Flask, addresses: list[Address], world: World, role: str, site: str
) -> None:
    browser = Staff(app).sign_in(member(registry, role, site=site))
    for address in addresses:
        for method in methods(address):
            rule = line(app, address)
            answer = browser.client.open(path(app, address, world), method=method, buffered=True)
            place = f"{method} {address.rule}: {answer.status_code}"
            if rule.roles and (role not in rule.roles or rule.everywhere):
                assert answer.status_code == 403, place
            elif rule.at_site and site != "A":
                assert answer.status_code == 404, place
                assert "at your site" in answer.text, place
            elif address.rule in CLOSED and method == "GET":
                assert answer.status_code == 409, place  # let in, and told why nothing is asked
            elif rule.at_site and method == "GET":
                assert answer.status_code in {200, 303}, place
            elif address.rule.startswith("/figures/") and role in RELEASED:
                # released figures are of all sites together: one site's own may be refused
                assert answer.status_code in SEEN | {403}, place
            else:
                assert answer.status_code in SEEN, place


def test_an_analyst_reaches_no_patient(app: Flask) -> None:
    for endpoint, rule in app.extensions["policy"].items():
        if rule.at_site or endpoint.partition(".")[0] in {"patients", "enrolment", "trail"}:
            assert rule.roles, endpoint
            assert "analyst" not in rule.roles, endpoint


def test_only_the_care_team_reaches_who_a_patient_is(app: Flask) -> None:
    for endpoint in ("patients.telephone", "contact.correct", "enrolment.step"):
        assert app.extensions["policy"][endpoint].roles == {"clinician", "nurse"}
