"""Pages: short, severe questions alone, never a branch beside its gate; back, on, resume."""

from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from surveys.answers import Context, applicable
from surveys.instruments import instrument, load_instrument
from surveys.pages import (
    Progress,
    first_unanswered,
    is_open,
    page,
    page_after,
    page_before,
    pages,
    progress,
)
from surveys.questions import PREFER_NOT_TO_SAY

FOLLOW_UP = instrument("follow_up", 1)
GATES: dict[str, list[Any]] = {
    "medicines": [["none"], ["corticosteroid"]],
    "work": ["full_time", "retired"],
    "hospital": ["yes", "no"],
    "new_problems": ["yes", "no"],
    "may_call": ["yes", "no"],
    **{f"problem_another_{n}": ["yes", "no"] for n in range(1, 5)},
}
branches = st.fixed_dictionaries(
    {}, optional={code: st.sampled_from(answers) for code, answers in GATES.items()}
)
contexts = st.builds(
    lambda month, applies: Context(month, date(2026, 1, 1), date(2026, 4, 1), applies),
    st.sampled_from(sorted(FOLLOW_UP.months)),
    st.sampled_from([frozenset(), frozenset({"pregnancy"})]),
)
CONTEXT = Context(3, date(2026, 1, 1), date(2026, 4, 1))


@given(contexts, branches)
def test_pages_hold_every_question_that_applies_once_and_in_order(context, answers):
    shown = [question for one in pages(FOLLOW_UP, context, answers) for question in one.questions]
    assert shown == list(applicable(FOLLOW_UP, context, answers))


@given(contexts, branches)
def test_pages_are_short_severe_questions_alone_and_no_branch_beside_its_gate(context, answers):
    for one in pages(FOLLOW_UP, context, answers):
        codes = [question.code for question in one.questions]
        assert 1 <= len(codes) <= 3
        assert len({(question.instance, question.applies) for question in one.questions}) == 1
        for question in one.questions:
            assert question.urgent is None or len(codes) == 1
            assert not {condition.question for condition in question.show_if} & set(codes)


def test_a_long_section_is_cut_at_the_page_size(tmp_path: Path):
    words = ['section.only.title = "x"']
    definition = [
        'code = "long"\nversion = 1\nmonths = [1]\nprimary = "q0"\nrecall_days = 7',
        'licence = "own"\npage_size = 3\nseconds_per_question = 10\n[[section]]\ncode = "only"',
    ]
    for n in range(7):
        definition.append(f'[[section.question]]\ncode = "q{n}"\ntype = "yes_no"')
        words.append(f'question.q{n} = {{ text = "x", name = "x" }}')
    (tmp_path / "long.toml").write_text("\n".join(definition))
    (tmp_path / "long.en.toml").write_text("\n".join(words))
    long = load_instrument(tmp_path / "long.toml")
    context = Context(1, date(2026, 1, 1), date(2026, 4, 1))
    assert [len(one.questions) for one in pages(long, context, {})] == [3, 3, 1]


@given(contexts, branches)
def test_going_on_and_back_visits_every_page_once(context, answers):
    given_ = pages(FOLLOW_UP, context, answers)
    walked, here = [], given_[0]
    while here:
        walked.append(here)
        here = page_after(FOLLOW_UP, context, answers, here.key)
    assert tuple(walked) == given_
    back, here = [], given_[-1]
    while here:
        back.append(here)
        here = page_before(FOLLOW_UP, context, answers, here.key)
    assert tuple(reversed(back)) == given_


@given(contexts, branches, branches)
def test_a_page_keeps_its_key_whatever_is_answered(context, before, after):
    """The same key never shows other questions, only more or fewer of the same."""
    first = {one.key: {q.code for q in one.questions} for one in pages(FOLLOW_UP, context, before)}
    second = {one.key: {q.code for q in one.questions} for one in pages(FOLLOW_UP, context, after)}
    for key in first.keys() & second.keys():
        assert first[key] <= second[key] or second[key] <= first[key]


@given(contexts, branches)
def test_resume_is_the_first_open_page_and_review_when_there_is_none(context, answers):
    seen = 0
    while (here := first_unanswered(FOLLOW_UP, context, answers)) is not None:
        seen += 1
        assert is_open(here, answers)
        answers = answers | {q.code: PREFER_NOT_TO_SAY for q in here.questions if q.required}
    assert seen <= len(pages(FOLLOW_UP, context, answers))
    assert all(q.code in answers for q in applicable(FOLLOW_UP, context, answers) if q.required)


def test_a_page_that_this_patient_does_not_get_is_none():
    assert page(FOLLOW_UP, CONTEXT, {}, "steroid_medicine") is None
    assert page(FOLLOW_UP, CONTEXT, {}, "nonsense") is None
    found = page(FOLLOW_UP, CONTEXT, {"medicines": ["corticosteroid"]}, "steroid_medicine")
    assert found is not None
    assert [question.code for question in found.questions] == ["steroid_medicine", "steroid_dose"]


def test_after_a_page_that_no_longer_applies_comes_the_next_one_that_does():
    following = page_after(FOLLOW_UP, CONTEXT, {"medicines": ["none"]}, "steroid_medicine")
    assert following is not None
    assert following.key == "activities"
    assert page_before(FOLLOW_UP, CONTEXT, {}, "overall_change") is None
    assert page_after(FOLLOW_UP, CONTEXT, {}, "call_time") is None


def test_progress_counts_what_this_patient_gets():
    answers: dict[str, Any] = {"overall_change": "same", "fatigue": PREFER_NOT_TO_SAY}
    here = page(FOLLOW_UP, CONTEXT, answers, "rash")
    assert here is not None
    assert progress(FOLLOW_UP, CONTEXT, answers, here) == Progress(
        part=2, parts=7, first=6, last=7, total=21, answered=2, minutes_left=7
    )


@given(contexts, branches)
def test_progress_runs_from_the_first_question_to_the_last(context, answers):
    numbered: list[int] = []
    parts = []
    for one in pages(FOLLOW_UP, context, answers):
        found = progress(FOLLOW_UP, context, answers, one)
        numbered += range(found.first, found.last + 1)
        parts.append(found.part)
        assert found.answered <= found.total
    assert numbered == list(range(1, found.total + 1))
    assert parts == sorted(parts)
    assert parts[-1] == found.parts
