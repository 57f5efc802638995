"""Scores and outcomes by rule, as tables."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.questions import PREFER_NOT_TO_SAY, Condition
from surveys.scoring import AnswerRule, DoseScore, MeanScore, ScoreRule

ITEMS = tuple(f"s{n}" for n in range(14))
MEAN = MeanScore(ITEMS, 11)
DOSE = DoseScore(Condition("medicines", equals="steroid"), "which", "mg")
FACTORS = {"prednisone": Decimal(1), "dexamethasone": 5 / Decimal("0.75")}


@pytest.mark.parametrize(
    ("answers", "score"),
    [
        (dict.fromkeys(ITEMS, 4), "4.0000"),
        (dict.fromkeys(ITEMS[:11], 3), "3.0000"),
        (dict.fromkeys(ITEMS[:10], 3), None),
        (dict.fromkeys(ITEMS[:11], 3) | dict.fromkeys(ITEMS[11:], PREFER_NOT_TO_SAY), "3.0000"),
        (dict.fromkeys(ITEMS, 0) | {"s0": 10}, "0.7143"),
        (dict.fromkeys(ITEMS, 0), "0.0000"),
        ({}, None),
    ],
)
def test_the_mean_needs_its_minimum_of_answers(answers: dict[str, Any], score: str | None):
    assert MEAN.value(answers) == (None if score is None else Decimal(score))


@given(st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 10) | st.just(PREFER_NOT_TO_SAY)))
def test_a_mean_lies_between_the_least_and_the_greatest_answer(answers: dict[str, Any]):
    numbers = [answer for answer in answers.values() if isinstance(answer, int)]
    score = MEAN.value(answers)
    assert (score is None) == (len(numbers) < 11)
    if score is not None:
        assert min(numbers) <= score <= max(numbers)


@pytest.mark.parametrize(
    ("answers", "dose"),
    [
        ({"medicines": ["other"]}, "0"),
        ({"medicines": ["steroid", "other"], "which": "prednisone", "mg": 7.5}, "7.5"),
        ({"medicines": ["steroid"], "which": "dexamethasone", "mg": 1.5}, "10"),
        ({"medicines": ["steroid"], "which": "not_sure", "mg": 5}, None),
        ({"medicines": ["steroid"], "which": "not_sure", "mg": 0}, "0"),
        ({"medicines": ["steroid"], "which": "prednisone"}, None),
        ({"medicines": ["steroid"], "which": "prednisone", "mg": PREFER_NOT_TO_SAY}, None),
        ({"medicines": ["steroid"], "mg": 5}, None),
        ({"medicines": PREFER_NOT_TO_SAY, "mg": 5}, None),
        ({}, None),
    ],
)
def test_a_dose_is_known_or_nothing(answers: dict[str, Any], dose: str | None):
    assert DOSE.value(answers, FACTORS) == (None if dose is None else Decimal(dose))


@pytest.mark.parametrize(
    ("answer", "met"),
    [("better", True), ("same", False), (PREFER_NOT_TO_SAY, None), (None, None)],
)
def test_an_answer_rule_is_met_missed_or_undecided(answer: str | None, met: bool | None):
    rule = AnswerRule("overall_change", ("much_better", "better"))
    assert rule.met({} if answer is None else {"overall_change": answer}) is met


@pytest.mark.parametrize(
    ("rule", "score", "met"),
    [
        (ScoreRule("dose", at_most=Decimal("7.5")), "7.5", True),
        (ScoreRule("dose", at_most=Decimal("7.5")), "7.5001", False),
        (ScoreRule("dose", at_least=Decimal(3)), "3", True),
        (ScoreRule("dose", at_least=Decimal(3)), "2.9", False),
        (ScoreRule("dose", at_least=Decimal(3)), None, None),
    ],
)
def test_a_threshold_counts_itself(rule: ScoreRule, score: str | None, met: bool | None):
    assert rule.met({} if score is None else {"dose": Decimal(score)}) is met


@pytest.mark.parametrize("limits", [{}, {"at_most": Decimal(1), "at_least": Decimal(1)}])
def test_a_score_rule_has_one_threshold(limits: dict[str, Decimal]):
    with pytest.raises(ValueError, match="only one of them"):
        ScoreRule("dose", **limits)
