"""A defect is told by a number, on the page and in the log, and the log holds nobody's data."""

import logging
import re

import pytest
from factories import a_patient
from flask import Flask
from functional.applications import door_app
from functional.conftest import SignIn
from functional.program import Program, program_for
from functional.staff_visitor import text_of
from functional.test_door_under_odd_use import open_follow_up

from registry.runtime import Runtime

SECRET = "Ada Lovelock born 1815"


def broken(*_given: object, **_named: object) -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise ValueError(f"row of {SECRET}") from error


def test_a_page_shows_the_number_that_the_log_has(
    registry: Runtime, app: Flask, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    number = a_patient(registry).study_number
    app.view_functions["patients.show"] = broken
    nurse = sign_in("nurse")
    with caplog.at_level(logging.DEBUG):
        page = nurse.get(f"/patients/{number}", status=500)
    (incident,) = re.findall(
        r"Tell your administrator this number: ([0-9a-f]{8})", text_of(page.text)
    )
    (line,) = [one.getMessage() for one in caplog.records if "defect" in one.getMessage()]
    assert line.startswith(f"defect {incident} at GET patients.show\nbuiltins.ValueError\n")
    assert "builtins.KeyError" in line
    assert "test_incidents.py" in line
    for known in (number, "Ada", "1815", f"/patients/{number}"):
        assert known not in caplog.text, known
    assert SECRET not in page.text


def test_a_program_gets_the_number_as_instance(
    registry: Runtime, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    number = a_patient(registry).study_number
    program: Program = program_for(app, registry, "nurse")
    endpoint = next(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/patients/<") and rule.rule.endswith("/labs")
    )
    app.view_functions[endpoint] = broken
    incident = program.get(f"/patients/{number}/labs", 500)["instance"]
    assert f"defect {incident} at GET {endpoint}" in caplog.text
    assert number not in caplog.text
    assert "Ada" not in caplog.text


def test_the_door_tells_the_log_no_link(
    registry: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = open_follow_up(registry)
    door = door_app(registry)
    for endpoint in door.view_functions:
        door.view_functions[endpoint] = broken
    with caplog.at_level(logging.DEBUG):
        assert door.test_client().get(f"/s/{token}").status_code == 500
    assert "defect " in caplog.text
    assert token not in caplog.text
    assert "Ada" not in caplog.text
