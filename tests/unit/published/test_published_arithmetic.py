"""Printed percentages against counts, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.published.arithmetic import agrees, feasible, is_plain


@pytest.mark.parametrize(
    ("x", "n", "printed", "fits"),
    [
        (9, 12, "75", True),
        (5, 6, "83", True),
        (28, 81, "34", False),
        (28, 81, "35", True),
        (1, 8, "12", True),  # 12.5 to even
        (1, 8, "13", True),  # 12.5 up
        (1, 404, "0.2", True),
        (58, 88, "66.0", False),
        (0, 16, "0.0", True),
        (3, 305, "<1", True),
        (4, 305, "<1", False),
        (12, 12, "100", True),
    ],
)
def test_a_printed_percentage_fits_its_count_or_not(x, n, printed, fits):
    assert agrees(x, n, printed) is fits


@pytest.mark.parametrize(
    ("n", "printed", "counts"),
    [
        (179, "40.8", (73,)),
        (180, "85.5", ()),
        (26, "71", ()),
        (287, "92", (263, 264, 265)),
        (1000, "50", tuple(range(495, 506))),
        (3, "0", (0,)),
    ],
)
def test_all_counts_that_a_percentage_allows(n, printed, counts):
    assert feasible(n, printed) == counts


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_true_count_is_always_among_the_feasible_ones(pair):
    x, n = pair
    assert x in feasible(n, f"{100 * x / n:.4f}")
    assert x in feasible(n, str(round(100 * x / n)))


def test_less_than_one_percent_is_no_plain_number():
    assert is_plain("92.5")
    assert not is_plain("<1")
