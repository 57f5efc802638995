"""The log-rank test against lifelines, a textbook, and what must hold of it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.statistics import multivariate_logrank_test
from numpy.typing import NDArray

from registry.statistics.log_rank import LogRank, Rows, log_rank
from registry.statistics.values import NotEstimable

PATIENTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 40), st.booleans()), min_size=4, max_size=60
)
# weeks of remission (Freireich 1963); a negative week is censored
DRUG = (6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35)
PLACEBO = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)


def rows(weeks: Sequence[int]) -> tuple[list[int], list[int], list[int], list[int]]:
    died = [int(week > 0) for week in weeks]
    return [abs(week) for week in weeks], died, [1 - d for d in died], [0] * len(weeks)


def test_the_remission_data_give_the_textbook_figures() -> None:
    found = log_rank({"6-MP": rows(DRUG), "placebo": rows(PLACEBO)})

    assert isinstance(found, LogRank)
    assert found.statistic == pytest.approx(16.79, abs=0.005)
    assert found.observed == {"6-MP": 9, "placebo": 21}
    assert found.expected == pytest.approx({"6-MP": 19.25, "placebo": 10.75}, abs=0.005)
    assert found.p < 0.0001
    assert found.as_json()["degrees"] == 1


def patients_of(day: NDArray[np.int64], died: NDArray[np.int64]) -> Rows:
    return day, died, 1 - died, np.zeros_like(day)


@settings(max_examples=60)
@given(PATIENTS)
def test_two_and_three_groups_agree_with_lifelines(patients: list[tuple[int, int, bool]]) -> None:
    group, day, died = np.array(patients).T
    parts = [patients_of(day[group == each], died[group == each]) for each in range(3)]
    found = log_rank({str(each): part for each, part in enumerate(parts)})
    if isinstance(found, NotEstimable):
        return
    theirs = multivariate_logrank_test(day, group, died)
    if found.degrees == len(found.observed) - 1:
        assert found.statistic == pytest.approx(theirs.test_statistic, rel=1e-6, abs=1e-9)
        assert found.p == pytest.approx(theirs.p_value, rel=1e-6)
    assert sum(found.expected.values()) == pytest.approx(sum(found.observed.values()))


def test_who_entered_late_is_no_risk_before() -> None:
    early = ([10, 20], [1, 1], [0, 0], [0, 0])
    late = ([15, 30, 30], [0, 1, 1], [0, 0, 0], [2, 0, 0])
    with_late = log_rank({"early": early, "late": late})

    # on day 10 one group alone is at risk; on day 20 one of three; day 30 has the other alone
    assert isinstance(with_late, LogRank)
    assert with_late.expected["early"] == pytest.approx(1 + 1 / 3)
    assert with_late.statistic == pytest.approx((2 - 4 / 3) ** 2 / (1 / 3 * 2 / 3))


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ({}, "fewer than two"),
        ({"a": ([], [], [], [])}, "fewer than two"),
        ({"a": ([5], [1], [0], [0]), "nobody": ([], [], [], [])}, "fewer than two"),
        ({"a": ([5], [0], [3], [0]), "b": ([5], [0], [3], [0])}, "no events"),
        ({"a": ([5], [1], [0], [0]), "b": ([3], [0], [1], [0])}, "two groups were at risk"),
        ({"a": ([0], [1], [0], [0]), "b": ([0], [1], [0], [0])}, "two groups were at risk"),
        ({"a": ([5], [1], [0], [0]), "b": ([5, 9], [1, 0], [0, 0], [0, 1])}, "day of entry"),
    ],
)
def test_what_cannot_be_compared_says_why(groups: dict[str, object], reason: str) -> None:
    found = log_rank(groups)

    assert isinstance(found, NotEstimable)
    assert reason in found.reason


def test_a_stratum_without_anybody_changes_nothing() -> None:
    two = {"6-MP": rows(DRUG), "placebo": rows(PLACEBO)}

    assert log_rank(two | {"nobody": ([], [], [], [])}) == log_rank(two)
