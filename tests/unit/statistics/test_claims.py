"""The verdict on an advertised statement, against the rule worked out the long way round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from registry.statistics.claims import (
    Kind,
    Undecided,
    Verdict,
    none_verdict,
    share_verdict,
    why_undecided,
)
from registry.statistics.proportions import clopper_pearson, wilson

SHARES = (Kind.AT_LEAST, Kind.AT_MOST)


def verdict_of(kind: Kind, threshold: float, x: int, unknown: int, n: int) -> Verdict:
    return share_verdict(kind, threshold, wilson(x, n), wilson(x + unknown, n))


@st.composite
def counted(draw: st.DrawFn) -> tuple[int, int, int]:
    """Who had it, of whom it is not known, all."""
    n = draw(st.integers(1, 400))
    x = draw(st.integers(0, n))
    return x, draw(st.integers(0, n - x)), n


@given(counted(), st.floats(0, 1), st.sampled_from(SHARES))
def test_the_verdict_is_the_rules_by_another_wilson(
    counts: tuple[int, int, int], threshold: float, kind: Kind
) -> None:
    x, unknown, n = counts
    lower = proportion_confint(x, n, method="wilson")[0] if x else 0.0
    upper = proportion_confint(x + unknown, n, method="wilson")[1] if x + unknown < n else 1.0
    if min(abs(threshold - lower), abs(threshold - upper)) < 1e-9:
        return
    if kind is Kind.AT_LEAST:
        holds, fails = lower > threshold, upper < threshold
    else:
        holds, fails = upper < threshold, lower > threshold
    expected = (
        Verdict.SUPPORTED if holds else Verdict.CONTRADICTED if fails else Verdict.NOT_DETERMINED
    )
    assert verdict_of(kind, threshold, x, unknown, n) is expected


@given(counted(), st.floats(0.01, 0.99))
def test_at_most_is_at_least_of_those_without_it(
    counts: tuple[int, int, int], threshold: float
) -> None:
    x, unknown, n = counts
    without = n - x - unknown
    verdicts = {
        verdict_of(Kind.AT_MOST, threshold, x, unknown, n),
        verdict_of(Kind.AT_LEAST, 1 - threshold, without, unknown, n),
    }
    assert len(verdicts) == 1


@given(counted(), st.floats(0, 1), st.sampled_from(SHARES))
def test_more_silence_never_decides_what_was_open(
    counts: tuple[int, int, int], threshold: float, kind: Kind
) -> None:
    x, unknown, n = counts
    with_silence = verdict_of(kind, threshold, x, unknown, n)
    for answers in (0, unknown):
        answered = verdict_of(kind, threshold, x + answers, 0, n)
        assert with_silence in {answered, Verdict.NOT_DETERMINED}


@given(counted(), st.floats(0, 1), st.floats(0, 1))
def test_who_supports_a_share_supports_every_smaller_one(
    counts: tuple[int, int, int], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    if verdict_of(Kind.AT_LEAST, high, *counts) is Verdict.SUPPORTED:
        assert verdict_of(Kind.AT_LEAST, low, *counts) is Verdict.SUPPORTED


def test_the_limit_decides_and_not_the_share() -> None:
    # 62 of 100: the share is above a half, and its Wilson interval 52.2 to 70.9 too
    assert verdict_of(Kind.AT_LEAST, 0.5, 62, 0, 100) is Verdict.SUPPORTED
    assert verdict_of(Kind.AT_LEAST, 0.6, 62, 0, 100) is Verdict.NOT_DETERMINED
    assert verdict_of(Kind.AT_LEAST, 0.75, 62, 0, 100) is Verdict.CONTRADICTED
    # the same with 20 silent, who could all have had it
    assert verdict_of(Kind.AT_LEAST, 0.75, 62, 20, 100) is Verdict.NOT_DETERMINED


def test_wilson_decides_whatever_method_shows_the_share() -> None:
    lowest = highest = clopper_pearson(60, 100)
    assert lowest.lower is not None
    assert lowest.lower < 0.5 < (wilson(60, 100).lower or 0)
    assert share_verdict(Kind.AT_LEAST, 0.5, lowest, highest) is Verdict.SUPPORTED


def test_nobody_due_decides_nothing() -> None:
    nobody = wilson(0, 0)
    for kind in SHARES:
        assert share_verdict(kind, 0.5, nobody, nobody) is Verdict.NOT_DETERMINED
        assert why_undecided(kind, 0.5, nobody, nobody) is Undecided.NOBODY


def test_what_is_open_says_whether_answers_or_patients_are_missing() -> None:
    assert why_undecided(Kind.AT_LEAST, 0.75, wilson(62, 100), wilson(82, 100)) is Undecided.SILENT
    assert why_undecided(Kind.AT_LEAST, 0.6, wilson(6, 10), wilson(6, 10)) is Undecided.FEW


def test_that_nobody_had_it_is_disproved_by_the_first_and_never_proved() -> None:
    assert none_verdict(1) is Verdict.CONTRADICTED
    assert none_verdict(0) is Verdict.NOT_DETERMINED


@pytest.mark.parametrize(("kind", "threshold"), [(Kind.NONE, 0.5), (Kind.AT_LEAST, 1.5)])
def test_what_is_no_share_is_refused(kind: Kind, threshold: float) -> None:
    with pytest.raises(ValueError, match="is no share"):
        share_verdict(kind, threshold, wilson(1, 2), wilson(1, 2))
