"""The registry beside a published figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from registry.statistics.comparison import (
    TOO_FEW,
    compare,
    compare_outcome,
)
from registry.statistics.missing import OutcomeCounts
from registry.statistics.proportions import wilson
from registry.statistics.two_proportions import risk_difference


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 300))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(
    ("first", "second", "lower", "upper"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_examples_of_newcombe_1998_for_method_10(
    first: tuple[int, int], second: tuple[int, int], lower: float, upper: float
) -> None:
    difference = risk_difference(*first, *second)

    assert (round(difference.lower, 4), round(difference.upper, 4)) == (lower, upper)


@given(counts(), counts())
def test_newcombe_agrees_with_statsmodels(first: tuple[int, int], second: tuple[int, int]) -> None:
    ours = risk_difference(*first, *second)
    theirs = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff")

    assert (ours.lower, ours.upper) == pytest.approx(theirs, abs=1e-12)


@given(counts(), counts())
def test_swapping_the_sides_turns_the_sign(first: tuple[int, int], second: tuple[int, int]) -> None:
    ours, swapped = risk_difference(*first, *second), risk_difference(*second, *first)

    assert (ours.estimate, ours.lower) == pytest.approx((-swapped.estimate, -swapped.upper))
    assert -1 <= ours.lower <= ours.estimate <= ours.upper <= 1


def test_an_empty_side_is_not_estimable() -> None:
    for sides in ((0, 0, 3, 10), (3, 10, 0, 0)):
        difference = risk_difference(*sides)
        assert (difference.estimate, difference.lower, difference.upper) == (None, None, None)
        assert difference.reason


@pytest.mark.parametrize(
    ("due", "responders", "nonresponders", "rule", "published", "verdict"),
    [
        (1000, 200, 800, "nri", (500, 1000), "registry lower"),
        (1000, 800, 200, "nri", (500, 1000), "registry higher"),
        (1000, 200, 700, "observed_only", (500, 1000), "registry lower"),
        (400, 130, 170, "observed_only", (240, 400), "not determined: depends on the 100 silent"),
        (40, 13, 17, "nri", (15, 40), TOO_FEW),
        (4, 1, 2, "nri", (5, 6), TOO_FEW),
        (1000, 200, 300, "nri", (300, 1000), "not determined: depends on the 500 silent"),
        (0, 0, 0, "nri", (5, 6), TOO_FEW),
    ],
)
def test_the_verdict_needs_all_three_intervals_on_one_side(
    due: int,
    responders: int,
    nonresponders: int,
    rule: str,
    published: tuple[int, int],
    verdict: str,
) -> None:
    counts = OutcomeCounts(due, responders, nonresponders, 0)

    assert compare_outcome(counts, rule, *published).verdict == verdict


def test_bounds_on_opposite_sides_are_not_determined_even_if_the_rule_sees_no_difference() -> None:
    counts = OutcomeCounts(1000, 250, 250, 0)

    comparison = compare_outcome(counts, "observed_only", 500, 1000)

    assert comparison.risk_difference.estimate == 0
    assert comparison.verdict == "not determined: depends on the 500 silent"


def test_the_blinded_trial_is_too_small_to_tell_from_its_own_placebo() -> None:
    assert compare(wilson(9, 12), (5, 6), rule="as printed").verdict == TOO_FEW


@given(counts(), counts())
def test_without_silent_patients_nothing_is_called_undetermined(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    verdict = compare(wilson(*first), second, rule="observed_only").verdict

    assert verdict in {TOO_FEW, "registry lower", "registry higher"}


@given(counts(), counts())
def test_no_direction_is_claimed_against_the_interval(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    comparison = compare(wilson(*first), second, rule="nri", silent=3)
    difference = comparison.risk_difference

    if comparison.verdict.startswith("registry"):
        assert not difference.lower <= 0 <= difference.upper


def test_both_sides_are_written_with_their_counts_intervals_and_rule() -> None:
    comparison = compare_outcome(OutcomeCounts(40, 13, 17, 2), "nri", 22, 68)
    written = comparison.as_json()

    assert written["registry"] == wilson(13, 40).as_json() | {"rule": "nri"}
    assert written["published"] == wilson(22, 68).as_json()
    assert set(written["risk_difference"]) == {"estimate", "lower", "upper", "method"}
    assert (comparison.lowest, comparison.highest) == (wilson(13, 40), wilson(21, 40))


def test_the_level_reaches_both_sides_and_the_difference() -> None:
    comparison = compare_outcome(OutcomeCounts(40, 13, 17, 2), "nri", 22, 68, level=0.9)

    assert comparison.published == wilson(22, 68, 0.9)
    assert comparison.risk_difference == risk_difference(13, 40, 22, 68, level=0.9)
