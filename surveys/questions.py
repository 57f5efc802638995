"""Questions, sections and the small grammar that decides who is asked what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from surveys.reading import Table

PREFER_NOT_TO_SAY = "prefer_not_to_say"
"""The stored answer of someone who was asked and would rather not answer."""

YES, NO = "yes", "no"

Answer = str | int | float | list[str]
"""One stored answer, as JSON: a code, a number, a text, an ISO date (or year-month), codes."""


class QuestionType(StrEnum):
    """What kind of answer a question takes."""

    CHOICE = "choice"
    SCALE = "scale"
    NUMBER = "number"
    YES_NO = "yes_no"
    DATE = "date"
    TEXT = "text"
    MULTI = "multi"


_WITH_CHOICES = frozenset({QuestionType.CHOICE, QuestionType.MULTI})


@dataclass(frozen=True, slots=True)
class Condition:
    """One test on the answer to an earlier question; exactly one of the four tests is set.

    `equals` and `any_of` also match a code inside a list of codes. A missing or declined answer
    satisfies no condition, so every condition is decided for every set of answers.
    """

    question: str
    equals: str | None = None
    at_least: Decimal | None = None
    any_of: tuple[str, ...] = ()
    answered: bool = False

    def __post_init__(self) -> None:
        """Refuse no test and several tests."""
        tests = (self.equals, self.at_least, self.any_of or None, self.answered or None)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("give exactly one of equals, at_least, any_of, answered")

    def holds(self, answers: Mapping[str, Answer]) -> bool:
        """Whether the answers satisfy the test."""
        answer = answers.get(self.question)
        if answer is None or answer == PREFER_NOT_TO_SAY:
            return False
        if self.at_least is not None:
            return isinstance(answer, int | float) and answer >= self.at_least
        codes = answer if isinstance(answer, list) else [str(answer)]
        return self.answered or any(code == self.equals or code in self.any_of for code in codes)


@dataclass(frozen=True, slots=True)
class Urgent:
    """The answer after which the very next page shows the advice of that catalogue key."""

    condition: Condition
    advice: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `code` is its key among the answers, `text_code` its key in the catalogue.

    They differ only in a repeated section, where the second problem's `what` is `what_2`.
    """

    code: str
    text_code: str
    type: QuestionType
    required: bool
    decline: bool
    months: frozenset[int]
    applies: str | None
    show_if: tuple[Condition, ...]
    choices: tuple[str, ...]
    exclusive: tuple[str, ...]
    minimum: float
    maximum: float
    decimals: int
    max_length: int
    urgent: Urgent | None
    instance: int

    @property
    def is_alone(self) -> bool:
        """Whether it stands alone on its page: questions whose answer can need urgent advice do."""
        return self.urgent is not None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the questionnaire under one heading; `repeat` is how often it can be given."""

    code: str
    repeat: int
    questions: tuple[Question, ...]


def read_condition(table: Table, question: str | None = None) -> Condition:
    """Read `{question, equals | at_least | any_of | answered}`."""
    with table:
        code, equals = question or table.text("question"), table.text_or_none("equals")
        number = table.number_or_none("at_least")
        at_least = None if number is None else Decimal(str(number))
        any_of, answered = table.texts("any_of", ()), table.flag("answered", False)
    try:
        return Condition(code, equals, at_least, any_of, answered)
    except ValueError as error:
        raise table.error(code, str(error)) from None


def read_section(table: Table, months: frozenset[int]) -> Section:
    """Read one section; a repeated one is laid out as often as it can be given."""
    with table:
        code, repeat = table.text("code"), table.integer("repeat", 1)
        go_on = table.text_or_none("continue")
        gate = _conditions(table)
        months = frozenset(table.integers("months", tuple(months)))
        questions = tuple(_read_question(item, months) for item in table.tables("question"))
        if (repeat > 1) != (go_on is not None) or repeat < 1:
            raise table.error("repeat", "more than 1 needs `continue`, and only then")
        if go_on and not any(q.code == go_on and q.type is QuestionType.YES_NO for q in questions):
            raise table.error("continue", f"{go_on} is not a yes/no question of this section")
    if go_on is None:
        gated = (replace(q, show_if=gate + q.show_if, instance=0) for q in questions)
        return Section(code, repeat, tuple(gated))
    laid_out = (q for n in range(1, repeat + 1) for q in _instance(questions, n, go_on, gate))
    last = f"{go_on}_{repeat}"
    return Section(code, repeat, tuple(q for q in laid_out if q.code != last))


def _instance(
    questions: Sequence[Question], n: int, go_on: str, gate: tuple[Condition, ...]
) -> list[Question]:
    """The questions of the n-th time, asked when the time before ended with "another one: yes"."""
    own = {question.code for question in questions}
    before = (Condition(f"{go_on}_{n - 1}", equals=YES),) if n > 1 else ()

    def numbered(condition: Condition) -> Condition:
        code = condition.question
        return replace(condition, question=f"{code}_{n}" if code in own else code)

    return [
        replace(
            question,
            code=f"{question.code}_{n}",
            instance=n,
            show_if=(*gate, *before, *map(numbered, question.show_if)),
            urgent=question.urgent
            and replace(question.urgent, condition=numbered(question.urgent.condition)),
        )
        for question in questions
    ]


def _conditions(table: Table) -> tuple[Condition, ...]:
    return tuple(read_condition(item) for item in table.tables("show_if", ()))


def _read_question(table: Table, months: frozenset[int]) -> Question:
    with table:
        code, kind = table.text("code"), _read_type(table)
        question = Question(
            code=code,
            text_code=code,
            type=kind,
            required=table.flag("required", True),
            decline=table.flag("decline", True),
            months=frozenset(table.integers("months", tuple(months))),
            applies=table.text_or_none("applies"),
            show_if=_conditions(table),
            choices=(YES, NO) if kind is QuestionType.YES_NO else table.texts("choices", ()),
            exclusive=table.texts("exclusive", ()),
            minimum=table.number("minimum", 0),
            maximum=table.number("maximum", 10 if kind is QuestionType.SCALE else 0),
            decimals=table.integer("decimals", 0),
            max_length=table.integer("max_length", 0),
            urgent=_read_urgent(table, code),
            instance=0,
        )
        _check_question(table, question, months)
    return question


def _read_type(table: Table) -> QuestionType:
    kind = table.text("type")
    if kind not in list(QuestionType):
        raise table.error("type", f"must be one of {', '.join(QuestionType)}, not {kind!r}")
    return QuestionType(kind)


def _read_urgent(table: Table, code: str) -> Urgent | None:
    if "urgent" not in table:
        return None
    rule = table.table("urgent")
    advice = rule.text("advice")
    return Urgent(read_condition(rule, code), advice)


def _check_question(table: Table, question: Question, months: frozenset[int]) -> None:
    kind, codes = question.type, question.choices
    problems = {
        "choices": (kind in _WITH_CHOICES and len(codes) < 2)
        or len(set(codes)) < len(codes)
        or PREFER_NOT_TO_SAY in codes,
        "exclusive": not set(question.exclusive) <= set(codes),
        "maximum": kind in {QuestionType.SCALE, QuestionType.NUMBER}
        and question.minimum >= question.maximum,
        "max_length": kind is QuestionType.TEXT and question.max_length < 1,
        "months": not question.months <= months,
    }
    for key, wrong in problems.items():
        if wrong:
            raise table.error(key, f"does not fit a question of type {kind}")
