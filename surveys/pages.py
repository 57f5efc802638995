"""How a questionnaire is cut into pages, and where a patient stands in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from surveys.answers import Answers, Context, applicable
from surveys.instruments import Instrument
from surveys.questions import Question, Section


@dataclass(frozen=True, slots=True)
class Page:
    """The questions shown together; `key` names the page in addresses and never changes."""

    key: str
    section: str
    instance: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a page stands among the parts and questions that this patient gets.

    `first` and `last` number the page's questions; `answered` counts declined ones too.
    """

    part: int
    parts: int
    first: int
    last: int
    total: int
    answered: int
    minutes_left: int


@cache
def _all_pages(instrument: Instrument) -> tuple[Page, ...]:
    return tuple(
        Page(questions[0].code, section.code, questions[0].instance, tuple(questions))
        for section in instrument.sections
        for questions in _cut(section, instrument.page_size)
    )


def _cut(section: Section, size: int) -> Iterator[list[Question]]:
    """Cut at a full page, around questions that stand alone or are for some patients only, and
    before one that hangs on an answer of the same page: without JavaScript it could not appear.
    """
    page: list[Question] = []
    for question in section.questions:
        if page and (_is_apart(question, page) or len(page) == size):
            yield page
            page = []
        page.append(question)
    yield page


def _is_apart(question: Question, page: list[Question]) -> bool:
    codes = {before.code for before in page}
    return (
        question.is_alone
        or page[-1].is_alone
        or question.instance != page[-1].instance
        or question.applies != page[-1].applies
        or any(condition.question in codes for condition in question.show_if)
    )


def pages(instrument: Instrument, context: Context, answers: Answers) -> tuple[Page, ...]:
    """The pages that this patient gets with these answers, each with the questions that apply.

    Keys stay the same whatever is answered, so an address kept by the patient keeps its meaning.
    """
    asked = {question.code for question in applicable(instrument, context, answers)}
    kept = (
        (page, tuple(q for q in page.questions if q.code in asked))
        for page in _all_pages(instrument)
    )
    return tuple(
        Page(p.key, p.section, p.instance, questions) for p, questions in kept if questions
    )


def page(instrument: Instrument, context: Context, answers: Answers, key: str) -> Page | None:
    """The page of that key, or None when this patient does not get it."""
    found = (page for page in pages(instrument, context, answers) if page.key == key)
    return next(found, None)


def page_after(instrument: Instrument, context: Context, answers: Answers, key: str) -> Page | None:
    """The next page that applies, also after one that no longer does; None: review comes next."""
    return _near(instrument, context, answers, key, after=True)


def page_before(
    instrument: Instrument, context: Context, answers: Answers, key: str
) -> Page | None:
    """The page before that applies; None at the first."""
    return _near(instrument, context, answers, key, after=False)


def _near(
    instrument: Instrument, context: Context, answers: Answers, key: str, *, after: bool
) -> Page | None:
    order = {page.key: n for n, page in enumerate(_all_pages(instrument))}
    here = order.get(key, -1)
    given = pages(instrument, context, answers)
    if after:
        return next((page for page in given if order[page.key] > here), None)
    return next((page for page in reversed(given) if order[page.key] < here), None)


def first_unanswered(instrument: Instrument, context: Context, answers: Answers) -> Page | None:
    """Where to go on: the first page with a required question still missing; None: review."""
    given = pages(instrument, context, answers)
    return next((page for page in given if is_open(page, answers)), None)


def is_open(page: Page, answers: Answers) -> bool:
    """Whether a required question of the page has neither an answer nor "prefer not to say"."""
    return any(q.required and q.code not in answers for q in page.questions)


def progress(instrument: Instrument, context: Context, answers: Answers, current: Page) -> Progress:
    """Part, question numbers and time left, counting only questions that this patient gets."""
    given = pages(instrument, context, answers)
    asked = [question.code for page in given for question in page.questions]
    parts = list(dict.fromkeys(page.section for page in given))
    left = sum(code not in answers for code in asked)
    first = asked.index(current.questions[0].code) + 1
    return Progress(
        part=parts.index(current.section) + 1,
        parts=len(parts),
        first=first,
        last=first + len(current.questions) - 1,
        total=len(asked),
        answered=len(asked) - left,
        minutes_left=-(-left * instrument.seconds_per_question // 60),
    )
