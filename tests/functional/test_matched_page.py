"""Matching on the page of published figures, in its files, and what a release keeps back."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from functional.conftest import SignIn
from functional.figures_visitor import fill
from functional.staff_visitor import text_of
from spec.little import Answered, Person

from registry.runtime import Runtime

CUT = "as_of=2025-12-31"


def patients() -> list[Person]:
    """60 patients due for month 12: half with nephritis, a third silent, six dead."""
    people = []
    for n in range(60):
        answer = Answered(12, 365, values={"responder": float(n % 4 == 0)})
        one = Person(
            treated_on=date(2024, 6, 3),
            age=20 + 2 * n % 41,
            sex="male" if n % 5 == 0 else "female",
            baseline={"sledai": 4 + n % 15, "nephritis": "yes" if n % 2 else "no"},
            answers=(answer,) if n % 3 else (),
        )
        people.append(replace(one, answers=(), death=90 + n) if n % 10 == 7 else one)
    return people


@pytest.fixture
def runtime(make: Callable[[str], Runtime], sqlite_url: str) -> Runtime:
    """One database: the statement is tried on both where the report is."""
    return make(sqlite_url)


@pytest.fixture
def filled(registry: Runtime) -> Runtime:
    fill(registry, patients())
    return registry


BALANCE = "Better or much better: who is known, before and after weighting"


def test_the_matched_figures_stand_on_the_page_and_in_its_files(
    filled: Runtime, sign_in: SignIn
) -> None:
    staff = sign_in("data_manager", site=None)
    page = text_of(staff.get(f"/figures/published?{CUT}").text)
    assert "Matched to the studies' patients" in page
    assert "month 6: Shi 2012 this study prints no baseline to match" in page
    edge = "nephritis yes 1 lies at the edge of what our patients have (0 to 1)"
    assert f"month 12: Liang 2010 {edge}" in page
    assert "by age, sex female, sledai" in page
    assert "ESS " in page
    for caption in (
        "What was matched, before and after",
        "Patients by their weight, 1 being the average",
        "The same with something left out",
        "without the patient of the largest weight",
        "prednisone, mg a day: not printed by the study",
    ):
        assert caption in page
    drawn = staff.get(f"/figures/published/differences.svg?{CUT}").text
    assert "registry matched to the study" in drawn
    assert "fill-3" in drawn

    assert BALANCE in text_of(staff.get(f"/figures/outcomes?{CUT}").text)
    report = json.loads(staff.get(f"/figures/report.json?{CUT}").text)
    rows = list(csv.DictReader(io.StringIO(staff.get(f"/figures/published.csv?{CUT}").text)))
    for one, row in zip(report["comparisons"], rows, strict=True):
        maic = one["maic"]
        assert row["maic_refused"] == (maic["refused"] or "")
        if maic["refused"] is None:
            assert float(row["maic_ess"]) == pytest.approx(maic["ess"])
            assert row["maic_warning"] == (maic["warning"] or "")
            assert row["maic_notes"] == "; ".join(maic["notes"])
            difference = maic["risk_difference"]
            assert float(row["maic_difference_upper"]) == pytest.approx(difference["upper"])


def test_a_release_says_that_it_keeps_matching_back(filled: Runtime, sign_in: SignIn) -> None:
    staff = sign_in("analyst", site=None)
    page = text_of(staff.get(f"/figures/published?{CUT}").text)
    assert "Not shown in releases: weights and effective sample sizes" in page
    assert "ESS" not in page
    rows = list(csv.DictReader(io.StringIO(staff.get(f"/figures/published.csv?{CUT}").text)))
    matched = {row[name] for row in rows for name in row if name.startswith("maic_")}
    assert matched == {"suppressed"}
    assert (
        "fill-3" not in staff.get(f"/figures/published/differences.svg?{CUT}").text.split("<g")[-1]
    )
    assert BALANCE not in text_of(staff.get(f"/figures/outcomes?{CUT}").text)
