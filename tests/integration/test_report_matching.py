"""Matching in the report: from patterns in SQL to the keys of the contract."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from spec.cohorts import Chance, fill, made
from spec.little import AT, BY, TREATED, Answered, Person
from sqlalchemy import select

from registry import audit
from registry.db import transaction
from registry.models import Covariate
from registry.reports.charts.matching import balance
from registry.reports.report import Report
from registry.reports.values import Note
from registry.runtime import Runtime
from registry.statistics import design
from registry.statistics.maic import Matched, match
from registry.statistics.maic_contrasts import contrasts
from registry.statistics.moments import Mean, Share

KEYS = {
    "ess", "n", "estimate", "lower", "upper", "weights_max", "balance", "refused",
    "risk_difference", "not_available", "left_out", "level", "method", "warning", "rule", "notes",
    "bootstrap",
}  # fmt: skip
BELIMUMAB = [Mean("age", 32.3, 9.65), Share("sex", "female", 0.929), Mean("sledai", 9.8, 3.83)]


def someone(chance: Chance) -> Person:
    """A patient who dies the sooner, the older and iller; some are not known by everything."""
    age, sledai = chance.randint(20, 60), chance.randint(4, 20)
    dies = chance.random() < 0.02 + (age - 20) / 150 + sledai / 150
    baseline = {} if chance.random() < 0.05 else {"sledai": sledai}
    answer = Answered(12, 365, values={"responder": float(chance.random() < 0.4)})
    return Person(
        treated_on=TREATED - timedelta(days=chance.randint(0, 300)),
        death=chance.randint(1, 300) if dies else None,
        left=chance.randint(1, 300) if chance.random() < 0.05 else None,
        age=chance.choice((None, *(age,) * 12)),
        sex=chance.choice(("female", "female", "female", "male")),
        baseline=baseline | {"nephritis": chance.choice(("yes", "no"))},
        answers=() if dies else (answer,),
    )


def patients(size: int) -> list[Person]:
    chance = Chance(3)
    return [someone(chance) for _ in range(size)]


@pytest.fixture
def lite(make: Any, sqlite_url: str) -> Runtime:
    runtime: Runtime = make(sqlite_url)
    return runtime


def of(report: Report, study: str, outcome: str, arm: str = "") -> Any:
    """The whole comparison as JSON; `arm`: a part of the arm's name."""
    written = json.loads(report.as_text())["comparisons"]
    (found,) = (
        one
        for one in written
        if (one["study"], one["outcome"]) == (study, outcome) and arm in one["arm"]
    )
    return found


def one_by_one(cohort: Sequence[Person]) -> Matched:
    """Deaths of the due and not gone by day 365 from one row per patient, without SQL."""
    known = [p for p in cohort if p.left is None or (p.death is not None and p.death <= p.left)]
    covariates = [
        design.Covariate("age", [p.age for p in known]),
        design.Covariate("sex", [p.sex for p in known]),
        design.Covariate("sledai", [p.baseline.get("sledai") for p in known]),
    ]
    dead = np.array([int(p.death is not None) for p in known])
    found = match(BELIMUMAB, covariates, np.ones(len(known), dtype=np.int64), dead)
    assert isinstance(found, Matched)
    return found


def test_patterns_in_sql_give_what_single_rows_give(runtime: Runtime) -> None:
    cohort = patients(200)
    fill(runtime, cohort)
    found = of(made(runtime), "cmp-belimumab-ne-asia", "death", "10")
    expected, maic = one_by_one(cohort), found["maic"]

    assert set(maic) == KEYS
    assert maic["refused"] is None
    assert (maic["method"], maic["warning"]) == (expected.method, expected.warning)
    assert maic["rule"] == found["registry"]["rule"]
    assert maic["bootstrap"] is None
    for name in ("ess", "n", "left_out", "estimate", "lower", "upper", "level", "weights_max"):
        assert maic[name] == pytest.approx(getattr(expected, name), rel=1e-8), name
    x, n = found["published"]["x"], found["published"]["n"]
    difference = contrasts(expected, x, n).risk_difference
    assert maic["risk_difference"]["lower"] == pytest.approx(difference.lower, rel=1e-8)
    assert [each["name"] for each in maic["balance"]] == [
        "age, mean", "age, SD", "sex female", "sledai, mean", "sledai, SD",
    ]  # fmt: skip
    for each in maic["balance"]:
        assert each["after"] == pytest.approx(each["published"], rel=1e-6)
    assert maic["not_available"] == [
        "lupus nephritis: not printed by the study",
        "prednisone, mg a day: not printed by the study",
    ]
    others = "printed of 451, the figure is of 470"
    assert maic["notes"] == [
        f"age: {others}", f"sex female: {others}", "sledai: SELENA-SLEDAI", f"sledai: {others}",
    ]  # fmt: skip


