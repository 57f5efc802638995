"""How many of the silent change a conclusion, against trying every number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from registry.statistics.comparison import compare_outcome
from registry.statistics.missing import OutcomeCounts
from registry.statistics.proportions import wilson
from registry.statistics.tipping import TippingPoint, tipping_point


@st.composite
def cases(draw: st.DrawFn) -> tuple[OutcomeCounts, str, int, int]:
    parts = [draw(st.integers(0, 60)) for _ in range(4)]
    n = draw(st.integers(1, 120))
    counts = OutcomeCounts(sum(parts) + 1, parts[0], parts[1] + 1, parts[2])
    return counts, draw(st.sampled_from(["observed_only", "nri"])), draw(st.integers(0, n)), n


def side_of_zero(x: int, n: int, theirs: tuple[int, int]) -> int:
    lower, upper = confint_proportions_2indep(x, n, *theirs, method="newcomb", compare="diff")
    return int(lower > 0) - int(upper < 0)


@given(cases())
def test_every_number_up_to_and_from_the_tipping_points_says_otherwise_and_no_other(
    case: tuple[OutcomeCounts, str, int, int],
) -> None:
    counts, rule, *theirs = case
    tip = compare_outcome(counts, rule, *theirs).tipping
    says = [
        side_of_zero(counts.responders + k, counts.due, (theirs[0], theirs[1]))
        for k in range(counts.silent + 1)
    ]

    below = [k for k, said in enumerate(says) if said < tip.conclusion]
    above = [k for k, said in enumerate(says) if said > tip.conclusion]
    assert tip.silent == counts.silent
    assert (tip.at_most, tip.at_least) == (max(below, default=None), min(above, default=None))


def test_a_lower_share_is_undone_by_enough_of_the_silent() -> None:
    tip = compare_outcome(OutcomeCounts(1000, 200, 500, 0), "nri", 500, 1000).tipping

    assert tip == TippingPoint(-1, 300, None, 257)
    assert tip.as_json() == {
        "silent": 300, "at_most": None, "at_most_share": None,
        "at_least": 257, "at_least_share": 257 / 300,
    }  # fmt: skip


def test_nobody_beside_nobody_has_no_tipping_point() -> None:
    assert tipping_point(0, wilson(0, 0), wilson(0, 0), (3, 9)) is None
    assert tipping_point(0, wilson(1, 9), wilson(2, 9), (0, 0)) is None


@pytest.mark.parametrize("silent", [0, 1])
def test_without_silence_there_is_nothing_to_tip(silent: int) -> None:
    tip = tipping_point(0, wilson(4, 10), wilson(4 + silent, 10), (4, 10))

    assert (tip.silent, tip.at_most, tip.at_least) == (silent, None, None)
