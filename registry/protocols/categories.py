"""Which of the protocol's categories an event falls in, by the words of its term."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Category:
    """A group of events under our own label; every condition that is given must hold.

    `terms` are whole terms; a phrase is matched from the start of a word, `pneumon*` with any
    ending. A term with one of the `not_phrases` is left out. `within` names an earlier category.
    """

    code: str
    label: str
    terms: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    not_phrases: tuple[str, ...] = ()
    within: str | None = None
    serious: bool = False
    grade_at_least: int | None = None


def normal(term: str) -> str:
    """The term in lower case, without accents and signs, its words apart by one space."""
    plain = unicodedata.normalize("NFKD", term).casefold()
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", letters))


def categories_of(
    categories: Sequence[Category], term: str, serious: bool, grade: int | None
) -> frozenset[str]:
    """The codes of all categories that the event falls in; an unknown grade meets no minimum."""
    found: set[str] = set()
    for category in categories:
        fits = (
            (category.within is None or category.within in found)
            and (serious or not category.serious)
            and (category.grade_at_least is None or (grade or 0) >= category.grade_at_least)
        )
        if fits and _named(category, term):
            found.add(category.code)
    return frozenset(found)


def _named(category: Category, term: str) -> bool:
    text = normal(term)
    if category.not_phrases and _pattern(category.not_phrases).search(text):
        return False
    if not category.terms and not category.phrases:
        return True
    return text in map(normal, category.terms) or bool(_pattern(category.phrases).search(text))


@cache
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    parts = (
        re.escape(normal(phrase)) + ("" if phrase.endswith("*") else r"\b") for phrase in phrases
    )
    return re.compile(rf"\b(?:{'|'.join(parts) or '(?!)'})")