def test_what_is_said_of_a_figure_stands_at_that_figure_alone(lite: Runtime) -> None:
    fill(lite, patients(120))
    built = made(lite)
    (each,) = (
        one
        for one in built.comparisons
        if (one.study, one.outcome.code) == ("cmp-belimumab-ne-asia", "death") and "10" in one.arm
    )
    notes = (Note("sex female", "tabulated"), Note("sex", "of all"), Note("sledai", "SELENA"))
    told = replace(each, matched=replace(each.matched, notes=notes))
    rows = balance([told], built.library).rows
    said = ["", "", "tabulated", "SELENA", "SELENA"]
    assert [row[-1] for row in rows] == said


def test_a_part_of_the_patients_is_not_matched_to_the_baseline_of_all(lite: Runtime) -> None:
    fill(
        lite,
        [
            replace(one, baseline=one.baseline | {"prednisone_mg_per_day": 5 + 10 * (n % 2)})
            for n, one in enumerate(patients(60))
        ],
    )
    found = of(made(lite), "cmp-tulip-pooled", "steroid_reduced", "nifrolumab")["maic"]
    assert found["refused"] == (
        "the figure is of a part of the study's patients, and its baseline is not printed of that "
        "part"
    )
    assert found["not_available"][:2] == [
        "age: not printed of the 190 of the figure", "female: not printed of the 190 of the figure",
    ]  # fmt: skip
    assert (found["method"], found["level"], found["rule"]) == (None, None, "nri")


def test_silence_counts_by_the_rule_of_the_outcome(lite: Runtime) -> None:
    cohort = [replace(one, death=None, left=None) for one in patients(120)]
    silent = [replace(one, answers=()) if n % 3 == 0 else one for n, one in enumerate(cohort)]
    fill(lite, silent)
    built = made(lite)
    (side,) = (
        each.matched
        for each in built.comparisons
        if each.study == "msc-wang-2014-multicentre" and each.outcome.code == "responder"
    )
    found = side.found
    # 39 of 40 with nephritis, and silence counts as no response
    yes = [p for p in silent if p.baseline["nephritis"] == "yes"]
    no = [p for p in silent if p.baseline["nephritis"] == "no"]
    shares = [
        np.mean([bool(p.answers) and p.answers[0].values["responder"] for p in group])
        for group in (yes, no)
    ]
    assert found.estimate == pytest.approx(0.975 * shares[0] + 0.025 * shares[1])
    assert (found.n, found.left_out) == (120, 0)
    assert "age: not printed by the study" in side.absent
    known, heaviest = side.variants
    assert known.without == "only those whose outcome is known"
    assert known.found.n == sum(bool(p.answers) for p in silent)
    assert heaviest.found.n == 119


def test_a_study_without_baseline_and_one_that_nobody_can_match_say_so(lite: Runtime) -> None:
    people = [
        replace(one, baseline={"nephritis": one.baseline["nephritis"]}) for one in patients(60)
    ]
    fill(lite, people)
    built = made(lite)
    none = of(built, "msc-liang-2010-dah-case", "responder")["maic"]
    assert none["refused"] == "this study prints no baseline to match"
    assert (none["estimate"], none["balance"]) == (None, [])
    # all of its patients had nephritis, half of ours have not
    all_of_them = of(built, "msc-liang-2010", "responder")["maic"]
    assert all_of_them["refused"] == (
        "nephritis yes 1 lies at the edge of what our patients have (0 to 1)"
    )
    assert "sledai: not known of our patients" in all_of_them["not_available"]


def test_nobody_due_and_nobody_known_are_refused(lite: Runtime) -> None:
    for people in ([], [Person() for _ in range(5)]):
        fill(lite, people)
        found = of(made(lite), "cmp-belimumab-ne-asia", "death", "placebo")["maic"]
        said = "nothing that this study prints of its patients is known of ours"
        assert found["refused"] == said
        assert "age: not known of our patients" in found["not_available"]


def test_resamples_are_made_where_they_are_asked_for(lite: Runtime) -> None:
    fill(lite, patients(60))
    built = made(lite, resamples=30)
    maic = of(built, "cmp-belimumab-ne-asia", "death", "10")["maic"]
    some = maic["bootstrap"]
    assert (some["resamples"], some["seed"], some["level"]) == (30, 1, 0.95)
    assert some["lower"] < maic["estimate"] < some["upper"]


def test_a_release_shows_nothing_and_a_past_report_stays_as_it_was(lite: Runtime) -> None:
    fill(lite, patients(80))
    written = json.loads(made(lite, profile="release").as_text())
    assert written["comparisons"]
    assert all(one["maic"] == {"suppressed": True} for one in written["comparisons"])

    before = made(lite).as_text()
    later = AT + timedelta(days=30)
    with transaction(lite) as session:
        for row in session.scalars(select(Covariate).where(Covariate.name == "sledai")).all():
            row.superseded_at = later
            session.flush()
            kept = {
                c.key: getattr(row, c.key) for c in Covariate.__table__.columns if c.key != "id"
            }
            kept |= {"number": row.number + row.id % 7, "recorded_at": later, "superseded_at": None}
            session.add(Covariate(**kept))
        audit.record(session, by=BY, at=later, action="spec.corrected", subject="registry")

    assert made(lite).as_text() != before
    assert made(lite, known_at=later - timedelta(seconds=1)).as_text() == before
