"""Keys, sites, errors and repeated requests of the API."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from factories import BY, a_patient, a_user
from flask import Flask
from functional.program import PREFIX, Program, key_for, program_for
from functional.staff_visitor import Staff
from sqlalchemy import func, select, update

from registry import audit
from registry.actions import accounts
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.mail import MemoryMailer
from registry.models import ApiKey, AuditEvent, FollowUp, IdempotencyKey, LabResult
from registry.runtime import Runtime
from workers.schedule import BY_NAME, run_job

LAB = {"test": "creatinine", "value": "0.8", "unit": "mg/dL", "collected_on": "2026-01-02"}


@pytest.fixture
def nurse(app: Flask, registry: Runtime) -> Program:
    return program_for(app, registry, "nurse")


@pytest.fixture
def labs(registry: Runtime) -> str:
    """Where laboratory results of a patient of site A are."""
    return f"/patients/{a_patient(registry).study_number}/labs"


def results(runtime: Runtime) -> int:
    with reading(runtime) as session:
        return session.scalar(select(func.count(LabResult.id))) or 0


# ---- keys


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer rk_wrong", "Basic a:b"])
def test_without_a_key_that_is_in_force_there_is_nothing(
    app: Flask, labs: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = app.test_client().get(PREFIX + labs, headers=headers)
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_keys_are_kept_as_hashes_and_say_what_they_are(app: Flask, registry: Runtime) -> None:
    key = key_for(registry, a_user(registry, "nurse"))
    assert key.startswith("rk_")
    with reading(registry) as session:
        kept = session.scalars(select(ApiKey.secret_sha256)).one()
    assert len(kept) == 64
    assert key not in kept


def test_a_revoked_key_is_refused_at_once(registry: Runtime, nurse: Program, labs: str) -> None:
    nurse.get(labs)
    with transaction(registry) as session:
        key_id = session.scalars(select(ApiKey.id)).one()
        accounts.revoke_key(session, key_id, by=BY, at=registry.clock.now())
    nurse.get(labs, 401)


def test_the_key_of_a_disabled_user_is_refused(
    registry: Runtime, nurse: Program, labs: str
) -> None:
    with transaction(registry) as session:
        accounts.disable(session, nurse.user.id, by=BY, at=registry.clock.now())
    nurse.get(labs, 401)


def test_a_browsers_session_is_no_key(sign_in: Callable[..., Staff], labs: str) -> None:
    client = sign_in("nurse").client
    assert client.get(PREFIX + labs).status_code == 401
    assert client.post(PREFIX + labs, json=LAB).status_code in {400, 401}


def test_answers_set_no_cookie(nurse: Program, labs: str) -> None:
    assert "Set-Cookie" not in nurse.call("GET", labs).headers
    assert "Set-Cookie" not in nurse.call("POST", labs, 201, json=LAB).headers


# ---- roles and sites


def test_another_sites_patient_is_like_one_that_does_not_exist(
    app: Flask, registry: Runtime, labs: str
) -> None:
    stranger = program_for(app, registry, "nurse", site="B")
    foreign = stranger.call("GET", labs, 404)
    missing = stranger.call("GET", "/patients/R-9999/labs", 404)
    assert foreign.data == missing.data
    assert stranger.post(labs, LAB, 404) == missing.get_json()
    assert results(registry) == 0


def test_a_role_at_every_site_sees_every_site(app: Flask, registry: Runtime, labs: str) -> None:
    assert program_for(app, registry, "nurse", site=None).get(labs) == []


@pytest.mark.parametrize("role", ["analyst", "administrator", "auditor"])
def test_who_sees_no_patients_gets_none(
    app: Flask, registry: Runtime, labs: str, role: str
) -> None:
    told = program_for(app, registry, role, site=None).get(labs, 403)
    assert told["title"] == "Forbidden"


def test_a_data_manager_works_on_records_and_asks_no_patient(
    app: Flask, registry: Runtime, labs: str
) -> None:
    manager = program_for(app, registry, "data_manager")
    assert manager.get(labs) == []
    manager.post(labs, LAB)
    questionnaire = labs.replace("/labs", "/follow-ups/1/answers")
    manager.put(questionnaire, {"mode": "phone", "answers": {"fatigue": 1}}, 403)


# ---- errors


def test_every_wrong_field_is_named(nurse: Program, labs: str) -> None:
    told = nurse.post(labs, {"test": "", "value": "0,8", "colour": "red"}, 422)
    assert told["type"] == "about:blank"
    assert told["status"] == 422
    assert told["errors"].keys() == {"test", "unit", "collected_on", "colour"}


def test_a_rule_that_does_not_hold_is_told_by_field(nurse: Program, labs: str) -> None:
    told = nurse.post(labs, LAB | {"unit": "stone", "collected_on": "2026-02-01"}, 422)
    assert told["errors"].keys() == {"unit", "collected_on"}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": "[" * 99_000, "content_type": "application/json"}, 400),
        ({"data": b'{"test": "\xff"}', "content_type": "application/json"}, 400),
        ({"json": ["creatinine"]}, 422),
        ({"data": "null", "content_type": "application/json"}, 422),
        ({}, 415),
        ({"json": LAB | {"value": "\ud800"}}, 422),
        ({"json": LAB | {"value": {"of": 1}}}, 422),
        ({"data": "test=creatinine"}, 415),
        ({"data": "test=creatinine", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": b"x" * 2_000_000, "content_type": "application/json"}, 413),
    ],
)
def test_bodies_that_cannot_be_read_are_problems(
    nurse: Program, labs: str, more: dict[str, Any], status: int
) -> None:
    assert nurse.call("POST", labs, status, **more).get_json()["status"] == status


def test_a_defect_is_a_problem_that_tells_nothing(
    app: Flask, registry: Runtime, nurse: Program, labs: str
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with transaction(registry) as session:  # as no action would: a questionnaire that is not there
        session.execute(update(FollowUp).values(instrument_code="lost"))
        audit.record(session, by=BY, at=registry.clock.now(), action="broken", subject="test")
    address = labs.replace("/labs", "/follow-ups/1/answers")
    answer = nurse.call("PUT", address, 500, json={"mode": "phone", "answers": {"fatigue": 1}})
    assert answer.get_json()["title"] == "Internal Server Error"
    assert "lost" not in answer.text


def test_a_query_with_a_slip_is_refused_rather_than_ignored(nurse: Program) -> None:
    assert nurse.get("/patients?sight=A", 422)["errors"] == {"sight": ["Unknown field."]}


def test_addresses_and_methods_that_do_not_exist_are_problems(nurse: Program, labs: str) -> None:
    told = nurse.get("/nothing", 404)
    assert (told["type"], told["title"]) == ("about:blank", "Not Found")
    nurse.call("DELETE", labs, 405)
    nurse.get("/patients/R-1/follow-ups/601/answers", 404)


# ---- repeated requests


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(
    registry: Runtime, nurse: Program, labs: str
) -> None:
    first = nurse.call("POST", labs, 201, once="one", json=LAB)
    again = nurse.call("POST", labs, 201, once="one", json=LAB)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"] == f"{PREFIX}{labs}"
    assert results(registry) == 1


def test_the_same_request_twice_at_once_happens_once(
    registry: Runtime, nurse: Program, labs: str
) -> None:
    together = Barrier(4)

    def post(_number: int) -> tuple[int, bytes]:
        together.wait()
        headers = {"Authorization": f"Bearer {nurse.key}", "Idempotency-Key": "one"}
        client = nurse.client.application.test_client()
        answer = client.post(PREFIX + labs, json=LAB, headers=headers)
        return answer.status_code, answer.data

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(post, range(4)))
    assert [status for status, _ in answers] == [201]
    assert results(registry) == 1


def test_a_new_key_is_a_new_request(registry: Runtime, nurse: Program, labs: str) -> None:
    nurse.post(labs, LAB)
    nurse.post(labs, LAB)
    assert results(registry) == 2


def test_a_key_is_not_for_another_request(registry: Runtime, nurse: Program, labs: str) -> None:
    nurse.post(labs, LAB, once="one")
    nurse.post(labs, LAB | {"value": "0.9"}, 422, once="one")
    other = a_patient(registry).study_number
    nurse.post(f"/patients/{other}/labs", LAB, 422, once="one")
    assert results(registry) == 1


def test_two_users_may_choose_the_same_key(
    app: Flask, registry: Runtime, nurse: Program, labs: str
) -> None:
    nurse.post(labs, LAB, once="one")
    program_for(app, registry, "clinician").post(labs, LAB | {"value": "0.9"}, once="one")
    assert results(registry) == 2


def test_what_failed_can_be_put_right_under_its_key(
    registry: Runtime, nurse: Program, labs: str
) -> None:
    nurse.post(labs, LAB | {"unit": "stone"}, 422, once="one")
    nurse.post(labs, LAB, once="one")
    assert results(registry) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_post_without_a_key_is_refused(
    registry: Runtime, nurse: Program, labs: str, key: str
) -> None:
    headers = {"Authorization": f"Bearer {nurse.key}"} | ({"Idempotency-Key": key} if key else {})
    answer = nurse.client.post(PREFIX + labs, json=LAB, headers=headers)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.get_json()["detail"]
    assert results(registry) == 0


def test_keys_are_forgotten_after_thirty_days(
    registry: Runtime, nurse: Program, labs: str, clock: FixedClock
) -> None:
    nurse.post(labs, LAB, once="one")
    clock.advance(days=29)
    nurse.post(labs, LAB, once="one")
    assert results(registry) == 1
    clock.advance(days=1)
    nurse.post(labs, LAB, once="one")
    assert results(registry) == 2
    with reading(registry) as session:
        assert session.scalar(select(func.count(IdempotencyKey.id))) == 1


def test_a_job_forgets_the_keys_of_those_who_never_come_again(
    registry: Runtime, nurse: Program, labs: str, clock: FixedClock
) -> None:
    nurse.post(labs, LAB)
    for days, kept in ((29, 1), (1, 0)):
        clock.advance(days=days)
        assert run_job(BY_NAME["forget_requests"], registry, MemoryMailer()) is None
        with reading(registry) as session:
            assert session.scalar(select(func.count(IdempotencyKey.id))) == kept


def test_a_refused_reader_leaves_no_line_of_reading(
    app: Flask, registry: Runtime, labs: str
) -> None:
    program_for(app, registry, "nurse", site="B").get(labs, 404)
    with reading(registry) as session:
        read = select(func.count(AuditEvent.id)).where(AuditEvent.action == "patient.read")
        assert session.scalar(read) == 0
