"""Exact tests of a 2x2 table against scipy, enumeration and tables known from books."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from registry.statistics.tables import (
    BOSCHLOO_LIMIT,
    boschloo,
    fisher,
    fisher_mid_p,
    pearson,
    table_tests,
)
from registry.statistics.values import NotEstimable

TESTS = [fisher, fisher_mid_p, boschloo, pearson]
Side = tuple[int, int]


@st.composite
def side(draw: st.DrawFn, largest: int = 40) -> Side:
    n = draw(st.integers(1, largest))
    return draw(st.integers(0, n)), n


def columns(first: Side, second: Side) -> list[list[int]]:
    """The groups as columns, as scipy's unconditional tests want them."""
    (x1, n1), (x2, n2) = first, second
    return [[x1, x2], [n1 - x1, n2 - x2]]


@given(side(400), side(400))
def test_fisher_agrees_with_scipy(first: Side, second: Side) -> None:
    theirs = stats.fisher_exact(columns(first, second)).pvalue

    assert fisher(*first, *second) == pytest.approx(theirs, rel=1e-7, abs=1e-12)


@settings(max_examples=30)
@given(side(30), side(30))
def test_boschloo_agrees_with_scipy(first: Side, second: Side) -> None:
    assume(0 < first[0] + second[0] < first[1] + second[1])
    theirs = stats.boschloo_exact(columns(first, second), n=128).pvalue

    assert boschloo(*first, *second) == pytest.approx(theirs, rel=1e-4)


@given(side(400), side(400))
def test_pearson_agrees_with_scipy_without_yates(first: Side, second: Side) -> None:
    assume(0 < first[0] + second[0] < first[1] + second[1])
    theirs = stats.chi2_contingency(columns(first, second), correction=False).pvalue

    assert pearson(*first, *second) == pytest.approx(theirs, rel=1e-7, abs=1e-14)


@given(side(), side())
def test_mid_p_halves_the_tables_as_probable_as_ours(first: Side, second: Side) -> None:
    (x1, n1), (x2, n2) = first, second
    total = x1 + x2
    assume(0 < total < n1 + n2)
    law = stats.hypergeom(n1 + n2, n1, total)
    possible = range(max(0, total - n2), min(n1, total) + 1)
    ours = law.pmf(x1)
    below = sum(p for k in possible if (p := law.pmf(k)) < ours * (1 - 1e-7))
    equal = sum(p for k in possible if abs((p := law.pmf(k)) - ours) <= ours * 1e-7)

    assume(len(possible) > 1)
    assert fisher_mid_p(*first, *second) == pytest.approx(below + equal / 2, abs=1e-9)


def test_the_lady_tasting_tea() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher_mid_p(3, 4, 1, 4) == pytest.approx(18 / 70)


def test_the_example_of_scipy_for_boschloo() -> None:
    # satisfaction of 117 professors and 63 scientists, the example in the documentation of scipy
    assert boschloo(7, 12, 8, 11) == pytest.approx(
        stats.boschloo_exact([[7, 8], [5, 3]], n=200).pvalue, rel=1e-6
    )
    assert boschloo(74, 74 + 43, 31, 31 + 32) == pytest.approx(2 * 0.0355641, abs=1e-6)


@pytest.mark.parametrize(("n1", "n2"), [(1, 1), (4, 6), (9, 5), (12, 12)])
def test_fisher_and_boschloo_never_reject_too_often(n1: int, n2: int) -> None:
    tables = list(itertools.product(range(n1 + 1), range(n2 + 1)))
    for test in (fisher, boschloo):
        p = {table: test(table[0], n1, table[1], n2) for table in tables}
        for share in np.linspace(0.02, 0.98, 25):
            chance = {
                (a, b): stats.binom.pmf(a, n1, share) * stats.binom.pmf(b, n2, share)
                for a, b in tables
            }
            assert sum(c for t, c in chance.items() if p[t] <= 0.05) <= 0.05 + 1e-9


@given(side(), side())
def test_one_sided_boschloo_is_never_weaker_than_fisher(first: Side, second: Side) -> None:
    fishers = [
        stats.fisher_exact(columns(first, second), alternative=way).pvalue
        for way in ("less", "greater")
    ]

    assert boschloo(*first, *second) <= min(1.0, 2 * min(fishers)) + 1e-9


@pytest.mark.parametrize("test", TESTS)
@given(first=side(), second=side())
def test_the_order_of_sides_and_the_name_of_the_event_change_nothing(
    test: object, first: Side, second: Side
) -> None:
    (x1, n1), (x2, n2) = first, second
    p = test(*first, *second)

    assert 0 < p <= 1
    assert test(*second, *first) == pytest.approx(p, rel=1e-6)
    assert test(n1 - x1, n1, n2 - x2, n2) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize("test", TESTS)
def test_nobody_or_everybody_having_it_is_no_difference_and_an_empty_side_is_no_table(
    test: object,
) -> None:
    for table in ((0, 5, 0, 9), (5, 5, 9, 9), (0, 1, 0, 1)):
        assert test(*table) == 1
    for table in ((0, 0, 3, 9), (3, 9, 0, 0), (0, 0, 0, 0)):
        assert test(*table) == NotEstimable("one side has nobody")


def test_boschloo_is_not_worked_out_for_many_and_says_what_stands_in_its_place() -> None:
    tests = table_tests(300, 800, 60, 201)

    assert isinstance(tests.boschloo, NotEstimable)
    assert "1000" in tests.boschloo.reason
    assert "Pearson" in tests.boschloo.reason
    assert 0 < tests.pearson < tests.fisher < 0.1


def test_boschloo_of_as_many_as_are_tested_takes_no_longer_than_scipy_with_fewer() -> None:
    half = BOSCHLOO_LIMIT // 2
    best = min(_seconds(lambda: boschloo(220, half, 190, half)) for _ in range(3))
    theirs = _seconds(lambda: stats.boschloo_exact([[44, 38], [56, 62]]))

    assert best < theirs


def _seconds(work: object) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def test_large_tables_are_no_trouble() -> None:
    assert fisher(300_000, 1_000_000, 22, 68) == pytest.approx(
        stats.fisher_exact([[300_000, 22], [700_000, 46]]).pvalue, rel=1e-5
    )
