"""Forms: what is read from them, and what is said about what cannot be read."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.answers import Context
from surveys.checking import Form, check, first_field
from surveys.instruments import instrument
from surveys.questions import PREFER_NOT_TO_SAY

FOLLOW_UP = instrument("follow_up", 1)
CONTEXT = Context(3, date(2026, 1, 1), date(2026, 4, 1), frozenset({"pregnancy"}))
# Answers that open every branch, so that each question can be tried alone.
OPEN: dict[str, Any] = {
    "medicines": ["corticosteroid"],
    "work": "full_time",
    "hospital": "yes",
    "new_problems": "yes",
    **{f"problem_another_{n}": "yes" for n in range(1, 5)},
    "may_call": "yes",
}


def tried(code: str, form: Form, answers: dict[str, Any] | None = None) -> Any:
    """The stored answer, None where there is none, or the list of messages."""
    before = OPEN if answers is None else answers
    found = check(FOLLOW_UP, CONTEXT, [FOLLOW_UP.by_code[code]], before, form)
    if found.problems:
        assert all(problem.question == code for problem in found.problems)
        return [(problem.field, problem.text) for problem in found.problems]
    return found.answers.get(code)


def when(day: str, month: str, year: str) -> Form:
    parts = {"day": day, "month": month, "year": year}
    return {f"problem_when_1-{part}": [value] for part, value in parts.items()}


@pytest.mark.parametrize(
    ("code", "sent", "stored"),
    [
        ("overall_change", ["better"], "better"),
        ("overall_change", [" better "], "better"),
        ("overall_change", ["better", "better"], "better"),
        ("overall_change", [PREFER_NOT_TO_SAY], PREFER_NOT_TO_SAY),
        ("fatigue", ["0"], 0),
        ("fatigue", ["10"], 10),
        ("fatigue", [PREFER_NOT_TO_SAY], PREFER_NOT_TO_SAY),
        ("hospital", ["no"], "no"),
        ("medicines", ["corticosteroid", "nsaid"], ["nsaid", "corticosteroid"]),
        ("medicines", ["none"], ["none"]),
        ("steroid_dose", ["7.5"], 7.5),
        ("steroid_dose", ["7,50"], 7.5),
        ("steroid_dose", ["0"], 0),
        ("steroid_dose", ["200.00"], 200),
        ("steroid_dose", ["", PREFER_NOT_TO_SAY], PREFER_NOT_TO_SAY),
        ("work_days_missed", ["7"], 7),
        ("work_days_missed", ["3.0"], 3),
        ("problem_what_1", ["  a  bad\n cold "], "a bad cold"),
        ("problem_what_1", ["=1+1"], "=1+1"),
        ("call_time", [], None),
        ("call_time", ["evening", "morning"], ["morning", "evening"]),
    ],
)
def test_good_answers_are_stored_clean(code: str, sent: list[str], stored: Any):
    found = tried(code, {code: sent})
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize(
    ("code", "sent", "text"),
    [
        ("overall_change", [], "Choose how you are compared with before your treatment"),
        ("overall_change", ["fine"], "Choose how you are compared with before your treatment"),
        (
            "overall_change",
            ["better", "worse"],
            "Choose only one answer for how you are compared with before your treatment",
        ),
        (
            "overall_change",
            ["better", PREFER_NOT_TO_SAY],
            (
                "For how you are compared with before your treatment, give an answer or choose "
                "“I would rather not say”, not both"
            ),
        ),
        ("fatigue", [], "Choose a number from 0 to 10 for tiredness"),
        ("fatigue", ["11"], "Choose a number from 0 to 10 for tiredness"),
        ("fatigue", ["1", "2"], "Choose only one answer for tiredness"),
        ("hospital", [], "Choose yes if you have stayed in hospital, no if not"),
        (
            "medicines",
            ["none", "nsaid"],
            "For the medicines you take now, choose “none” or the others, not both",
        ),
        ("medicines", [], "Choose the medicines you take now, or the last answer if you take none"),
        ("steroid_dose", [""], "Enter how many mg you take on a usual day, like 5 or 7.5"),
        ("steroid_dose", ["ten"], "Enter how much steroid you take as a number, like 5"),
        ("steroid_dose", ["-5"], "Enter how much steroid you take as a number, like 5"),
        ("steroid_dose", ["1e2"], "Enter how much steroid you take as a number, like 5"),
        ("steroid_dose", ["٣"], "Enter how much steroid you take as a number, like 5"),
        (
            "steroid_dose",
            ["7.125"],
            "Enter how much steroid you take with at most two digits after the point, like 7.5",
        ),
        ("steroid_dose", ["201"], "Enter how much steroid you take as a number from 0 to 200"),
        ("work_days_missed", ["2.5"], "Enter the days you missed as a whole number, like 5"),
        ("hospital_nights", ["0"], "Enter the nights in hospital as a number from 1 to 800"),
        ("problem_what_1", ["  "], "Write in a few words what the problem was"),
        ("problem_what_1", ["x" * 121], "Use at most 120 letters to say what the problem was"),
        ("problem_what_1", ["a\x00b"], "Write what the problem was in plain letters and numbers"),
        (
            "problem_another_1",
            [PREFER_NOT_TO_SAY],
            "Choose yes if there was another problem, no if not",
        ),
        ("may_call", [], "Choose yes if the clinic may call you, no if not"),
    ],
)
def test_what_cannot_be_used_is_told_with_what_to_do(code: str, sent: list[str], text: str):
    assert tried(code, {code: sent}) == [(code, text)]


@pytest.mark.parametrize(
    ("parts", "stored"),
    [
        (("15", "3", "2026"), "2026-03-15"),
        (("", "03", "2026"), "2026-03"),
        (("1", "4", "2026"), "2026-04-01"),
        (("29", "2", "2024"), "2024-02-29"),
    ],
)
def test_dates_are_a_day_or_a_month(parts: tuple[str, str, str], stored: str):
    assert tried("problem_when_1", when(*parts)) == stored


@pytest.mark.parametrize(
    ("parts", "part", "text"),
    [
        (("", "", ""), "day", "Enter when it started: at least the month and the year"),
        (("1", "", "2026"), "month", "Enter the month as a number from 1 to 12"),
        (("1", "March", "2026"), "month", "Enter the month as a number from 1 to 12"),
        (("1", "3", "26"), "year", "Enter the year with four numbers, like 2026"),
        (("x", "3", "2026"), "day", "Enter the day as a number, like 15, or leave it empty"),
        (("30", "2", "2026"), "day", "There is no such day. Check the day and the month"),
        (("1", "13", "2026"), "day", "There is no such day. Check the day and the month"),
        (("2", "4", "2026"), "year", "Enter a date that is not after today for when it started"),
        (("", "5", "2026"), "year", "Enter a date that is not after today for when it started"),
        (("1", "3", "1826"), "year", "Enter the year with four numbers, like 2026"),
        (("1", "3", "0000"), "day", "There is no such day"),
    ],
)
def test_dates_that_cannot_be_name_the_part_that_is_wrong(parts, part: str, text: str):
    [(field, message)] = tried("problem_when_1", when(*parts))
    assert field == f"problem_when_1-{part}"
    assert message.startswith(text)


def test_a_date_can_be_declined_but_not_together_with_a_date():
    declined = {"problem_when_1": [PREFER_NOT_TO_SAY]}
    assert tried("problem_when_1", {**when("", "", ""), **declined}) == PREFER_NOT_TO_SAY
    [(field, message)] = tried("problem_when_1", {**when("", "3", "2026"), **declined})
    assert field == "problem_when_1-day"
    assert "not both" in message


def test_an_error_leads_to_the_first_box():
    assert first_field(FOLLOW_UP.by_code["problem_when_2"]) == "problem_when_2-day"
    assert first_field(FOLLOW_UP.by_code["fatigue"]) == "fatigue"


def test_one_wrong_answer_does_not_hide_the_others():
    questions = [FOLLOW_UP.by_code[code] for code in ("fatigue", "joints", "muscles")]
    found = check(FOLLOW_UP, CONTEXT, questions, {}, {"fatigue": ["3"], "muscles": ["x"]})
    assert found.answers == {"fatigue": 3}
    assert [problem.question for problem in found.problems] == ["joints", "muscles"]


def test_an_emptied_optional_answer_is_taken_away():
    assert tried("call_time", {}, OPEN | {"call_time": ["morning"]}) is None


def test_a_changed_answer_takes_away_what_hung_on_it():
    before = OPEN | {"steroid_dose": 5, "steroid_medicine": "prednisone"}
    found = check(
        FOLLOW_UP, CONTEXT, [FOLLOW_UP.by_code["medicines"]], before, {"medicines": ["none"]}
    )
    assert not {"steroid_dose", "steroid_medicine"} & found.answers.keys()


def test_names_that_are_not_on_the_page_are_ignored():
    found = check(
        FOLLOW_UP,
        CONTEXT,
        [FOLLOW_UP.by_code["fatigue"]],
        {"joints": 2},
        {"fatigue": ["1"], "joints": ["9"], "token": ["x"], "__class__": ["y"]},
    )
    assert found.answers == {"joints": 2, "fatigue": 1}


FIELDS = [question.code for question in FOLLOW_UP.questions] + [
    f"problem_when_1-{part}" for part in ("day", "month", "year")
]
VALUES = st.sampled_from(["", "yes", "no", "3", "2026", "none", "severe", PREFER_NOT_TO_SAY])


@given(st.dictionaries(st.sampled_from(FIELDS), st.lists(VALUES | st.text(max_size=9), max_size=3)))
def test_no_form_whatever_breaks_the_page_and_all_that_is_stored_is_json(form: Form):
    found = check(FOLLOW_UP, CONTEXT, FOLLOW_UP.questions, {}, form)
    assert json.loads(json.dumps(found.answers)) == found.answers
    assert all(problem.text and "{" not in problem.text for problem in found.problems)
    wrong = {problem.question for problem in found.problems}
    assert not wrong & found.answers.keys()


def _as_form(code: str, answer: Any) -> Form:
    """The stored answer as the page sends it again."""
    if FOLLOW_UP.by_code[code].type == "date" and answer != PREFER_NOT_TO_SAY:
        year, month, day = [*answer.split("-"), ""][:3]
        parts = {"day": day, "month": month, "year": year}
        return {f"{code}-{part}": [value] for part, value in parts.items()}
    values = answer if isinstance(answer, list) else [answer]
    return {code: [str(value) for value in values]}


@given(st.dictionaries(st.sampled_from(FIELDS), st.lists(VALUES, min_size=1, max_size=1)))
def test_what_is_stored_is_stored_the_same_when_the_page_is_sent_again(form: Form):
    first = check(FOLLOW_UP, CONTEXT, FOLLOW_UP.questions, {}, form).answers
    again: dict[str, Any] = {}
    for code, answer in first.items():
        again |= _as_form(code, answer)
    assert check(FOLLOW_UP, CONTEXT, FOLLOW_UP.questions, {}, again).answers == first
