"""Dates and answers in the patient's words."""

from datetime import date, timedelta

from surveys.answers import Context
from surveys.catalogues import Catalogue
from surveys.instruments import Instrument
from surveys.questions import PREFER_NOT_TO_SAY, Answer, Question, QuestionType


def date_text(day: date, words: Catalogue) -> str:
    """A day in full: "6 August 2026"."""
    return words.text("date.full", day=day.day, month=_month(day.month, words), year=day.year)


def weekday_text(day: date, words: Catalogue) -> str:
    """A day of the past weeks: "Thursday 1 October"."""
    weekday, month = words.text(f"weekday.{day.weekday()}"), _month(day.month, words)
    return words.text("date.with_weekday", weekday=weekday, day=day.day, month=month)


def _month(month: int, words: Catalogue) -> str:
    return words.text(f"month.{month}")


def facts(instrument: Instrument, context: Context, words: Catalogue) -> dict[str, str]:
    """The dates that question texts ask for: `since`, and the first day of the recall period."""
    week_start = context.on - timedelta(days=instrument.recall_days)
    return {
        "since": date_text(context.since, words),
        "week_start": weekday_text(week_start, words),
    }


def answer_text(
    question: Question, answer: Answer | None, texts: Catalogue, words: Catalogue
) -> str:
    """A stored answer in words, `texts` being the instrument's catalogue, `words` the messages."""
    if answer is None:
        return words.text("answer.missing")
    if answer == PREFER_NOT_TO_SAY:
        return words.text("answer.prefer_not_to_say")
    return _given_text(question, answer, texts, words)


def _given_text(question: Question, answer: Answer, texts: Catalogue, words: Catalogue) -> str:
    stem = f"question.{question.text_code}"
    match question.type:
        case QuestionType.CHOICE | QuestionType.MULTI:
            codes = answer if isinstance(answer, list) else [answer]
            return ", ".join(texts.text(f"{stem}.choices.{code}") for code in codes)
        case QuestionType.YES_NO:
            return words.text(f"answer.{answer}")
        case QuestionType.SCALE:
            return words.text("answer.scale", value=answer)
        case QuestionType.NUMBER:
            return f"{answer:g} {texts.text(f'{stem}.unit')}"
        case QuestionType.DATE:
            return _partial_date(str(answer), words)
        case _:
            return str(answer)


def _partial_date(answer: str, words: Catalogue) -> str:
    """An ISO day, or year and month where the day is not known."""
    if len(answer) == len("2026-01-31"):
        return date_text(date.fromisoformat(answer), words)
    year, month = answer.split("-")
    return words.text("date.month_only", month=_month(int(month), words), year=year)
