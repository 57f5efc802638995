"""Who is asked what, how complete the answers are, and what is severe in them."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.answers import (
    Completeness,
    Context,
    Count,
    applicable,
    completeness,
    count,
    is_answered,
    matches,
    repetitions,
    standing,
    urgent,
)
from surveys.instruments import instrument, load_instrument
from surveys.questions import PREFER_NOT_TO_SAY, Condition, Question, QuestionType

FOLLOW_UP = instrument("follow_up", 1)
GATES = {condition.question for question in FOLLOW_UP.questions for condition in question.show_if}


def context(month: int = 3, *applies: str) -> Context:
    return Context(month, date(2026, 1, 1), date(2026, 4, 1), frozenset(applies))


def asked(month: int = 3, *applies: str, **answers: Any) -> list[str]:
    return [q.code for q in applicable(FOLLOW_UP, context(month, *applies), answers)]


def answered_by(question: Question) -> st.SearchStrategy[Any]:
    """Any answer that the form can store for the question."""
    given_: dict[QuestionType, st.SearchStrategy[Any]] = {
        QuestionType.SCALE: st.integers(0, 10),
        QuestionType.NUMBER: st.integers(0, 200) | st.floats(0, 200),
        QuestionType.TEXT: st.text(min_size=1, max_size=20),
        QuestionType.DATE: st.sampled_from(["2026-02", "2026-02-03"]),
    }
    if question.type is QuestionType.MULTI:
        some = st.lists(st.sampled_from(question.choices), min_size=1, unique=True)
    elif question.choices:
        some = st.sampled_from(question.choices)
    else:
        some = given_[question.type]
    return some | st.just(PREFER_NOT_TO_SAY)


@st.composite
def some_answers(draw: Any) -> dict[str, Any]:
    """Answers to any of the questions, whether they apply or not."""
    chosen = draw(st.sets(st.sampled_from(FOLLOW_UP.questions)))
    ordered = sorted(chosen, key=lambda question: question.code)
    return {question.code: draw(answered_by(question)) for question in ordered}


months = st.sampled_from(sorted(FOLLOW_UP.months))


# ---- which questions apply


def test_without_answers_only_the_questions_without_conditions_apply():
    assert len(asked()) == 22 - 1
    assert "pregnancy" not in asked()
    assert "pregnancy" in asked(3, "pregnancy")


def test_enrolment_asks_neither_overall_change_nor_new_problems():
    assert set(asked(3)) - set(asked(0)) == {"overall_change", "new_problems"}
    assert asked(0, new_problems="yes") == asked(0)


def test_branches_open_with_their_answer_and_only_with_it():
    assert "steroid_dose" in asked(medicines=["nsaid", "corticosteroid"])
    assert "steroid_dose" not in asked(medicines=["nsaid"])
    assert "steroid_dose" not in asked(medicines=PREFER_NOT_TO_SAY)
    assert "hospital_nights" in asked(hospital="yes")
    assert "work_effect" in asked(work="part_time")
    assert "work_effect" not in asked(work="off_sick")


def test_an_answer_that_no_longer_applies_opens_nothing():
    kept = {"new_problems": "no", "problem_another_1": "yes", "problem_what_2": "cough"}
    assert not [code for code in asked(**kept) if code.startswith("problem")]
    assert standing(FOLLOW_UP, context(), kept) == {"new_problems": "no"}


CHAIN = """
code = "chain"
version = 1
months = [1]
primary = "first"
recall_days = 7
licence = "own"
page_size = 3
seconds_per_question = 10
[[section]]
code = "only"
[[section.question]]
code = "first"
type = "yes_no"
[[section.question]]
code = "second"
type = "yes_no"
show_if = [{ question = "first", equals = "yes" }]
[[section.question]]
code = "third"
type = "yes_no"
show_if = [{ question = "second", equals = "yes" }]
"""


def test_a_branch_closes_with_the_branch_it_hangs_on(tmp_path: Path):
    words = [f'question.{code}.text = "x"' for code in ("first", "second", "third")]
    words += [line.replace(".text", ".name") for line in words]
    (tmp_path / "chain.en.toml").write_text("\n".join([*words, 'section.only.title = "x"']))
    (tmp_path / "chain.toml").write_text(CHAIN)
    chain = load_instrument(tmp_path / "chain.toml")
    given_ = {"first": "no", "second": "yes"}
    assert [q.code for q in applicable(chain, context(1), given_)] == ["first"]
    given_["first"] = "yes"
    assert [q.code for q in applicable(chain, context(1), given_)] == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("condition", "answer", "holds"),
    [
        (Condition("q", equals="a"), "a", True),
        (Condition("q", equals="a"), "b", False),
        (Condition("q", equals="a"), ["b", "a"], True),
        (Condition("q", equals="7"), 7, True),
        (Condition("q", any_of=("a", "b")), "b", True),
        (Condition("q", any_of=("a", "b")), ["c"], False),
        (Condition("q", at_least=Decimal(7)), 7, True),
        (Condition("q", at_least=Decimal(7)), 6.5, False),
        (Condition("q", at_least=Decimal(7)), "7", False),
        (Condition("q", answered=True), "a", True),
        (Condition("q", answered=True), ["a"], True),
        (Condition("q", answered=True), PREFER_NOT_TO_SAY, False),
        (Condition("q", equals=PREFER_NOT_TO_SAY), PREFER_NOT_TO_SAY, False),
        (Condition("q", answered=True), None, False),
    ],
)
def test_conditions(condition: Condition, answer: Any, holds: bool):
    assert condition.holds({} if answer is None else {"q": answer}) is holds


def test_a_condition_has_exactly_one_test():
    for tests in (
        {},
        {"equals": "a", "answered": True},
        {"at_least": Decimal(1), "any_of": ("a",)},
    ):
        with pytest.raises(ValueError, match="exactly one"):
            Condition("q", **tests)


anything = st.none() | st.integers() | st.sampled_from(["yes", "no", "", "corticosteroid"])


@given(months, st.dictionaries(st.sampled_from(sorted(GATES)), anything | st.lists(anything)))
def test_branching_is_decided_for_any_answers_whatever(month: int, answers: dict[str, Any]):
    questions = applicable(FOLLOW_UP, context(month, "pregnancy"), answers)
    assert [q for q in FOLLOW_UP.questions if q in questions] == list(questions)
    assert {q.code for q in FOLLOW_UP.questions if month in q.months and not q.show_if} <= {
        q.code for q in questions
    }


@given(months, some_answers())
def test_what_stands_stands_when_looked_at_again(month: int, answers: dict[str, Any]):
    once = standing(FOLLOW_UP, context(month), answers)
    assert standing(FOLLOW_UP, context(month), once) == once
    assert applicable(FOLLOW_UP, context(month), once) == applicable(
        FOLLOW_UP, context(month), answers
    )


# ---- completeness

LIMITS = (Decimal("0.8"), Decimal("0.5"))


def status(answers: dict[str, Any], month: int = 3) -> Completeness:
    return completeness(FOLLOW_UP, context(month), answers, *LIMITS)


def first_answers(n: int, month: int = 3) -> dict[str, Any]:
    """The first n required questions that apply, answered so that no branch opens."""
    plain = {"medicines": ["none"], "work": "retired"}
    codes = [q.code for q in applicable(FOLLOW_UP, context(month), {}) if q.required]
    return {
        code: plain.get(code, "no" if FOLLOW_UP.by_code[code].type == "yes_no" else 3)
        if code != "overall_change"
        else "better"
        for code in codes[:n]
    }


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (21, Completeness.COMPLETE),
        (17, Completeness.COMPLETE),  # 17/21 = 81 %
        (16, Completeness.PARTIAL),  # 16/21 = 76 %
        (11, Completeness.PARTIAL),  # 11/21 = 52 %
        (10, Completeness.BREAK_OFF),  # 10/21 = 48 %
        (0, Completeness.BREAK_OFF),
    ],
)
def test_shares_decide_complete_partial_and_break_off(answered: int, expected: Completeness):
    answers = first_answers(answered)
    assert count(FOLLOW_UP, context(), answers) == Count(answered, 21)
    assert status(answers) is expected


def test_without_the_primary_answer_nothing_is_complete():
    answers = first_answers(21)
    declined = answers | {"overall_change": PREFER_NOT_TO_SAY}
    del answers["overall_change"]
    assert status(answers) is Completeness.PARTIAL
    assert status(declined) is Completeness.PARTIAL


def test_enrolment_is_complete_without_the_question_it_does_not_ask():
    assert status(first_answers(19, month=0), month=0) is Completeness.COMPLETE


def test_exactly_the_limits_count():
    answers = first_answers(21)
    twenty = completeness(FOLLOW_UP, context(), answers, Decimal(1), Decimal("0.5"))
    assert twenty is Completeness.COMPLETE


def test_declined_questions_apply_but_are_not_answered():
    answers = first_answers(21)
    answers |= dict.fromkeys(list(answers)[1:6], PREFER_NOT_TO_SAY)
    assert count(FOLLOW_UP, context(), answers) == Count(16, 21)
    assert not is_answered(FOLLOW_UP.by_code["fatigue"], answers)


def test_optional_questions_do_not_count():
    answers = {"may_call": "yes"}
    assert count(FOLLOW_UP, context(), answers) == count(
        FOLLOW_UP, context(), answers | {"call_time": ["morning"]}
    )


@given(months, some_answers(), st.data())
def test_answering_one_more_question_never_makes_a_response_less_complete(month, answers, data):
    """Questions that open branches are left out: their answer adds questions that apply."""
    rank = [Completeness.BREAK_OFF, Completeness.PARTIAL, Completeness.COMPLETE]
    open_ = [
        question
        for question in applicable(FOLLOW_UP, context(month), answers)
        if question.code not in GATES and not is_answered(question, answers)
    ]
    if not open_:
        return
    question = data.draw(st.sampled_from(open_))
    answer = data.draw(answered_by(question).filter(lambda a: a != PREFER_NOT_TO_SAY))
    more = answers | {question.code: answer}
    assert rank.index(status(more, month)) >= rank.index(status(answers, month))


# ---- severe answers


def test_advice_comes_for_severe_answers_on_the_page_once_each():
    questions = [FOLLOW_UP.by_code[code] for code in ("fatigue", "fever", "chest_pain")]
    assert urgent(questions, {"fatigue": 10, "fever": 7, "chest_pain": 6}) == ("fever",)
    assert urgent(questions, {"fever": 6, "chest_pain": PREFER_NOT_TO_SAY}) == ()
    both = [FOLLOW_UP.by_code["problem_severity_1"], FOLLOW_UP.by_code["problem_severity_2"]]
    severe = {"problem_severity_1": "severe", "problem_severity_2": "life_threatening"}
    assert urgent(both, severe) == ("problem",)


def test_a_condition_on_a_repeated_question_is_met_by_each_repetition():
    condition = Condition("problem_severity", any_of=("severe",))
    answers = {"problem_severity_1": "mild", "problem_severity_3": "severe"}
    found = matches(FOLLOW_UP, condition, answers)
    assert [question.code for question in found] == ["problem_severity_3"]


def test_repetitions_are_told_by_text_code():
    answers = {
        "new_problems": "yes",
        "problem_what_1": "Cough",
        "problem_when_1": PREFER_NOT_TO_SAY,
        "problem_what_2": "Rash",
        "problem_ongoing_2": "yes",
    }
    assert repetitions(FOLLOW_UP, "problem", answers) == (
        {"problem_what": "Cough"},
        {"problem_what": "Rash", "problem_ongoing": "yes"},
    )
    assert repetitions(FOLLOW_UP, "problem", {}) == ()
