"""The report by API: the same bytes as the command's, and who gets which profile."""

from collections.abc import Callable
from datetime import date

import pytest
from factories import a_patient, a_site
from flask import Flask
from functional.program import Program, program_for

from registry import published
from registry.clock import FixedClock
from registry.db import reading
from registry.queries import protocols
from registry.reports.report import build
from registry.runtime import Runtime

REPORT = "/statistics/report"


@pytest.fixture
def program(app: Flask, registry: Runtime) -> Callable[..., Program]:
    a_site(registry, "A")
    a_site(registry, "B")
    return lambda *roles, site=None: program_for(app, registry, *roles, site=site)


def test_the_report_is_the_commands_byte_for_byte(
    registry: Runtime, program: Callable[..., Program], clock: FixedClock
) -> None:
    a_patient(registry, treated_on=date(2026, 1, 1))
    known_at = clock.now()
    clock.advance(days=400)
    a_patient(registry, treated_on=date(2026, 6, 1))
    manager = program("data_manager")
    for cut in ({}, {"as_of": date(2026, 7, 1)}, {"known_at": known_at}, {"site": "A"}):
        with reading(registry) as session:
            expected = build(
                session,
                protocols.in_force(session, cut.get("known_at")).protocol,
                published.library(),
                **({"as_of": clock.now().date()} | cut),
            ).as_text()
        query = {
            name: getattr(value, "isoformat", lambda v=value: v)() for name, value in cut.items()
        }
        answer = manager.call("GET", REPORT, query_string=query)
        assert answer.text == expected


@pytest.mark.parametrize(
    ("role", "home", "site", "profile"),
    [
        ("data_manager", None, None, "internal"),
        ("nurse", None, "A", "internal"),
        ("nurse", "A", "A", "internal"),
        ("nurse", "A", None, "release"),
        ("analyst", None, None, "release"),
        ("auditor", None, None, "release"),
    ],
)
def test_exact_counts_go_to_those_who_work_with_the_records(
    program: Callable[..., Program], role: str, home: str | None, site: str | None, profile: str
) -> None:
    query = {"site": site} if site else {}
    assert program(role, site=home).get(REPORT, query_string=query)["profile"] == profile


def test_a_site_that_is_too_small_to_be_released_is_refused(
    program: Callable[..., Program],
) -> None:
    told = program("analyst").get(REPORT, 403, query_string={"site": "A"})
    assert "fewer than 20" in told["detail"]


def test_a_role_for_figures_opens_no_exact_counts_elsewhere(
    app: Flask, registry: Runtime, program: Callable[..., Program]
) -> None:
    program("nurse", site="A").get(REPORT, 404, query_string={"site": "B"})
    program("analyst", site="A").get(REPORT, 404, query_string={"site": "B"})
    program("analyst").get(REPORT, 404, query_string={"site": "Z"})


def test_an_administrator_gets_no_figures(program: Callable[..., Program]) -> None:
    program("administrator").get(REPORT, 403)


@pytest.mark.parametrize(
    "query", [{"as_of": "yesterday"}, {"known_at": "2026-01-01T00:00:00"}, {"profile": "internal"}]
)
def test_a_cut_that_cannot_be_read_is_refused(
    program: Callable[..., Program], query: dict[str, str]
) -> None:
    told = program("analyst").get(REPORT, 422, query_string=query)
    assert told["errors"].keys() == query.keys()
