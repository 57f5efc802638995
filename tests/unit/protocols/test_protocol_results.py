"""Scores and outcomes that the bundled protocol makes of answers."""

from decimal import Decimal
from typing import Any

import pytest

from registry.protocols import bundled, values_of
from surveys.answers import matches
from surveys.questions import PREFER_NOT_TO_SAY

PROTOCOL = bundled()
SCALES = [
    q.code for s in PROTOCOL.questionnaire.sections if s.code == "symptoms" for q in s.questions
]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"overall_change": "much_better"}, {"responder": 1}),
        ({"overall_change": "better"}, {"responder": 1}),
        ({"overall_change": "a_little_better"}, {"responder": 0}),
        ({"overall_change": PREFER_NOT_TO_SAY}, {}),
        ({"medicines": ["none"]}, {"steroid_dose_mg": 0, "steroid_reduced": 1}),
        (
            {
                "medicines": ["corticosteroid"],
                "steroid_medicine": "methylprednisolone",
                "steroid_dose": 8,
            },
            {"steroid_dose_mg": 10, "steroid_reduced": 0},
        ),
        (
            {
                "medicines": ["corticosteroid"],
                "steroid_medicine": "prednisolone",
                "steroid_dose": 7.5,
            },
            {"steroid_dose_mg": Decimal("7.5"), "steroid_reduced": 1},
        ),
        (
            {"medicines": ["corticosteroid"], "steroid_medicine": "not_sure", "steroid_dose": 5},
            {},
        ),
        (dict.fromkeys(SCALES, 2), {"score": 2}),
        (dict.fromkeys(SCALES[:10], 2), {}),
        ({}, {}),
    ],
)
def test_scores_and_outcomes_follow_the_rules(answers: dict[str, Any], expected: Any):
    assert values_of(PROTOCOL, answers) == expected


def test_every_answer_that_needs_urgent_advice_raises_an_alert():
    questionnaire = PROTOCOL.questionnaire
    for question in questionnaire.questions:
        if question.urgent:
            worst = {question.code: question.choices[-1] if question.choices else 10}
            assert any(matches(questionnaire, rule.when, worst) for rule in PROTOCOL.alerts)
