"""Answers so far: which questions apply, how complete they are, and what is severe in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache

from surveys.instruments import Instrument
from surveys.questions import PREFER_NOT_TO_SAY, Answer, Condition, Question

Answers = Mapping[str, Answer]


class Completeness(StrEnum):
    """How far a response is, by the protocol's shares."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    BREAK_OFF = "break_off"


@dataclass(frozen=True, slots=True)
class Context:
    """Who is asked when: the time-point, the civil day `on`, and the day "since …" questions mean.

    `applies` names the groups of questions that fit this patient, such as "pregnancy".
    """

    month: int
    since: date
    on: date
    applies: frozenset[str] = frozenset()


def applicable(instrument: Instrument, context: Context, answers: Answers) -> tuple[Question, ...]:
    """The questions that this patient gets with these answers, in order.

    An answer counts for branching only while its own question applies.
    """
    asked: list[Question] = []
    standing: dict[str, Answer] = {}
    for question in _fitting(instrument, context.month, context.applies):
        for condition in question.show_if:
            if not condition.holds(standing):
                break
        else:
            asked.append(question)
            if question.code in answers:
                standing[question.code] = answers[question.code]
    return tuple(asked)


@cache
def _fitting(instrument: Instrument, month: int, applies: frozenset[str]) -> tuple[Question, ...]:
    """The questions of a time-point for those groups of patients, whatever is answered."""
    groups = {None, *applies}
    return tuple(q for q in instrument.questions if month in q.months and q.applies in groups)


def standing(instrument: Instrument, context: Context, answers: Answers) -> dict[str, Answer]:
    """The answers whose questions apply; the others are left out."""
    asked = applicable(instrument, context, answers)
    return {question.code: answers[question.code] for question in asked if question.code in answers}


@dataclass(frozen=True, slots=True)
class Count:
    """How many questions apply, and how many of those are answered; optional ones are left out."""

    answered: int
    applicable: int


def count(instrument: Instrument, context: Context, answers: Answers) -> Count:
    """Count the questions that ask for an answer; a declined one applies but is not answered."""
    asked = [q for q in applicable(instrument, context, answers) if q.required]
    return Count(sum(is_answered(question, answers) for question in asked), len(asked))


def is_answered(question: Question, answers: Answers) -> bool:
    """Whether there is an answer other than "prefer not to say"."""
    return Condition(question.code, answered=True).holds(answers)


def completeness(
    instrument: Instrument, context: Context, answers: Answers, complete: Decimal, partial: Decimal
) -> Completeness:
    """Complete: the primary question and the share `complete` of those that apply are answered.

    Partial: the share `partial`, or no primary answer. Less is a break-off (AAPOR Standard
    Definitions, partial interviews). At enrolment, where the primary question is not asked, the
    share alone decides.
    """
    counted = count(instrument, context, answers)
    share = Decimal(counted.answered) / (counted.applicable or 1)
    primary = instrument.by_code[instrument.primary]
    has_primary = context.month not in primary.months or is_answered(primary, answers)
    if share >= complete and has_primary:
        return Completeness.COMPLETE
    return Completeness.PARTIAL if share >= partial else Completeness.BREAK_OFF


def urgent(questions: Sequence[Question], answers: Answers) -> tuple[str, ...]:
    """The advice keys that the answers to these questions call for, on the very next page."""
    rules = (question.urgent for question in questions)
    found = (rule.advice for rule in rules if rule and rule.condition.holds(answers))
    return tuple(dict.fromkeys(found))


def matches(instrument: Instrument, condition: Condition, answers: Answers) -> tuple[Question, ...]:
    """The questions whose answers meet a condition on a text code: each repetition by itself."""
    asked = (q for q in instrument.questions if q.text_code == condition.question)
    return tuple(
        q
        for q in asked
        if condition.holds({q.text_code: answers[q.code]} if q.code in answers else {})
    )


def repetitions(
    instrument: Instrument, section: str, answers: Answers
) -> tuple[dict[str, Answer], ...]:
    """Each answered repetition of a section as answers by text code, declined ones left out."""
    found: dict[int, dict[str, Answer]] = {}
    for question in next(part for part in instrument.sections if part.code == section).questions:
        answer = answers.get(question.code)
        if answer is not None and answer != PREFER_NOT_TO_SAY:
            found.setdefault(question.instance, {})[question.text_code] = answer
    return tuple(found.values())
