"""Answers and dates in the patient's words."""

from datetime import date
from typing import Any

import pytest

from surveys.answers import Context
from surveys.catalogues import messages
from surveys.instruments import instrument
from surveys.questions import PREFER_NOT_TO_SAY
from surveys.wording import answer_text, date_text, facts, weekday_text

FOLLOW_UP = instrument("follow_up", 1)
WORDS = messages()


@pytest.mark.parametrize(
    ("code", "answer", "text"),
    [
        ("overall_change", "a_little_better", "A little better"),
        ("fatigue", 0, "0 of 10"),
        ("hospital", "no", "No"),
        ("medicines", ["nsaid", "corticosteroid"], "Painkillers against swelling, such as"),
        ("medicines", ["none"], "I take no medicines now"),
        ("steroid_dose", 7.5, "7.5 mg a day"),
        ("steroid_dose", 10, "10 mg a day"),
        ("problem_when_2", "2026-03-05", "5 March 2026"),
        ("problem_when_2", "2026-03", "March 2026"),
        ("problem_what_2", "bad cold", "bad cold"),
        ("problem_what_2", None, "Not answered"),
        ("fatigue", PREFER_NOT_TO_SAY, "I would rather not say"),
    ],
)
def test_answers_read_as_the_patient_gave_them(code: str, answer: Any, text: str):
    question = FOLLOW_UP.by_code[code]
    assert answer_text(question, answer, FOLLOW_UP.catalogue("en"), WORDS).startswith(text)


def test_dates_are_written_in_full():
    assert date_text(date(2026, 8, 6), WORDS) == "6 August 2026"
    assert weekday_text(date(2026, 10, 1), WORDS) == "Thursday 1 October"


def test_every_question_and_section_reads_with_the_facts_of_the_day():
    context = Context(3, date(2026, 1, 1), date(2026, 10, 8))
    filled = facts(FOLLOW_UP, context, WORDS)
    assert filled == {"since": "1 January 2026", "week_start": "Thursday 1 October"}
    texts = FOLLOW_UP.catalogue("en")
    hospital = texts.text("question.hospital.text", **filled)
    assert hospital.startswith("Since 1 January 2026, have you stayed")
    clinic = {"clinic": "C", "telephone": "T", "hours": "H", "emergency": "E", "n": 1}
    for key in texts.texts:
        assert "{" not in texts.text(key, **filled, **clinic)
