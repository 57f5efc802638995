"""The words of the letters, by language and version, checked when they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from string import Formatter

from registry.datafiles import DataFileError, read_yaml, record

REFERENCE_LANGUAGE = "en"
_SITE = frozenset({"registry", "site", "contact", "emergency"})
_LINKS = frozenset({"link", "unsubscribe", "preferences"})
_FOLLOW_UP = _SITE | {"month", "minutes", "closes_on", "link_ends_on", *_LINKS}
FACTS: Mapping[str, frozenset[str]] = {
    "invitation": _FOLLOW_UP,
    "reminder": _FOLLOW_UP,
    "new_link": _FOLLOW_UP,
    "password_reset": frozenset({"registry", "link", "ends"}),
    "test": frozenset({"registry"}),
}
"""The kinds of letters, and what each may have filled in."""


@dataclass(frozen=True)
class Template:
    """The subject and the paragraphs, in order, by their names in `words`."""

    subject: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """All letters in one language, in one version."""

    language: str
    version: int
    date_form: str
    months: tuple[str, ...]
    words: Mapping[str, str]
    letters: Mapping[str, Template]

    def day(self, day: date) -> str:
        """A civil date in words."""
        return self.date_form.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    def paragraphs(self, kind: str) -> list[str]:
        """The unfilled paragraphs of one kind of letter."""
        return [self.words[name] for name in self.letters[kind].paragraphs]


def places(text: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def wording(language: str, version: int | None = None) -> Wording:
    """The words in that language (English where there are none) and version (None: the newest).

    Raises KeyError for a version that this software does not bring.
    """
    known = _all()
    if not any(code == language for code, _ in known):
        language = REFERENCE_LANGUAGE
    if version is None:
        version = max(number for code, number in known if code == language)
    return known[language, version]


@cache
def _all() -> Mapping[tuple[str, int], Wording]:
    read = [load(path) for path in sorted(Path(__file__).parent.glob("*.yaml"))]
    return {(one.language, one.version): one for one in read}


def load(path: Path) -> Wording:
    """One file of words. Raises DataFileError with file, place and reason."""
    found = record(Wording, read_yaml(path.read_text(encoding="utf-8"), path.name), path.name)
    if path.stem != f"{found.language}.{found.version}":
        raise DataFileError(f"{path.name}: name it {found.language}.{found.version}.yaml")
    if found.letters.keys() != FACTS.keys():
        raise DataFileError(f"{path.name}, letters: needs exactly {', '.join(sorted(FACTS))}")
    if len(found.months) != 12:
        raise DataFileError(f"{path.name}, months: needs twelve names")
    for kind in FACTS:
        _check(found, kind, f"{path.name}, letters, {kind}")
    return found


def _check(found: Wording, kind: str, where: str) -> None:
    template = found.letters[kind]
    for name in template.paragraphs:
        if name not in found.words:
            raise DataFileError(f"{where}: there is no paragraph '{name}' under words")
        if not places(found.words[name]) <= FACTS[kind]:
            raise DataFileError(f"{where}, {name}: may only ask for {sorted(FACTS[kind])}")
    if places(template.subject):
        raise DataFileError(f"{where}, subject: nothing is filled in there")
    asked = frozenset[str]().union(*map(places, found.paragraphs(kind)))
    missing = FACTS[kind] & _LINKS - asked
    if missing:
        raise DataFileError(f"{where}: no paragraph brings the {sorted(missing)[0]}")
