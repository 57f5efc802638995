"""Instruments: versioned questionnaires read from definitions/*.toml, with every text checked."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from surveys.catalogues import (
    DEFINITIONS,
    REFERENCE_LANGUAGE,
    Catalogue,
    load_catalogue,
    places,
)
from surveys.questions import Condition, Question, QuestionType, Section, read_section
from surveys.reading import DefinitionError, Table, fingerprint

FACTS = frozenset({"since", "week_start", "n", "clinic", "telephone", "hours", "emergency"})
"""What question texts may ask to have filled in."""


SCALE = QuestionType.SCALE


@dataclass(frozen=True, eq=False)
class Instrument:
    """One version of a questionnaire with its texts in each language; loaded once, so hashable."""

    code: str
    version: int
    months: frozenset[int]
    primary: str
    recall_days: int
    licence: str
    page_size: int
    seconds_per_question: int
    sections: tuple[Section, ...]
    catalogues: Mapping[str, Catalogue]
    fingerprint: str

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Every question in order, repeated ones as often as they can be asked."""
        return tuple(question for section in self.sections for question in section.questions)

    @cached_property
    def by_code(self) -> Mapping[str, Question]:
        """Every question by the key of its answer."""
        return {question.code: question for question in self.questions}

    def catalogue(self, language: str) -> Catalogue:
        """The texts in that language, in English where there are none."""
        return self.catalogues.get(language) or self.catalogues[REFERENCE_LANGUAGE]


@cache
def bundled_instruments() -> Mapping[tuple[str, int], Instrument]:
    """Every bundled instrument by code and version."""
    paths = sorted(path for path in DEFINITIONS.glob("*.toml") if path.name.count(".") == 1)
    loaded = [load_instrument(path) for path in paths]
    return {(instrument.code, instrument.version): instrument for instrument in loaded}


def instrument(code: str, version: int | str) -> Instrument:
    """One bundled instrument; KeyError when there is no such version."""
    return bundled_instruments()[code, int(version)]


def load_instrument(path: Path) -> Instrument:
    """Read a definition and the catalogues beside it; DefinitionError names file, key, reason."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    found = [load_catalogue(file) for file in sorted(path.parent.glob(f"{path.stem}.*.toml"))]
    catalogues = {catalogue.language: catalogue for catalogue in found}
    if REFERENCE_LANGUAGE not in catalogues:
        raise DefinitionError(path.name, "the file", f"has no {path.stem}.en.toml beside it")
    wording = dict(catalogues[REFERENCE_LANGUAGE].texts)
    loaded = _read(Table(content, path.name), catalogues, fingerprint([content, wording]))
    _check_references(loaded, path.name)
    for catalogue in catalogues.values():
        _check_texts(loaded, catalogue)
    return loaded


def _read(table: Table, catalogues: Mapping[str, Catalogue], sha256: str) -> Instrument:
    with table:
        months = frozenset(table.integers("months"))
        return Instrument(
            code=table.text("code"),
            version=table.integer("version"),
            months=months,
            primary=table.text("primary"),
            recall_days=table.integer("recall_days"),
            licence=table.text("licence"),
            page_size=table.integer("page_size"),
            seconds_per_question=table.integer("seconds_per_question"),
            sections=tuple(read_section(item, months) for item in table.tables("section")),
            catalogues=catalogues,
            fingerprint=sha256,
        )


def _check_references(instrument: Instrument, file: str) -> None:
    """Codes are unique, and every condition looks back at an earlier question it can be met by."""
    earlier: dict[str, Question] = {}
    for question in instrument.questions:
        if question.code in earlier:
            raise DefinitionError(file, question.code, "is the code of two questions")
        for condition in question.show_if:
            _check_condition(condition, earlier, file, question.code)
        earlier[question.code] = question
        if question.urgent:
            _check_condition(question.urgent.condition, earlier, file, question.code)
    if instrument.primary not in earlier:
        raise DefinitionError(file, "primary", f"{instrument.primary} is not a question")


def _check_condition(
    condition: Condition, known: Mapping[str, Question], file: str, asker: str
) -> None:
    target = known.get(condition.question)
    if target is None:
        raise DefinitionError(file, asker, f"{condition.question} is no earlier question")
    is_number = target.type in {SCALE, QuestionType.NUMBER}
    wanted = {condition.equals, *condition.any_of} - {None}
    if (condition.at_least is not None and not is_number) or not wanted <= set(target.choices):
        raise DefinitionError(file, asker, f"{condition.question} can never have that answer")


def _check_texts(instrument: Instrument, catalogue: Catalogue) -> None:
    """No text is missing, none is left over, and each asks only for facts there are."""
    file = f"{catalogue.name}.{catalogue.language}.toml"
    needed, optional = set(_needed(instrument)), set(_optional(instrument))
    for key in sorted(needed - catalogue.texts.keys()):
        raise DefinitionError(file, key, "this text is missing")
    for key, text in catalogue.texts.items():
        if key not in needed | optional:
            raise DefinitionError(file, key, "no question uses this text")
        if not places(text) <= FACTS:
            raise DefinitionError(file, key, f"only these can be filled in: {sorted(FACTS)}")


def _needed(instrument: Instrument) -> Iterator[str]:
    for section in instrument.sections:
        yield f"section.{section.code}.title"
    for question in instrument.questions:
        stem = f"question.{question.text_code}"
        yield from (f"{stem}.text", f"{stem}.name")
        if question.type in {QuestionType.CHOICE, QuestionType.MULTI}:
            yield from (f"{stem}.choices.{choice}" for choice in question.choices)
        if question.type is SCALE:
            yield from (f"{stem}.low", f"{stem}.high")
        if question.type is QuestionType.NUMBER:
            yield f"{stem}.unit"
        if question.urgent:
            yield from (f"advice.{question.urgent.advice}.{part}" for part in ("heading", "text"))


def _optional(instrument: Instrument) -> Iterator[str]:
    yield from (f"section.{section.code}.intro" for section in instrument.sections)
    for question in instrument.questions:
        yield from (f"question.{question.text_code}.{part}" for part in ("hint", "missing"))


def answer_codes(instrument: Instrument) -> list[str]:
    """What stored answers rely on, one line each: types, codes, scales and units."""
    texts = instrument.catalogues[REFERENCE_LANGUAGE]
    return [line for question in instrument.questions for line in _codes_of(question, texts)]


def _codes_of(question: Question, texts: Catalogue) -> Iterator[str]:
    yield f"{question.code}: {question.type}"
    yield from (f"{question.code} = {choice}" for choice in question.choices)
    if question.type is SCALE:
        yield f"{question.code} from {question.minimum:g} to {question.maximum:g}"
    if question.type is QuestionType.NUMBER:
        yield f"{question.code} in {texts.text(f'question.{question.text_code}.unit')}"


def changed_codes(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    """What stored answers rely on and the new instrument no longer has; empty: nothing is lost.

    Questions and codes may be added; what has been answered keeps its type, code, scale and unit.
    """
    kept = set(new)
    return tuple(line for line in old if line not in kept)
