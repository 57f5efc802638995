"""Answers that came as JSON, checked like those of a form and by the same rules."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import ValidationError

from registry.models import FollowUp
from registry.queries import surveys as reading
from surveys.checking import DATE_PARTS, check
from surveys.questions import PREFER_NOT_TO_SAY, Answer, Question, QuestionType

UNKNOWN = "There is no such question in this questionnaire."
IDLE = "This question does not apply to the patient with these answers."


def checked(follow_up: FollowUp, given: Mapping[str, Any], on: date) -> dict[str, Answer]:
    """The answers as they are kept; null and "" stand for none. `on`: the day they were given.

    Raises ValidationError by question code for a question that there is not, one that does not
    apply, and an answer that cannot be used. Questions may be left out.
    """
    instrument, context = reading.instrument_of(follow_up), reading.context_of(follow_up, on)
    given = {code: value for code, value in given.items() if value not in (None, "")}
    asked = [question for question in instrument.questions if question.code in given]
    form: dict[str, list[str]] = {}
    for question in asked:
        form |= _as_form(question, given[question.code])
    found = check(instrument, context, asked, {}, form)
    wrong = {code: [UNKNOWN] for code in given if code not in instrument.by_code}
    wrong |= {problem.question: [problem.text] for problem in found.problems}
    if not wrong:
        idle = (question.code for question in asked if question.code not in found.answers)
        wrong = {code: [IDLE] for code in idle}
    if wrong:
        raise ValidationError({"answers": wrong})
    return found.answers


def _as_form(question: Question, value: Any) -> dict[str, list[str]]:
    """The fields that a page would have sent for this answer."""
    values = [_text(one) for one in (value if isinstance(value, list) else [value])]
    if question.type is not QuestionType.DATE or values == [PREFER_NOT_TO_SAY]:
        return {question.code: values}
    # an ISO date is cut into the page's three boxes; anything else has no year that could be read
    year, month, day = [*values[0].split("-", 2), "", ""][:3] if len(values) == 1 else ("?", "", "")
    parts = {"year": year, "month": month, "day": day}
    return {f"{question.code}-{part}": [parts[part]] for part in DATE_PARTS}


def _text(value: Any) -> str:
    """A JSON value as it is typed into a form; what no form can send is read as no answer."""
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_plain else ""
