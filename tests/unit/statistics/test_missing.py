"""Rules for the silent and the dead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.missing import (
    RULES,
    OutcomeCounts,
    best_case,
    estimate_outcome,
    nri,
    observed_only,
    sentence,
    while_alive,
    worst_case,
)
from registry.statistics.proportions import wilson
from registry.statistics.values import NotEstimable

COUNT = st.integers(0, 400)


@st.composite
def outcomes(draw: st.DrawFn) -> OutcomeCounts:
    r, s, d, m = (draw(COUNT) for _ in range(4))
    return OutcomeCounts(r + s + d + m, r, s, d)


def test_each_rule_has_its_own_numerator_and_denominator() -> None:
    counts = OutcomeCounts(due=40, responders=13, nonresponders=17, dead=2)

    assert counts.silent == 8
    assert observed_only(counts) == wilson(13, 30)
    assert nri(counts) == worst_case(counts) == wilson(13, 40)
    assert best_case(counts) == wilson(21, 40)
    assert while_alive(counts) == wilson(13, 38)


def test_the_report_has_every_rule_and_the_sentence() -> None:
    written = estimate_outcome(OutcomeCounts(40, 13, 17, 2), 0.75).as_json()

    assert list(written) == [
        "observed_only",
        "nri",
        "worst_case",
        "best_case",
        "while_alive",
        "sentence",
    ]
    assert written["nri"] == wilson(13, 40).as_json()


def test_the_level_reaches_every_rule() -> None:
    estimates = estimate_outcome(OutcomeCounts(40, 13, 17, 2), 0.75, level=0.9)

    assert {p.level for p in estimates.by_rule.values()} == {0.9}
    assert estimates.by_rule["nri"] == wilson(13, 40, 0.9)


@given(outcomes())
def test_bounds_hold_every_answer_the_silent_could_have_given(counts: OutcomeCounts) -> None:
    if counts.due == 0:
        return
    low, high = worst_case(counts), best_case(counts)

    assert low.estimate == nri(counts).estimate <= high.estimate
    for responders in {0, counts.silent // 2, counts.silent}:
        share = (counts.responders + responders) / counts.due
        assert low.estimate <= share <= high.estimate


@given(COUNT, COUNT)
def test_with_nobody_silent_and_nobody_dead_all_rules_agree(r: int, s: int) -> None:
    by_rule = estimate_outcome(OutcomeCounts(r + s, r, s, 0), 1.0).by_rule

    assert len({(p.x, p.n, p.estimate, p.lower, p.upper) for p in by_rule.values()}) == 1


@pytest.mark.parametrize(
    ("counts", "not_estimable"),
    [
        (OutcomeCounts(0, 0, 0, 0), set(RULES)),
        (OutcomeCounts(5, 0, 0, 0), {"observed_only"}),
        (OutcomeCounts(5, 0, 0, 5), {"observed_only", "while_alive"}),
        (OutcomeCounts(1, 1, 0, 0), set()),
    ],
)
def test_what_has_no_denominator_says_why(counts: OutcomeCounts, not_estimable: set[str]) -> None:
    by_rule = estimate_outcome(counts, NotEstimable("none")).by_rule

    assert {rule for rule, p in by_rule.items() if p.estimate is None} == not_estimable
    assert all(by_rule[rule].reason for rule in not_estimable)


def test_the_sentence_gives_the_answered_the_rate_and_both_ends() -> None:
    words = sentence(OutcomeCounts(40, 13, 17, 2), 30 / 38).replace("\u202f", " ")

    assert "30 of 40 patients due answered (RR1 78.9 %)" in words
    assert "2 died" in words
    assert "8 silent" in words
    assert "32.5 %" in words
    assert "52.5 %" in words


def test_the_sentence_of_a_complete_wave_has_no_range() -> None:
    words = sentence(OutcomeCounts(4, 1, 3, 0), 1.0).replace("\u202f", " ")

    assert (
        words
        == "4 of 4 patients due answered (RR1 100.0 %). Nobody is silent: the share is 25.0 %."
    )


def test_the_sentence_before_anyone_is_due() -> None:
    assert "no patient is due yet" in sentence(OutcomeCounts(0, 0, 0, 0), NotEstimable("none"))
    assert "RR1 not estimable" in sentence(OutcomeCounts(1, 0, 0, 1), NotEstimable("none"))
    assert "0 of 1 patient due" in sentence(OutcomeCounts(1, 0, 0, 1), NotEstimable("none"))


def test_more_answers_than_due_are_refused() -> None:
    with pytest.raises(ValueError, match="3 due"):
        OutcomeCounts(3, 2, 2, 0)
