"""The form of one page: what was sent, read into answers, or what is wrong with it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from surveys.answers import Context, standing
from surveys.catalogues import REFERENCE_LANGUAGE, Catalogue, messages
from surveys.instruments import Instrument
from surveys.questions import PREFER_NOT_TO_SAY, Answer, Question, QuestionType

Form = Mapping[str, Sequence[str]]
"""A form as it came in: every name with all its values."""

DATE_PARTS = ("day", "month", "year")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one answer: the form field to go to, and what to do about it."""

    field: str
    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked page: all answers so far with those of the page, or what is wrong.

    Answers of questions that no longer apply are gone from `answers`.
    """

    answers: dict[str, Answer]
    problems: tuple[Problem, ...]


class _WrongError(Exception):
    """An answer that cannot be used: the message's key and facts, and the form field."""

    def __init__(self, key: str, field: str = "", **facts: object) -> None:
        super().__init__(key)
        self.key, self.field, self.facts = key, field, facts


def check(
    instrument: Instrument,
    context: Context,
    questions: Sequence[Question],
    answers: Mapping[str, Answer],
    form: Form,
    language: str = REFERENCE_LANGUAGE,
) -> Checked:
    """Check what was sent for `questions` and lay it over the answers so far.

    An empty optional answer takes an earlier one away. Names in the form that belong to no
    question of the page are ignored.
    """
    words, texts = messages(language), instrument.catalogue(language)
    merged, problems = dict(answers), []
    for question in questions:
        merged.pop(question.code, None)
        try:
            answer = read_answer(question, form, context.on)
        except _WrongError as wrong:
            problems.append(_problem(question, wrong, words, texts))
            continue
        if answer is not None:
            merged[question.code] = answer
    return Checked(standing(instrument, context, merged), tuple(problems))


def _problem(question: Question, wrong: _WrongError, words: Catalogue, texts: Catalogue) -> Problem:
    stem = f"question.{question.text_code}"
    own = texts.text_or_none(f"{stem}.missing") if wrong.key == "missing" else None
    key = f"{wrong.key}_{question.type}" if wrong.key == "missing" else wrong.key
    text = own or words.text(f"problem.{key}", name=texts.text(f"{stem}.name"), **wrong.facts)
    return Problem(wrong.field or first_field(question), question.code, text[:1].upper() + text[1:])


def first_field(question: Question) -> str:
    """The name of the question's first form field, where an error leads to."""
    if question.type is QuestionType.DATE:
        return f"{question.code}-day"
    return question.code


def read_answer(question: Question, form: Form, on: date) -> Answer | None:
    """The answer that a form holds for one question; None where an optional one is empty."""
    values = [value.strip() for value in form.get(question.code, ()) if value.strip()]
    if PREFER_NOT_TO_SAY in values and question.decline:
        return _declined(question, values, form)
    answer = _READERS[question.type](question, values, form, on)
    if answer is None and question.required:
        raise _WrongError("missing", low=int(question.minimum), high=int(question.maximum))
    return answer


def _declined(question: Question, values: Sequence[str], form: Form) -> Answer:
    """Declining and answering at once is a slip that only the patient can resolve."""
    if set(values) != {PREFER_NOT_TO_SAY} or any(_date_parts(question, form)):
        raise _WrongError("both")
    return PREFER_NOT_TO_SAY


def _read_code(question: Question, values: list[str], form: Form, on: date) -> Answer | None:
    codes = sorted(set(values), key=question.choices.index) if _known(question, values) else []
    if len(codes) > 1:
        raise _WrongError("only_one")
    return codes[0] if codes else None


def _known(question: Question, values: list[str]) -> bool:
    """Codes that the page never offered are as good as no answer: the question is asked again."""
    return all(value in question.choices for value in values)


def _read_codes(question: Question, values: list[str], form: Form, on: date) -> Answer | None:
    codes = [code for code in question.choices if code in values]
    if len(codes) > 1 and set(codes) & set(question.exclusive):
        raise _WrongError("exclusive")
    return codes or None


def _read_scale(question: Question, values: list[str], form: Form, on: date) -> Answer | None:
    steps = {str(step): step for step in range(int(question.minimum), int(question.maximum) + 1)}
    chosen = {steps[value] for value in values if value in steps}
    if len(chosen) > 1:
        raise _WrongError("only_one")
    return chosen.pop() if chosen else None


def _read_number(question: Question, values: list[str], form: Form, on: date) -> Answer | None:
    if not values:
        return None
    facts = {"low": f"{question.minimum:g}", "high": f"{question.maximum:g}"}
    match = re.fullmatch(r"(\d{1,9})(?:[.,](\d{1,9}))?", values[0], re.ASCII)
    if match is None:
        raise _WrongError("number", **facts)
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > question.decimals:
        raise _WrongError("decimals" if question.decimals else "whole_number", **facts)
    number = float(f"{whole}.{fraction or 0}")
    if not question.minimum <= number <= question.maximum:
        raise _WrongError("range", **facts)
    return int(number) if math.floor(number) == number else number


def _read_text(question: Question, values: list[str], form: Form, on: date) -> Answer | None:
    text = " ".join(" ".join(values).split())
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise _WrongError("signs")
    if len(text) > question.max_length:
        raise _WrongError("too_long", high=question.max_length)
    return text or None


def _date_parts(question: Question, form: Form) -> list[str]:
    names = [f"{question.code}-{part}" for part in DATE_PARTS]
    return [next((v.strip() for v in form.get(name, ()) if v.strip()), "") for name in names]


def _read_date(question: Question, values: list[str], form: Form, on: date) -> Answer | None:
    """A day, or a month when the day is left empty; ISO text of ten or seven signs."""
    day, month, year = _date_parts(question, form)
    if not (day or month or year):
        return None
    for part, sent, pattern in (("month", month, r"\d{1,2}"), ("year", year, r"\d{4}")):
        if not re.fullmatch(pattern, sent, re.ASCII):
            raise _WrongError(f"date_{part}", f"{question.code}-{part}")
    if not re.fullmatch(r"\d{0,2}", day, re.ASCII):
        raise _WrongError("date_day", f"{question.code}-day")
    try:
        given = date(int(year), int(month), int(day or 1))
    except ValueError:
        raise _WrongError("date_unreal") from None
    if given > on or given.year < on.year - 120:
        raise _WrongError("date_future" if given > on else "date_year", f"{question.code}-year")
    return given.isoformat() if day else given.isoformat()[:7]


_READERS = {
    QuestionType.CHOICE: _read_code,
    QuestionType.YES_NO: _read_code,
    QuestionType.MULTI: _read_codes,
    QuestionType.SCALE: _read_scale,
    QuestionType.NUMBER: _read_number,
    QuestionType.TEXT: _read_text,
    QuestionType.DATE: _read_date,
}
