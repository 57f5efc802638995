"""The report by API: the same bytes as the command's, and who gets which profile."""

from collections.abc import Callable
from datetime import date
from typing import Any

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


def expected(runtime: Runtime, **cut: Any) -> str:
    """What `registry report --json` writes."""
    with reading(runtime) as session:
        protocol = protocols.in_force(session, cut.get("known_at")).protocol
        return build(session, protocol, published.library(), **cut).as_text()


def test_exact_figures_are_the_commands_byte_for_byte(
    registry: Runtime, program: Callable[..., Program], clock: FixedClock
) -> None:
    a_patient(registry, treated_on=date(2026, 1, 1))
    known_at, past = clock.now(), date(2026, 1, 4)
    clock.advance(days=40)
    a_patient(registry, treated_on=date(2026, 2, 1))
    today = clock.now().date()
    manager = program("data_manager")
    for query, cut in (
        ({"as_of": past.isoformat()}, {"as_of": past}),
        ({"known_at": known_at.isoformat()}, {"as_of": today, "known_at": known_at}),
        ({"site": "A"}, {"as_of": today, "site": "A"}),
    ):
        answer = manager.call("GET", REPORT, query_string=query)
        assert answer.text == expected(registry, **cut)


def test_released_figures_are_the_commands_byte_for_byte(
    registry: Runtime, program: Callable[..., Program]
) -> None:
    a_patient(registry, treated_on=date(2025, 11, 1))
    answer = program("analyst").call("GET", REPORT)
    assert answer.text == expected(registry, as_of=date(2025, 12, 31), profile="release")


@pytest.mark.parametrize(
    ("role", "home", "site", "profile"),
    [
        ("data_manager", None, None, "internal"),
        ("nurse", None, "A", "internal"),
        ("nurse", "A", "A", "internal"),
        ("analyst", None, None, "release"),
        ("auditor", None, None, "release"),
    ],
)
def test_exact_counts_go_to_those_who_work_with_the_records(
    program: Callable[..., Program], role: str, home: str | None, site: str | None, profile: str
) -> None:
    query = {"site": site} if site else {}
    assert program(role, site=home).get(REPORT, query_string=query)["profile"] == profile


def test_figures_of_another_site_are_not_there(program: Callable[..., Program]) -> None:
    for role in ("nurse", "analyst"):
        foreign = program(role, site="A").call("GET", REPORT, 404, query_string={"site": "B"})
        missing = program(role, site="A").call("GET", REPORT, 404, query_string={"site": "Z"})
        assert foreign.data == missing.data


def test_who_has_only_some_sites_says_which(program: Callable[..., Program]) -> None:
    assert program("nurse", site="A").get(REPORT, 422)["errors"].keys() == {"site"}


def test_a_site_that_is_too_small_to_be_released_is_refused(
    program: Callable[..., Program],
) -> None:
    told = program("analyst", site="A").get(REPORT, 403, query_string={"site": "A"})
    assert "fewer than 20" in told["detail"]


@pytest.mark.parametrize(
    "query",
    [
        {"site": "A"},
        {"as_of": "2025-12-30"},
        {"as_of": "2025-11-30"},
        {"as_of": "2026-03-31"},
        {"known_at": "2026-01-01T00:00:00Z"},
    ],
)
def test_nothing_released_can_be_subtracted_from_another(
    program: Callable[..., Program], query: dict[str, str]
) -> None:
    told = program("analyst").get(REPORT, 422, query_string=query)
    assert told["errors"].keys() == query.keys()


def test_the_ends_of_past_quarters_are_released(program: Callable[..., Program]) -> None:
    for day in ("2025-12-31", "2025-09-30", "2024-03-31"):
        assert program("analyst").get(REPORT, query_string={"as_of": day})["as_of"] == day


def test_an_administrator_gets_no_figures(program: Callable[..., Program]) -> None:
    program("administrator").get(REPORT, 403)


@pytest.mark.parametrize(
    "query",
    [
        {"as_of": "yesterday"},
        {"as_of": "2026-01-06"},
        {"known_at": "2026-01-01T00:00:00"},
        {"profile": "internal"},
    ],
)
def test_a_cut_that_cannot_be_is_refused(
    program: Callable[..., Program], query: dict[str, str]
) -> None:
    told = program("data_manager").get(REPORT, 422, query_string=query)
    assert told["errors"].keys() == query.keys()
