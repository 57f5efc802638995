"""Whether the registry is well: /readyz, /metrics, the page State, and the first page's banners."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from factories import BY, a_patient, a_person, a_site, a_user
from flask import Flask
from functional.program import key_for
from functional.staff_visitor import Staff, text_of
from post import FaultyMailer, noon, run
from sqlalchemy import update

from registry import audit
from registry.clock import FixedClock
from registry.db import transaction
from registry.mail import Lost, MemoryMailer
from registry.models import FollowUp
from registry.runtime import Runtime
from workers.schedule import run_jobs_once

DUE = "2026-01-29"
SignIn = Callable[..., Staff]


def ready(app: Flask) -> list[str]:
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    found: list[str] = answer.get_json()["degraded"]
    return found


def metrics(app: Flask, registry: Runtime) -> dict[str, float]:
    """Every value by its name and labels; each is announced once."""
    key = key_for(registry, a_user(registry, "administrator", site=None))
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    announced = re.findall(r"# TYPE (\S+)", answer.text)
    assert len(announced) == len(set(announced))
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def patient(registry: Runtime, clock: FixedClock) -> int:
    found = a_patient(registry, person=a_person(email="pat@example.org"))
    run(registry, MemoryMailer())
    clock.move_to(noon(DUE))
    return found.patient_id


def test_a_registry_that_is_well_says_so(app: Flask, registry: Runtime, patient: int) -> None:
    run(registry, MemoryMailer())
    assert ready(app) == []
    values = metrics(app, registry)
    assert values['registry_letters{state="sent"}'] == 1
    assert values["registry_oldest_due_seconds"] == 0
    assert values["registry_send_hold"] == 0
    assert values["registry_conservation_faults"] == 0
    assert values['registry_handover_seconds_bucket{le="+Inf"}'] == 1
    assert values["registry_handover_seconds_count"] == 1
    assert values['registry_heartbeat_age_seconds{job="send_due"}'] == 0


def test_metrics_name_what_waits_and_what_is_uncertain(
    app: Flask, registry: Runtime, clock: FixedClock, patient: int
) -> None:
    run(registry, FaultyMailer(lose=[Lost("no reply")]))
    values = metrics(app, registry)
    assert values['registry_handover_uncertain_total{cause="no_reply"}'] == 1
    assert values["registry_copies_possible_total"] == 0
    clock.advance(hours=3)
    assert metrics(app, registry)["registry_oldest_due_seconds"] > 3600
    assert {"mail", "worker"} <= set(ready(app))
    run(registry, MemoryMailer())
    assert metrics(app, registry)["registry_copies_possible_total"] == 1
    assert ready(app) == []


def test_metrics_are_for_those_who_run_the_registry(
    app: Flask, registry: Runtime, sign_in: SignIn
) -> None:
    assert app.test_client().get("/metrics").status_code == 401
    key = key_for(registry, a_user(registry, "nurse"))
    refused = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert refused.status_code == 403


def test_a_hold_stands_on_the_first_page_the_page_state_and_the_probe(
    app: Flask, registry: Runtime, sign_in: SignIn, patient: int, tmp_path: Path
) -> None:
    journal = registry.settings.journal_file
    assert journal is not None
    journal.unlink()
    assert set(run_jobs_once(registry, MemoryMailer())) == {"send_due"}
    assert "send_hold" in ready(app)
    administrator, nurse = sign_in("administrator", site=None), sign_in("nurse")
    assert "Nothing is sent" in nurse.get("/").text
    assert "Nothing is sent" in administrator.get("/").text
    page = administrator.get("/standing").text
    assert "There is no side journal" in page
    assert "registry reconcile" in page
    assert nurse.client.get("/standing").status_code == 403


def test_a_site_without_a_name_stands_on_the_first_page_and_the_probes(
    app: Flask, registry: Runtime, sign_in: SignIn, patient: int
) -> None:
    site = a_site(registry, "LUPUS-STEM-CELLS", public_name="")
    a_patient(registry, "LUPUS-STEM-CELLS")
    administrator = sign_in("administrator", site=None)
    assert "Letters wait: LUPUS-STEM-CELLS" in text_of(administrator.get("/").text)
    assert "unnamed_sites" in ready(app)
    assert metrics(app, registry)["registry_unnamed_sites"] == 1
    assert "Letters of a site wait for the name" in text_of(administrator.get("/standing").text)
    assert "Letters wait" not in text_of(sign_in("nurse").get("/").text)
    assert "none yet: letters to its patients wait" in administrator.get("/sites").text
    administrator.fill(f"/sites/{site.id}", {"public_name": "Linden House"})
    assert "Letters wait" not in text_of(administrator.get("/").text)
    assert "unnamed_sites" not in ready(app)
    assert metrics(app, registry)["registry_unnamed_sites"] == 0


def test_a_plan_that_does_not_add_up_is_shown(
    app: Flask, registry: Runtime, clock: FixedClock, sign_in: SignIn, patient: int
) -> None:
    run(registry, MemoryMailer())
    assert "in one state" in sign_in("data_manager").get("/standing").text
    with transaction(registry) as session:
        mine = (FollowUp.patient_id == patient) & (FollowUp.month == 6)
        session.execute(update(FollowUp).where(mine).values(ended_at=clock.now()))
        audit.record(session, by=BY, at=clock.now(), action="test.set", subject="registry")
    clock.advance(days=3)
    run(registry, MemoryMailer())
    assert "reckoning" in ready(app)
    manager = sign_in("data_manager")
    assert "The plan does not add up" in manager.get("/").text
    assert "over without an end" in manager.get("/standing").text
