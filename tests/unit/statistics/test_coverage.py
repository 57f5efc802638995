"""Registries simulated with a known truth: the default intervals cover it as often as they say."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.statistics.missing import OutcomeCounts, best_case, worst_case
from registry.statistics.proportions import wilson
from registry.statistics.rates import EventSums, eair, event_rate
from registry.statistics.two_proportions import odds_ratio, risk_difference, risk_ratio
from registry.statistics.two_rates import rate_difference

REPLICATIONS = 2000
Limits = tuple[float, float]
Counts = NDArray[np.int64]


def covered(found: list[Limits], truth: float) -> float:
    """In how many of a hundred replications the limits hold the truth."""
    lower, upper = np.array(found).T
    return float(100 * np.mean((lower <= truth) & (truth <= upper)))


def interval(found: object) -> Limits:
    return found.lower, found.upper


def once_each(make: Callable[..., Limits], *counts: Counts) -> list[Limits]:
    """Equal counts have equal limits: each is worked out once."""
    rows = list(zip(*(each.tolist() for each in counts), strict=True))
    known = {row: make(*row) for row in set(rows)}
    return [known[row] for row in rows]


@pytest.mark.parametrize(("n", "share"), [(80, 0.3), (40, 0.05), (300, 0.08), (312, 0.55)])
def test_shares_are_covered(n: int, share: float) -> None:
    x = np.random.default_rng(1).binomial(n, share, REPLICATIONS)

    found = once_each(lambda x: interval(wilson(x, n)), x)
    assert 93 <= covered(found, share) <= 97


@pytest.mark.parametrize(
    ("measure", "truth"),
    [
        (risk_difference, 0.32 - 0.45),
        (risk_ratio, 0.32 / 0.45),
        (odds_ratio, (32 / 68) / (45 / 55)),
    ],
)
def test_comparisons_are_covered(measure: Callable[..., object], truth: float) -> None:
    dice = np.random.default_rng(2)
    x1, x2 = dice.binomial(180, 0.32, REPLICATIONS), dice.binomial(68, 0.45, REPLICATIONS)

    found = once_each(lambda a, b: interval(measure(a, 180, b, 68)), x1, x2)
    assert 93 <= covered(found, truth) <= 97


def followed(patients: int, per_year: float) -> tuple[Counts, Counts]:
    """Patients with a first event and days to it or to leaving, in every replication."""
    dice = np.random.default_rng(3)
    size = (REPLICATIONS, patients)
    event = dice.exponential(365.25 / per_year, size)
    leaves = np.minimum(dice.uniform(100, 1500, size), 730)
    days = np.minimum(event, leaves)
    return (event <= leaves).sum(axis=1), np.round(days.sum(axis=1)).astype(int)


def test_exposure_adjusted_rates_are_covered() -> None:
    patients, days = followed(150, 0.25)

    found = [interval(eair(x, t)) for x, t in zip(patients.tolist(), days.tolist(), strict=True)]
    assert 93 <= covered(found, 25.0) <= 97


def test_rates_of_events_that_cluster_in_patients_are_covered_and_garwoods_are_not() -> None:
    dice = np.random.default_rng(4)
    size = (REPLICATIONS, 200)
    days = dice.integers(200, 731, size)
    frailty = dice.gamma(0.5, 2.0, size)
    events = dice.poisson(frailty * 0.4 * days / 365.25)
    sums = [
        EventSums(int(e.sum()), int(t.sum()), int(e @ e), int(e @ t), int(t @ t))
        for e, t in zip(events, days, strict=True)
    ]

    assert 93 <= covered([interval(event_rate(each)) for each in sums], 40.0) <= 97
    assert covered([interval(eair(each.events, each.days)) for each in sums], 40.0) < 90


def test_rate_differences_are_covered() -> None:
    dice = np.random.default_rng(5)
    x1, x2 = dice.poisson(25, REPLICATIONS), dice.poisson(16, REPLICATIONS)

    found = once_each(lambda a, b: interval(rate_difference(a, 2.0, b, 1.0)), x1, x2)
    assert 93 <= covered(found, 12.5 - 16) <= 97


def test_the_bounds_hold_what_the_silent_would_have_answered_always() -> None:
    dice = np.random.default_rng(6)
    has = dice.random((REPLICATIONS, 120)) < 0.4
    # the well answer more often, as badly as silence can be
    answers = dice.random(has.shape) < np.where(has, 0.8, 0.3)
    for better, told in zip(has, answers, strict=True):
        counts = OutcomeCounts(120, int((better & told).sum()), int((~better & told).sum()), 0)
        low, high = worst_case(counts).estimate, best_case(counts).estimate
        assert low <= better.mean() <= high
