"""Rates against chi-square limits, other libraries and simulated patients."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.rates import confint_poisson

from registry.statistics.rates import (
    EventSums,
    eair,
    event_rate,
    person_years,
    zero_event_rate_upper,
)
from registry.statistics.values import NotEstimable

PATIENT = st.tuples(st.integers(0, 6), st.integers(1, 730))


def sums(patients: list[tuple[int, int]]) -> EventSums:
    return EventSums(
        sum(e for e, _ in patients),
        sum(t for _, t in patients),
        sum(e * e for e, _ in patients),
        sum(e * t for e, t in patients),
        sum(t * t for _, t in patients),
    )


def test_a_year_has_365_and_a_quarter_days() -> None:
    assert person_years(1461) == 4


@pytest.mark.parametrize(
    ("x", "lower", "upper"), [(0, 0.0, 3.689), (1, 0.025, 5.572), (5, 1.623, 11.668)]
)
def test_garwood_limits_as_tabulated(x: int, lower: float, upper: float) -> None:
    rate = eair(x, 365_25)

    assert (rate.estimate, rate.method) == (x, "garwood")
    assert (round(rate.lower, 3), round(rate.upper, 3)) == (lower, upper)


@given(st.integers(0, 3000), st.integers(1, 10**7), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_garwood_agrees_with_chi_square_and_statsmodels(x: int, days: int, level: float) -> None:
    rate, years, tail = eair(x, days, level=level), days / 365.25, (1 - level) / 2
    lower = stats.chi2.ppf(tail, 2 * x) / 2 / years * 100 if x else 0.0
    upper = stats.chi2.ppf(1 - tail, 2 * x + 2) / 2 / years * 100
    theirs = np.array(confint_poisson(x, years, "exact-c", 1 - level)) * 100

    assert (rate.lower, rate.upper) == pytest.approx((lower, upper), rel=1e-9)
    assert (rate.lower, rate.upper) == pytest.approx((theirs[0] if x else 0.0, theirs[1]), rel=1e-9)
    assert rate.lower <= rate.estimate <= rate.upper


def test_no_exposure_is_not_estimable() -> None:
    for rate in (eair(0, 0), event_rate(EventSums(0, 0, 0, 0, 0))):
        assert (rate.estimate, rate.lower, rate.upper) == (None, None, None)
        assert rate.reason == "no time at risk"
    assert isinstance(zero_event_rate_upper(0), NotEstimable)


@given(st.lists(PATIENT, min_size=1, max_size=40))
def test_the_robust_interval_is_the_formula_over_patients(patients: list[tuple[int, int]]) -> None:
    result = event_rate(sums(patients))
    e, t = np.array(patients, dtype=float).T
    if e.sum() == 0:
        assert (result.estimate, result.lower) == (0, 0)
        return
    rate = e.sum() / t.sum()
    variance = ((e - rate * t) ** 2).sum() / e.sum() ** 2

    assert result.estimate == pytest.approx(rate * 36525)
    if result.reason is None:
        half = stats.norm.ppf(0.975) * math.sqrt(variance)
        limits = (result.estimate * math.exp(-half), result.estimate * math.exp(half))
        assert (result.lower, result.upper) == pytest.approx(limits, rel=1e-9)
    else:
        assert variance == pytest.approx(0, abs=1e-12)


def test_repeats_within_a_patient_widen_the_interval() -> None:
    spread = event_rate(sums([(1, 365)] * 10 + [(0, 365)] * 10))
    repeated = event_rate(sums([(5, 365)] * 2 + [(0, 365)] * 18))

    assert spread.estimate == repeated.estimate
    assert repeated.upper / repeated.lower > spread.upper / spread.lower


def test_the_order_of_patients_changes_no_bit() -> None:
    patients = [(1, 100), (0, 731), (3, 55), (2, 400)]

    assert event_rate(sums(patients)) == event_rate(sums(patients[::-1]))


@pytest.mark.parametrize("patients", [[(2, 300)], [(1, 100), (2, 200)]])
def test_patients_without_differences_give_no_interval_of_zero_width(
    patients: list[tuple[int, int]],
) -> None:
    result = event_rate(sums(patients))

    assert result.estimate is not None
    assert (result.lower, result.upper) == (None, None)
    assert "variance" in result.reason


def test_no_event_has_the_one_sided_bound_of_three_over_the_years() -> None:
    result = event_rate(EventSums(0, 36525, 0, 0, 365250))

    assert result.upper == zero_event_rate_upper(36525) == pytest.approx(-math.log(0.05))
    assert "one-sided" in result.method


def test_the_level_reaches_the_limits() -> None:
    patients = sums([(1, 365)] * 10 + [(0, 365)] * 10)

    assert event_rate(patients, level=0.8).upper < event_rate(patients).upper
    assert zero_event_rate_upper(36525, level=0.9) == pytest.approx(-math.log(0.1))


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        eair(-1, 10)
    with pytest.raises(ValueError, match="negative"):
        event_rate(EventSums(1, -10, 1, 1, 1))
