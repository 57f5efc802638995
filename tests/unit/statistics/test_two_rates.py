"""Two rates against statsmodels, scipy and the definition of the score."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.rates import confint_poisson_2indep, test_poisson_2indep

from registry.statistics.two_rates import (
    compare_rates,
    no_rates,
    rate_difference,
    rate_ratio,
    rate_ratio_p,
)
from registry.statistics.values import NotEstimable, z_value

EVENTS = st.integers(0, 200)
YEARS = st.integers(1, 4000).map(lambda n: n / 8)
statsmodels_test = test_poisson_2indep
del test_poisson_2indep


def test_the_example_of_the_breast_cancer_study_of_rothman() -> None:
    # 41 in 28,010 and 15 in 19,017 person-years: ratio 1.86 (exact 1.01 to 3.61)
    found = rate_ratio(41, 28010, 15, 19017)

    assert round(found.estimate, 2) == 1.86
    assert (found.lower, found.upper) == pytest.approx((1.0, 3.6), abs=0.05)


@given(EVENTS, YEARS, EVENTS, YEARS)
def test_the_exact_ratio_is_where_the_binomial_tails_are_a_fortieth(
    x1: int, t1: float, x2: int, t2: float
) -> None:
    assume(x1 + x2)
    found = rate_ratio(x1, t1, x2, t2)

    for limit, tail in ((found.lower, "sf"), (found.upper, "cdf")):
        if 0 < limit < math.inf:
            share = limit * t1 / (limit * t1 + t2)
            law = stats.binom(x1 + x2, share)
            chance = law.sf(x1 - 1) if tail == "sf" else law.cdf(x1)
            assert chance == pytest.approx(0.025, rel=1e-6)


@given(EVENTS, YEARS, st.integers(1, 200), YEARS)
def test_the_exact_p_agrees_with_statsmodels(x1: int, t1: float, x2: int, t2: float) -> None:
    theirs = statsmodels_test(x1, t1, x2, t2, method="exact-cond").pvalue

    assert rate_ratio_p(x1, t1, x2, t2) == pytest.approx(theirs, rel=1e-6, abs=1e-12)


@given(st.integers(1, 200), YEARS, st.integers(1, 200), YEARS)
def test_the_score_difference_agrees_with_statsmodels(
    x1: int, t1: float, x2: int, t2: float
) -> None:
    found = rate_difference(x1, t1, x2, t2)
    scale = abs(found.upper - found.lower)

    for limit in (found.lower, found.upper):
        theirs = statsmodels_test(
            x1, t1, x2, t2, value=limit, compare="diff", method="score"
        ).statistic
        assert theirs**2 == pytest.approx(z_value(0.95) ** 2, rel=1e-6)
    wide = confint_poisson_2indep(x1, t1, x2, t2, method="wald", compare="diff")
    assert found.estimate == pytest.approx(x1 / t1 - x2 / t2, abs=1e-12)
    assert scale > 0.5 * (wide[1] - wide[0])


@given(EVENTS, YEARS, EVENTS, YEARS)
def test_the_difference_uses_the_most_likely_means(x1: int, t1: float, x2: int, t2: float) -> None:
    found = rate_difference(x1, t1, x2, t2)

    for delta in (found.lower, found.upper):

        def unlikely(second: float, delta: float = delta) -> float:
            first = second + delta
            logs = (x * math.log(m) if x else 0.0 for x, m in ((x1, first), (x2, second)))
            return t1 * first + t2 * second - sum(logs)

        low = max(0.0, -delta) + 1e-12
        best = optimize.minimize_scalar(
            unlikely, bounds=(low, low + (x1 + x2 + 1) / min(t1, t2)), method="bounded",
            options={"xatol": 1e-12},
        ).x  # fmt: skip
        variance = (best + delta) / t1 + best / t2
        squared = (x1 / t1 - x2 / t2 - delta) ** 2 / variance
        assert squared == pytest.approx(z_value(0.95) ** 2, rel=0.02)


@given(EVENTS, YEARS, EVENTS, YEARS, st.sampled_from([0.8, 0.95, 0.99]))
def test_swapping_the_sides_inverts_ratios_and_turns_differences(
    x1: int, t1: float, x2: int, t2: float, level: float
) -> None:
    ratio, other = rate_ratio(x1, t1, x2, t2, level), rate_ratio(x2, t2, x1, t1, level)
    ends = [1 / limit if limit else math.inf for limit in (other.upper, other.lower)]
    assert [ratio.lower, ratio.upper] == pytest.approx(ends, rel=1e-9)
    assert ratio.estimate is None or ratio.lower <= ratio.estimate <= ratio.upper
    one, turned = rate_difference(x1, t1, x2, t2, level), rate_difference(x2, t2, x1, t1, level)
    assert (one.lower, one.upper) == pytest.approx((-turned.upper, -turned.lower), rel=1e-9)
    assert one.lower <= one.estimate <= one.upper


def test_nothing_happening_is_a_result_and_no_time_is_none() -> None:
    nothing = rate_ratio(0, 10, 0, 20)
    assert (nothing.estimate, nothing.lower, nothing.upper) == (None, 0, math.inf)
    assert rate_ratio_p(0, 10, 0, 20) == 1
    assert rate_ratio(0, 10, 3, 20).upper < math.inf
    assert rate_ratio(3, 10, 0, 20).upper == math.inf
    assert rate_difference(0, 10, 0, 20).estimate == 0
    for found in (rate_ratio(0, 0, 3, 9), rate_difference(3, 9, 0, 0)):
        assert (found.estimate, found.lower, found.upper) == (None, None, None)
        assert found.reason == "no time at risk"
    assert rate_ratio_p(0, 0, 3, 9) == NotEstimable("no time at risk")
    with pytest.raises(ValueError, match="negative"):
        rate_ratio(-1, 1, 1, 1)


def test_days_of_ours_and_years_of_a_paper_are_brought_to_one_unit() -> None:
    found = compare_rates(12, 36525, 30, 500)

    assert found.ratio == rate_ratio(12, 1.0, 30, 5.0)
    assert found.difference.estimate == pytest.approx(12 - 6)
    assert found.p == pytest.approx(stats.binomtest(12, 42, 1 / 6).pvalue)
    assert no_rates("not printed").ratio.as_json()["reason"] == "not printed"


def test_the_score_interval_covers_at_its_level() -> None:
    x1 = np.arange(60)
    chance = np.outer(stats.poisson.pmf(x1, 12), stats.poisson.pmf(x1, 8))
    inside = [
        [(f := rate_difference(a, 100, b, 80)).lower <= 0.02 <= f.upper for b in range(30)]
        for a in range(35)
    ]

    assert (chance[:35, :30] * inside).sum() == pytest.approx(0.95, abs=0.012)
