"""Message catalogues: every word that a patient can see, one file per language."""

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from surveys.reading import DefinitionError, fingerprint

DEFINITIONS = Path(__file__).parent / "definitions"
REFERENCE_LANGUAGE = "en"
_PLAIN_NAME = re.compile(r"[a-z_]+")


@dataclass(frozen=True)
class Catalogue:
    """Texts of one file by dotted key, with places for facts in braces: "Since {since}, …"."""

    name: str
    language: str
    texts: Mapping[str, str]

    def __contains__(self, key: str) -> bool:
        """Whether there is a text of that key."""
        return key in self.texts

    def text(self, key: str, **facts: object) -> str:
        """The text with its facts filled in; facts it does not name are ignored.

        A missing text or fact is a KeyError that names the catalogue and the key.
        """
        try:
            return self.texts[key].format_map(facts)
        except KeyError as error:
            place = f"{self.name}.{self.language}: {key}"
            raise KeyError(f"{place}: no {error.args[0]!r} among the texts or facts") from None

    def text_or_none(self, key: str, **facts: object) -> str | None:
        """The text, or None where the catalogue has none."""
        return self.text(key, **facts) if key in self.texts else None

    def paragraphs(self, key: str, **facts: object) -> tuple[str, ...]:
        """The text cut at its empty lines, line breaks inside a paragraph made spaces."""
        parts = re.split(r"\n\s*\n", self.text(key, **facts).strip())
        return tuple(" ".join(part.split()) for part in parts)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all texts."""
        return fingerprint(dict(self.texts))


def load_catalogue(path: Path) -> Catalogue:
    """Read `<name>.<language>.toml`; every leaf must be a text whose places are plain names."""
    name, language, _ = path.name.split(".")
    texts = dict(_leaves(tomllib.loads(path.read_text(encoding="utf-8")), "", path.name))
    return Catalogue(name, language, texts)


def _leaves(table: Mapping[str, object], prefix: str, file: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        where = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{where}.", file)
        elif isinstance(value, str) and value.strip():
            _check_places(value, where, file)
            yield where, value
        else:
            raise DefinitionError(file, where, "must be a text that is not empty")


def _check_places(text: str, key: str, file: str) -> None:
    """Refuse places such as {a.b} or {0}: only plain names are filled in."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise DefinitionError(file, key, f"braces do not match ({error})") from None
    for _, name, style, conversion in parts:
        if name is not None and (not _PLAIN_NAME.fullmatch(name) or style or conversion):
            raise DefinitionError(file, key, f"{{{name}}} is not a plain name in braces")


def places(text: str) -> set[str]:
    """The names of the facts that a text asks for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@cache
def bundled_catalogues(name: str) -> Mapping[str, Catalogue]:
    """The catalogues of one name by language; the reference language is always there."""
    found = [load_catalogue(path) for path in sorted(DEFINITIONS.glob(f"{name}.*.toml"))]
    return {catalogue.language: catalogue for catalogue in found}


def catalogue(name: str, language: str) -> Catalogue:
    """The catalogue in that language, in English where there is none."""
    known = bundled_catalogues(name)
    return known.get(language) or known[REFERENCE_LANGUAGE]


def messages(language: str = REFERENCE_LANGUAGE) -> Catalogue:
    """The words of the patient's pages and letters, apart from the questions themselves."""
    return catalogue("messages", language)
