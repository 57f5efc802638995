"""Matching one by one, without patterns to collapse to, against one pass of numpy over as much."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.measure import Result, seconds
from benchmarks.plan import Plan
from registry.statistics.design import Covariate
from registry.statistics.maic import Matched, match
from registry.statistics.moments import Mean
from registry.statistics.risk_sets import Values

PATIENTS, COVARIATES = 100_000, 6


def results(plan: Plan) -> Iterator[Result]:
    """Six numbers, each to a mean and a standard deviation that are not our own."""
    dice = np.random.default_rng(1)
    numbers = dice.normal(50, 10, (PATIENTS, COVARIATES))
    covariates = [Covariate(str(k), column.tolist()) for k, column in enumerate(numbers.T)]
    targets = [Mean(each.name, 53.0, 9.5) for each in covariates]
    people = np.ones(PATIENTS, dtype=np.int64)
    work = partial(match, targets, covariates, people, dice.integers(0, 2, PATIENTS))
    assert isinstance(work(), Matched)
    both, weights = np.hstack([numbers, numbers**2]), dice.random(PATIENTS)
    one_pass = partial(_pass, both, weights)
    ours, bare = [], []
    for _ in range(plan.rounds):
        ours.append(seconds(work))
        bare.append(seconds(one_pass))
    yield Result(
        f"Matching {PATIENTS:,} patients by {COVARIATES} means and standard deviations",
        "matchings",
        1,
        ours,
        {"X'WX of as many columns, once": bare},
        ["to reach for: a ratio of 0.025 or more (40 passes)"],
    )


def _pass(columns: Values, weights: Values) -> Values:
    curve: Values = columns.T @ (columns * weights[:, None])
    return curve
