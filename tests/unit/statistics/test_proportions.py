"""One proportion against published vectors, other libraries and exact coverage."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from registry.statistics.proportions import (
    METHODS,
    binomial_test,
    clopper_pearson,
    proportion,
    restated,
    wilson,
    zero_event_upper,
)
from registry.statistics.values import NotEstimable

LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99])
EVERY = st.sampled_from(METHODS)


@st.composite
def counts(draw: st.DrawFn, largest: int = 2000) -> tuple[int, int]:
    n = draw(st.integers(1, largest))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(
    ("x", "n", "lower", "upper"),
    [
        (13, 40, 20.1, 48.0),
        (37, 40, 80.1, 97.4),
        (3, 24, 4.3, 31.0),
        (22, 81, 18.7, 37.7),
        (22, 68, 22.4, 44.2),
        (9, 12, 46.8, 91.1),
        (5, 6, 43.6, 97.0),
        (1, 12, 1.5, 35.4),
    ],
)
def test_wilson_to_one_decimal_of_a_percent(x: int, n: int, lower: float, upper: float) -> None:
    share = wilson(x, n)

    assert (round(100 * share.lower, 1), round(100 * share.upper, 1)) == (lower, upper)
    assert (share.estimate, share.method) == (x / n, "wilson")


@pytest.mark.parametrize(
    ("x", "n", "wilson_limits", "exact_limits"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_the_four_examples_of_newcombe_1998(
    x: int, n: int, wilson_limits: tuple[float, float], exact_limits: tuple[float, float]
) -> None:
    for share, limits in ((wilson(x, n), wilson_limits), (clopper_pearson(x, n), exact_limits)):
        assert (round(share.lower, 4), round(share.upper, 4)) == limits


@given(counts(), LEVELS)
def test_both_methods_agree_with_scipy_and_statsmodels(xn: tuple[int, int], level: float) -> None:
    x, n = xn
    for method, theirs, statsmodels in (
        ("wilson", "wilson", "wilson"),
        ("clopper-pearson", "exact", "beta"),
    ):
        ours = proportion(x, n, method, level)
        scipy = stats.binomtest(x, n).proportion_ci(level, method=theirs)
        other = proportion_confint(x, n, 1 - level, method=statsmodels)
        assert (ours.lower, ours.upper) == pytest.approx((scipy.low, scipy.high), abs=1e-9)
        assert (ours.lower, ours.upper) == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize(
    ("method", "limits"),
    [
        ("wilson-continuity", [(0.2535, 0.3682), (0.0598, 0.1644), (0, 0.2005), (0.0018, 0.1963)]),
        ("mid-p", [(0.2544, 0.3658), (0.0601, 0.1581), (0, 0.1391), (0.0017, 0.1585)]),
    ],
)
def test_corrected_and_mid_p_limits_as_newcombe_1998_prints_them(
    method: str, limits: list[tuple[float, float]]
) -> None:
    for (x, n), printed in zip(((81, 263), (15, 148), (0, 20), (1, 29)), limits, strict=True):
        share = proportion(x, n, method)
        assert (round(share.lower, 4), round(share.upper, 4)) == printed


@given(counts(), LEVELS)
def test_wilson_with_correction_agrees_with_scipy(xn: tuple[int, int], level: float) -> None:
    x, n = xn
    ours = proportion(x, n, "wilson-continuity", level)
    theirs = stats.binomtest(x, n).proportion_ci(level, method="wilsoncc")

    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(counts(), LEVELS)
def test_agresti_coull_and_jeffreys_agree_with_statsmodels_between_the_ends(
    xn: tuple[int, int], level: float
) -> None:
    x, n = xn
    for method, theirs in (("agresti-coull", "agresti_coull"), ("jeffreys", "jeffreys")):
        ours = proportion(x, n, method, level)
        lower, upper = proportion_confint(x, n, 1 - level, method=theirs)
        assert ours.lower == pytest.approx(lower if x else 0, abs=1e-9)
        assert ours.upper == pytest.approx(upper if x < n else 1, abs=1e-9)


@given(counts(), LEVELS)
def test_mid_p_limits_are_where_the_mid_p_is_half_of_alpha(
    xn: tuple[int, int], level: float
) -> None:
    x, n = xn
    share, tail = proportion(x, n, "mid-p", level), (1 - level) / 2

    def above(p: float) -> float:
        return float(stats.binom.sf(x, n, p) + stats.binom.pmf(x, n, p) / 2)

    if x:
        assert above(share.lower) == pytest.approx(tail, rel=1e-6)
    if x < n:
        assert 1 - above(share.upper) == pytest.approx(tail, rel=1e-5, abs=1e-12)


@given(counts(), st.floats(0.001, 0.999))
def test_the_binomial_test_agrees_with_scipy(xn: tuple[int, int], p: float) -> None:
    theirs = stats.binomtest(*xn, p).pvalue

    assert binomial_test(*xn, p) == pytest.approx(theirs, rel=1e-5, abs=1e-13)


def test_the_binomial_test_at_the_ends() -> None:
    assert binomial_test(0, 0, 0.3) == 1
    assert (binomial_test(0, 9, 0.0), binomial_test(3, 9, 0.0)) == (1, 0)
    assert binomial_test(682, 925, 0.75) == pytest.approx(0.3825, abs=5e-5)  # R: ?binom.test
    with pytest.raises(ValueError, match="cannot be tested"):
        binomial_test(3, 2, 0.5)


def test_a_share_is_restated_by_another_method_and_stays_not_estimable() -> None:
    assert restated(wilson(3, 9), "jeffreys") == proportion(3, 9, "jeffreys")
    empty = restated(proportion(0, 0, nobody="nobody answered"), "mid-p")
    assert (empty.reason, empty.method) == ("nobody answered", "mid-p")


@given(counts(), EVERY, LEVELS)
def test_the_interval_holds_the_share_and_mirrors(
    xn: tuple[int, int], method: str, level: float
) -> None:
    x, n = xn
    share, mirror = proportion(x, n, method, level), proportion(n - x, n, method, level)

    assert 0 <= share.lower <= share.estimate <= share.upper <= 1
    assert share.lower < share.upper
    assert share.lower == pytest.approx(1 - mirror.upper, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 7, 40, 1000])
def test_the_ends_are_exactly_0_and_1_and_limits_rise_with_x(method: str, n: int) -> None:
    shares = [proportion(x, n, method) for x in range(n + 1)]

    assert (shares[0].lower, shares[-1].upper) == (0.0, 1.0)
    assert all(a.lower <= b.lower and a.upper <= b.upper for a, b in pairwise(shares))
    if method in ("wilson", "clopper-pearson"):
        assert all(a.lower < b.lower and a.upper < b.upper for a, b in pairwise(shares))


def _coverage(method: str, n: int, p: float) -> float:
    shares = [proportion(x, n, method) for x in range(n + 1)]
    return sum(stats.binom.pmf(s.x, n, p) for s in shares if s.lower <= p <= s.upper)


def _mean_coverage(method: str, n: int, grid: list[float]) -> float:
    return sum(_coverage(method, n, p) for p in grid) / len(grid)


@pytest.mark.parametrize("n", [1, 5, 12, 30])
def test_exact_intervals_cover_always_and_wilson_on_average(n: int) -> None:
    grid = [i / 200 for i in range(1, 200)]

    assert min(_coverage("clopper-pearson", n, p) for p in grid) >= 0.95
    assert _mean_coverage("wilson", n, grid) == pytest.approx(0.95, abs=0.02)
    if n > 1:
        assert _mean_coverage("jeffreys", n, grid) == pytest.approx(0.95, abs=0.02)
        assert 0.95 <= _mean_coverage("mid-p", n, grid) <= 0.98
    assert min(_coverage("wilson-continuity", n, p) for p in grid) >= 0.94


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_nothing_is_not_estimable(method: str) -> None:
    share = proportion(0, 0, method, nobody="nobody answered")

    assert (share.estimate, share.lower, share.upper) == (None, None, None)
    assert share.reason == "nobody answered"


@pytest.mark.parametrize(("x", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_an_impossible_proportion_is_refused(x: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        proportion(x, n)


def test_an_unknown_method_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="wald"):
        proportion(1, 2, "wald")


@pytest.mark.parametrize(("n", "upper"), [(1, 0.95), (10, 0.2589), (20, 0.1391), (100, 0.0295)])
def test_no_event_among_n_has_a_one_sided_upper_bound(n: int, upper: float) -> None:
    bound = zero_event_upper(n)

    assert round(bound, 4) == upper
    assert (1 - bound) ** n == pytest.approx(0.05)
    assert bound < clopper_pearson(0, n).upper


def test_the_rule_of_three_is_only_an_approximation() -> None:
    assert zero_event_upper(10) < 3 / 10
    assert math.isclose(zero_event_upper(3000), 3 / 3000, rel_tol=2e-3)


def test_no_event_among_nobody_has_no_bound() -> None:
    assert isinstance(zero_event_upper(0), NotEstimable)
    with pytest.raises(ValueError, match="-1"):
        zero_event_upper(-1)
