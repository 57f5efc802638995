"""Comparisons carried through the report: every figure recomputed from the counts beside it."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from scipy import stats
from spec.cohorts import AS_OF, cohort, fill
from spec.little import Event, Person
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.rates import test_poisson_2indep as poisson_test

from registry import published
from registry.db import reading
from registry.protocols import Protocol, bundled, from_text
from registry.published import Library
from registry.published.figures import PersonTime
from registry.reports import download, report
from registry.runtime import Runtime


def made(
    runtime: Runtime,
    profile: str = "internal",
    library: Library | None = None,
    protocol: Protocol | None = None,
) -> report.Report:
    with reading(runtime) as session:
        return report.build(
            session,
            protocol or bundled(),
            library or published.library(),
            as_of=AS_OF,
            profile=profile,
        )


def with_person_time(library: Library, years: Decimal) -> Library:
    """The library as if every paper had printed its time at risk."""
    time = PersonTime(years, printed=False, basis="patients x a year")
    studies = (
        replace(study, figures=tuple(replace(f, person_time=time) for f in study.figures))
        for study in library.studies
    )
    return replace(library, studies=tuple(studies))


@pytest.fixture
def filled(make_runtime_lite: Runtime) -> Runtime:
    fill(make_runtime_lite, cohort(150))
    return make_runtime_lite


@pytest.fixture
def make_runtime_lite(make: Any, sqlite_url: str) -> Runtime:
    runtime: Runtime = make(sqlite_url)
    return runtime


def shown(comparisons: list[Any]) -> Iterator[tuple[Any, tuple[int, int, int, int]]]:
    """Comparisons whose counts are shown, with x1, n1, x2, n2."""
    for one in comparisons:
        if "x" in one["registry"]:
            sides = (one["registry"], one["published"])
            yield one, tuple(side[key] for side in sides for key in ("x", "n"))


def is_plain(x1: int, n1: int, x2: int, n2: int) -> bool:
    return 0 < x1 < n1 and 0 < x2 < n2


def test_every_figure_of_a_comparison_comes_from_the_counts_that_stand_in_it(
    filled: Runtime,
) -> None:
    for profile in ("internal", "release"):
        written: Any = json.loads(made(filled, profile).as_text())
        beside = list(shown(written["comparisons"]))
        assert len(beside) > 10
        for one, counts in beside:
            x1, n1, x2, n2 = counts
            table = [[x1, n1 - x1], [x2, n2 - x2]]
            assert one["p_fisher"] == pytest.approx(stats.fisher_exact(table).pvalue, abs=1e-9)
            if is_plain(*counts):
                check_ratios(one, counts)


def check_ratios(one: Any, counts: tuple[int, int, int, int]) -> None:
    x1, n1, x2, n2 = counts
    assert one["risk_ratio"]["estimate"] == pytest.approx(x1 * n2 / (x2 * n1))
    assert one["odds_ratio"]["estimate"] == pytest.approx(x1 * (n2 - x2) / (x2 * (n1 - x1)))
    for name, measure in (("risk_ratio", "ratio"), ("odds_ratio", "odds-ratio")):
        with np.errstate(invalid="ignore"):  # statsmodels divides 0 by 0 at a ratio of 1
            theirs = confint_proportions_2indep(*counts, method="score", compare=measure)
        if np.isfinite(theirs).all():
            assert (one[name]["lower"], one[name]["upper"]) == pytest.approx(theirs, rel=1e-5)


def test_what_a_release_hides_of_the_counts_it_hides_of_every_figure_made_of_them(
    filled: Runtime,
) -> None:
    fewer = made(filled, "release", with_person_time(published.library(), Decimal(100)))
    written: Any = json.loads(fewer.as_text())
    hidden = [one for one in written["comparisons"] if "x" not in one["registry"]]
    assert hidden
    for one in hidden:
        for name in ("risk_difference", "risk_ratio", "odds_ratio", "p_fisher", "p_boschloo"):
            assert one[name] == {"suppressed": True}
    assert all(
        one["rate_ratio"] == {"suppressed": True} or one["rate_ratio"]["estimate"] is None
        for one in written["comparisons"]
    )
    table = download.tables(fewer)["comparisons"]
    rows = list(csv.DictReader(io.StringIO(table.as_csv())))
    for row in (row for row in rows if row["registry_x"] == "suppressed"):
        figures = [row[c.name] for c in table.columns if c.name.startswith(("risk", "odds", "p_"))]
        assert set(figures) == {"suppressed"}
    assert not [row for row in rows if row["rate_ratio"] not in ("", "suppressed")]


def test_one_patient_more_or_less_changes_no_figure_of_a_release_by_less_than_a_step(
    make_runtime_lite: Runtime,
) -> None:
    """The attacker inverts every ratio: only the rounded count gives it."""
    fill(make_runtime_lite, cohort(150))
    written: Any = json.loads(made(make_runtime_lite, "release").as_text())
    for one, (x1, n1, x2, n2) in shown(written["comparisons"]):
        ratio = one["risk_ratio"]["estimate"]
        if x2 and isinstance(ratio, float):
            agreeing = [x for x in range(n1 + 1) if abs(x * n2 / (x2 * n1) - ratio) < 1e-9]
            assert agreeing == [x1]
            assert x1 % 5 == 0


def test_the_tipping_point_stands_with_the_outcome_for_every_paper_beside_it(
    filled: Runtime,
) -> None:
    written: Any = json.loads(made(filled).as_text())
    for month, wave in written["waves"].items():
        for code, outcome in wave["outcomes"].items():
            beside = [
                (one["study"], one["arm"])
                for one in written["comparisons"]
                if (str(one["months"]), one["outcome"]) == (month, code)
            ]
            tips = outcome["tipping_point"]
            if not beside:
                assert tips is None
                assert "no published figure" in outcome["reason"]
            else:
                assert [(tip["study"], tip["arm"]) for tip in tips] == beside
                x, due = outcome["worst_case"]["x"], outcome["worst_case"]["n"]
                assert {tip["silent"] for tip in tips} == {outcome["best_case"]["x"] - x}
                assert all(tip["sentence"].endswith(".") for tip in tips)
                assert due >= x


def test_rates_stand_beside_papers_that_print_their_time_at_risk(
    make_runtime_lite: Runtime,
) -> None:
    treated_on = date(2021, 1, 1)
    people = [Person(treated_on, events=(Event("Pneumonia", 100, serious=True),))] * 5
    people += [Person(treated_on)] * 20 + [Person(treated_on, death=200)]
    fill(make_runtime_lite, people)
    library = with_person_time(published.library(), Decimal(50))
    written: Any = json.loads(made(make_runtime_lite, library=library).as_text())
    timed = [one for one in written["comparisons"] if one["rate_ratio"]["estimate"] is not None]
    assert {"infinity"} < {str(one["rate_ratio"]["estimate"]) for one in timed}
    for one in timed:
        days = days_of(one["outcome"], one["months"])
        x1 = one["registry"]["x"]
        x2 = one["published"]["x"]
        ratio = x1 / days / (x2 / (50 * 365.25)) if x2 else "infinity"
        assert one["rate_ratio"]["estimate"] == pytest.approx(ratio)
        assert "person-time not printed, approximated by patients x a year" in one["mismatches"]
    others = [one for one in written["comparisons"] if one["outcome"] == "responder"]
    assert {one["rate_ratio"]["reason"] for one in others} == {"not an event in time"}


def days_of(outcome: str, months: int) -> int:
    by = round(months * 365.25 / 12)
    event = 0 if outcome == "death" else 5
    return event * min(100, by) + (25 - event) * by + min(200, by)


def test_without_printed_person_time_no_rate_ratio_is_made_up(filled: Runtime) -> None:
    written: Any = json.loads(made(filled).as_text())
    reasons = {one["rate_ratio"].get("reason") for one in written["comparisons"]}

    assert reasons <= {"the paper prints no person-time", "not an event in time"}


def test_the_download_has_every_test_and_the_exact_limits(filled: Runtime) -> None:
    made_here = made(filled)
    for row in download.tables(made_here)["comparisons"].as_json():
        x1, n1 = row["registry_x"], row["registry_n"]
        x2, n2 = row["published_x"], row["published_n"]
        if is_plain(x1, n1, x2, n2):
            table = [[x1, n1 - x1], [x2, n2 - x2]]
            chi = stats.chi2_contingency(table, correction=False).pvalue
            assert row["p_pearson"] == pytest.approx(chi)
            assert row["p_fisher_mid_p"] < row["p_fisher"]
    for row in download.tables(made_here)["safety"].as_json():
        exact = stats.binomtest(row["patients"], row["n"]).proportion_ci(method="exact")
        limits = (row["incidence_exact_lower"], row["incidence_exact_upper"])
        assert limits == pytest.approx((exact.low, exact.high))


def test_a_protocol_chooses_its_methods_and_the_report_names_them(filled: Runtime) -> None:
    content = json.loads(bundled().text) | {
        "statistics": {
            "share": "jeffreys",
            "difference": "miettinen-nurminen",
            "risk_ratio": "koopman",
            "odds_ratio": "conditional",
        }
    }
    protocol = from_text(json.dumps(content))
    assert protocol.fingerprint != bundled().fingerprint
    written: Any = json.loads(made(filled, protocol=protocol).as_text())
    usual: Any = json.loads(made(filled).as_text())
    for one, other in zip(written["comparisons"], usual["comparisons"], strict=True):
        methods = [
            one[name]["method"]
            for name in ("registry", "published", "risk_difference", "risk_ratio", "odds_ratio")
        ]
        assert methods == [
            "jeffreys", "jeffreys", "miettinen-nurminen", "koopman", "conditional",
        ]  # fmt: skip
        assert one["registry"]["x"] == other["registry"]["x"]
    assert written["waves"]["12"]["RR1_interval"] == usual["waves"]["12"]["RR1_interval"]


def test_rates_are_tested_exactly(make_runtime_lite: Runtime) -> None:
    fill(make_runtime_lite, [Person(date(2021, 1, 1), death=day) for day in (10, 20, 300)])
    library = with_person_time(published.library(), Decimal(50))
    for row in download.tables(made(make_runtime_lite, library=library))["comparisons"].as_json():
        if row["rate_ratio"] is not None and row["published_x"] and row["outcome"] == "death":
            days = sum(min(day, round(row["month"] * 365.25 / 12)) for day in (10, 20, 300))
            x1 = row["registry_x"]
            theirs = poisson_test(x1, days / 365.25, row["published_x"], 50, method="exact-cond")
            assert row["rate_p"] == pytest.approx(theirs.pvalue)
