"""Differences, ratios and odds of two proportions against papers, other libraries and formulas."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from registry.statistics.two_proportions import (
    DIFFERENCES,
    ODDS_RATIOS,
    RATIOS,
    odds_ratio,
    risk_difference,
    risk_ratio,
)
from registry.statistics.values import Estimate, z_value

Side = tuple[int, int]
LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99])
MEASURES = [
    *((risk_difference, method) for method in DIFFERENCES),
    *((risk_ratio, method) for method in RATIOS),
    *((odds_ratio, method) for method in ODDS_RATIOS),
]


@st.composite
def side(draw: st.DrawFn, largest: int = 300) -> Side:
    n = draw(st.integers(1, largest))
    return draw(st.integers(0, n)), n


@st.composite
def inner(draw: st.DrawFn) -> Side:
    n = draw(st.integers(4, 300))
    return draw(st.integers(1, n - 1)), n


# ---- differences


def profile_statistic(first: Side, second: Side, delta: float) -> float:
    """Score statistic with the likelihood maximised by search, not by the cubic."""
    (x1, n1), (x2, n2) = first, second
    low, high = max(0.0, -delta), min(1.0, 1 - delta)
    grid = np.linspace(low, high, 20001)[1:-1]
    for _ in range(3):
        p1 = grid + delta
        likelihood = (
            x1 * np.log(p1) + (n1 - x1) * np.log1p(-p1) + x2 * np.log(grid)
            + (n2 - x2) * np.log1p(-grid)
        )  # fmt: skip
        best, step = grid[int(likelihood.argmax())], grid[1] - grid[0]
        grid = np.linspace(max(low, best - step), min(high, best + step), 2001)[1:-1]
    variance = (best + delta) * (1 - best - delta) / n1 + best * (1 - best) / n2
    people = n1 + n2
    return float((x1 / n1 - x2 / n2 - delta) ** 2 / (variance * people / (people - 1)))


@pytest.mark.parametrize(
    ("first", "second", "lower", "upper"),
    [
        # method 10 beside it is tested in test_comparison; method 6 of Newcombe 1998, table II
        ((56, 70), (48, 80), 0.0528, 0.3382),
        ((9, 10), (3, 10), 0.1700, 0.8406),
        ((6, 7), (2, 7), 0.0342, 0.8534),
        ((5, 56), (0, 29), -0.0326, 0.1933),
        ((0, 10), (0, 20), -0.1658, 0.2844),
        ((0, 10), (0, 10), -0.2879, 0.2879),
        ((10, 10), (0, 20), 0.7156, 1.0),
        ((10, 10), (0, 10), 0.6636, 1.0),
    ],
)
def test_the_examples_of_newcombe_1998_for_miettinen_nurminen(
    first: Side, second: Side, lower: float, upper: float
) -> None:
    found = risk_difference(*first, *second, "miettinen-nurminen")

    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=6e-5)


def test_the_difference_is_right_where_statsmodels_takes_the_wrong_denominator() -> None:
    found = risk_difference(30, 100, 20, 90, "miettinen-nurminen")
    theirs = confint_proportions_2indep(30, 100, 20, 90, method="score", compare="diff")

    assert (found.lower, found.upper) == pytest.approx((-0.0487, 0.2009), abs=5e-5)
    assert (found.lower, found.upper) != pytest.approx(theirs, abs=5e-4)


@given(inner(), inner())
def test_the_limits_of_the_difference_are_where_the_profile_score_is_the_quantile(
    first: Side, second: Side
) -> None:
    found = risk_difference(*first, *second, "miettinen-nurminen")

    for limit in (found.lower, found.upper):
        if abs(limit) < 0.999:
            assert profile_statistic(first, second, limit) == pytest.approx(
                z_value(0.95) ** 2, rel=1e-3
            )


# ---- ratios


@given(inner(), inner(), LEVELS)
def test_risk_ratios_agree_with_statsmodels(first: Side, second: Side, level: float) -> None:
    for method, correction in (("miettinen-nurminen", True), ("koopman", False)):
        ours = risk_ratio(*first, *second, method, level)
        theirs = confint_proportions_2indep(
            *first, *second, method="score", compare="ratio", alpha=1 - level, correction=correction
        )
        assert (ours.lower, ours.upper) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(("first", "second", "lower", "upper"), [((36, 40), (16, 80), 2.94, 7.15)])
def test_the_example_of_koopman_1984(first: Side, second: Side, lower: float, upper: float) -> None:
    found = risk_ratio(*first, *second, "koopman")

    assert (round(found.lower, 2), round(found.upper, 2)) == (lower, upper)


@given(inner(), inner(), LEVELS)
def test_odds_ratios_agree_with_statsmodels(first: Side, second: Side, level: float) -> None:
    ours = odds_ratio(*first, *second, "score", level)
    with np.errstate(invalid="ignore"):  # statsmodels divides 0 by 0 where it tries a ratio of 1
        theirs = confint_proportions_2indep(
            *first, *second, method="score", compare="odds-ratio", alpha=1 - level
        )
    assume(np.isfinite(theirs).all())

    assert (ours.lower, ours.upper) == pytest.approx(theirs, rel=1e-6)


@given(side(60), side(60), LEVELS)
def test_exact_odds_ratios_agree_with_scipy(first: Side, second: Side, level: float) -> None:
    (x1, n1), (x2, n2) = first, second
    assume(0 < x1 + x2 < n1 + n2)
    ours = odds_ratio(*first, *second, "conditional", level)
    theirs = stats.contingency.odds_ratio([[x1, n1 - x1], [x2, n2 - x2]], kind="conditional")
    limits = theirs.confidence_interval(level)

    assert ours.estimate == pytest.approx(theirs.statistic, rel=1e-6)
    assert (ours.lower, ours.upper) == pytest.approx((limits.low, limits.high), rel=1e-6)


def test_the_odds_of_the_lady_tasting_tea_as_r_prints_them() -> None:
    found = odds_ratio(3, 4, 1, 4, "conditional")

    assert (round(found.estimate, 4), round(found.lower, 4)) == (6.4083, 0.2117)
    assert 621 < found.upper < 627  # R stops its search early, at 621.93


# ---- what holds for every one of them


@pytest.mark.parametrize(("measure", "method"), MEASURES)
@given(first=side(), second=side(), level=LEVELS)
@example(first=(0, 1), second=(1, 1), level=0.95)
@example(first=(1, 1), second=(0, 1), level=0.95)
@example(first=(0, 1), second=(0, 1), level=0.95)
@example(first=(1, 1), second=(1, 1), level=0.99)
def test_every_measure_holds_its_estimate_and_turns_when_the_sides_are_swapped(
    measure: object, method: str, first: Side, second: Side, level: float
) -> None:
    found: Estimate = measure(*first, *second, method, level)
    swapped: Estimate = measure(*second, *first, method, level)
    lower, upper = found.lower, found.upper
    if measure is risk_difference:
        other = (-swapped.upper, -swapped.lower)
        assert -1 <= lower <= found.estimate <= upper <= 1
    else:
        other = (inverse(swapped.upper), inverse(swapped.lower))
        assert 0 <= lower < upper
        assert found.estimate is None or lower <= found.estimate <= upper
    assert (lower, upper) == pytest.approx(other, rel=1e-7, abs=1e-9)
    assert not math.isnan(lower + upper)


def inverse(ratio: float) -> float:
    return 1 / ratio if ratio else math.inf


@given(side(), side(), LEVELS)
def test_the_score_intervals_leave_out_no_difference_exactly_when_the_score_test_does(
    first: Side, second: Side, level: float
) -> None:
    (x1, n1), (x2, n2) = first, second
    assume(0 < x1 + x2 < n1 + n2)
    z, _ = proportions_ztest([x1, x2], [n1, n2])
    squared = z * z * (n1 + n2 - 1) / (n1 + n2)
    assume(abs(squared - z_value(level) ** 2) > 1e-6)
    rejected = squared > z_value(level) ** 2
    difference = risk_difference(*first, *second, "miettinen-nurminen", level)
    ratio, odds = (measure(*first, *second, level=level) for measure in (risk_ratio, odds_ratio))

    assert (difference.lower > 0 or difference.upper < 0) == rejected
    assert (ratio.lower > 1 or ratio.upper < 1) == rejected
    assert (odds.lower > 1 or odds.upper < 1) == rejected


@pytest.mark.parametrize(("measure", "method"), MEASURES)
@pytest.mark.parametrize("sides", [(0, 0, 3, 10), (3, 10, 0, 0), (0, 0, 0, 0)])
def test_a_side_with_nobody_gives_no_estimate_and_says_why(
    measure: object, method: str, sides: tuple[int, int, int, int]
) -> None:
    found: Estimate = measure(*sides, method)

    assert (found.estimate, found.lower, found.upper) == (None, None, None)
    assert found.reason == "one side has nobody"


def test_an_empty_cell_gives_nought_or_infinity_and_a_finite_limit_on_the_other_side() -> None:
    for method in RATIOS:
        none, some = risk_ratio(0, 10, 5, 12, method), risk_ratio(5, 12, 0, 10, method)
        assert (none.estimate, none.lower, some.estimate, some.upper) == (0, 0, math.inf, math.inf)
        assert 0 < none.upper < math.inf
        assert some.lower > 0
    for x, why in ((0, "nobody"), (7, "everybody")):
        found = odds_ratio(x, 7, x, 7)
        assert (found.estimate, found.lower, found.upper) == (None, 0, math.inf)
        assert found.reason.startswith(why)
    assert risk_ratio(0, 7, 0, 7).as_json()["upper"] == "infinity"
    assert risk_ratio(7, 7, 7, 7).estimate == 1


def test_nothing_is_added_to_empty_cells() -> None:
    added = math.log(0.5 / 10.5) - math.log(5.5 / 12.5)

    assert odds_ratio(0, 10, 5, 12).estimate == 0
    assert odds_ratio(0, 10, 5, 12).upper != pytest.approx(math.exp(added), rel=0.1)


def test_large_registries_are_no_trouble() -> None:
    for measure, method in MEASURES:
        found = measure(300_000, 1_000_000, 22, 68, method)
        assert found.lower < found.estimate < found.upper
        assert math.isfinite(found.upper)
        assert measure(0, 1_000_000, 68, 68, method).lower <= 0


@pytest.mark.parametrize("measure", [risk_difference, risk_ratio, odds_ratio])
def test_impossible_counts_and_unknown_methods_are_refused(measure: object) -> None:
    with pytest.raises(ValueError, match="not two proportions"):
        measure(3, 2, 1, 2)
    with pytest.raises(ValueError, match="wald"):
        measure(1, 2, 1, 2, "wald")
