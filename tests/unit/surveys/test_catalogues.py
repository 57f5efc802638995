"""Catalogues: every text is there, is filled in, and is readable for a child of eleven."""

import re
from pathlib import Path

import pytest

from surveys.catalogues import (
    DEFINITIONS,
    Catalogue,
    bundled_catalogues,
    catalogue,
    load_catalogue,
    messages,
    places,
)
from surveys.reading import DefinitionError

BUNDLED = [load_catalogue(path) for path in sorted(DEFINITIONS.glob("*.*.toml"))]
NAMES_OF_ILLNESS_OR_TREATMENT = set(
    re.findall(
        r"\w+",
        "lupus sle discoid autoimmune rheumatic nephritis arthritis stem mesenchymal transplant "
        "cell cells umbilical marrow infusion intrathecal lumbar donor",
    )
)


def test_facts_are_filled_in_and_others_are_ignored():
    words = Catalogue("w", "en", {"a.b": "Since {since}, {n} times"})
    assert words.text("a.b", since="May", n=2, clinic="x") == "Since May, 2 times"
    assert "a.b" in words
    assert words.text_or_none("a.c") is None
    assert words.text_or_none("a.b", since="May", n=3) == "Since May, 3 times"


def test_a_missing_text_or_fact_names_catalogue_and_key():
    words = Catalogue("w", "en", {"a.b": "Since {since}"})
    with pytest.raises(KeyError, match=r"w\.en: a\.x"):
        words.text("a.x")
    with pytest.raises(KeyError, match=r"w\.en: a\.b: no 'since'"):
        words.text("a.b")


def test_paragraphs_are_cut_at_empty_lines():
    words = Catalogue("w", "en", {"t": "\nOne\nline.\n\n  \nTwo {n}.\n"})
    assert words.paragraphs("t", n=2) == ("One line.", "Two 2.")


def test_an_unknown_language_gets_english():
    assert catalogue("messages", "xx") is messages()
    assert messages("en").language == "en"
    assert "en" in bundled_catalogues("messages")


def test_other_words_have_another_fingerprint():
    one, other = Catalogue("w", "en", {"a": "x"}), Catalogue("w", "en", {"a": "y"})
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == Catalogue("w", "en", {"a": "x"}).fingerprint


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('a = ""', "a: must be a text that is not empty"),
        ("[a]\nb = 3", r"a\.b: must be a text"),
        ('a = "{b.c}"', "a: {b.c} is not a plain name"),
        ('a = "{}"', "a: {} is not a plain name"),
        ('a = "{b!r}"', "a: {b} is not a plain name"),
        ('a = "{b:>9}"', "a: {b} is not a plain name"),
        ('a = "{b"', "a: braces do not match"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_refused(tmp_path: Path, content: str, reason: str):
    path = tmp_path / "w.en.toml"
    path.write_text(content)
    with pytest.raises(DefinitionError, match=rf"^w\.en\.toml: {reason}"):
        load_catalogue(path)


def test_the_places_of_a_text_are_its_facts():
    assert places("{a} and {b}, not {{c}}") == {"a", "b"}


@pytest.mark.parametrize("words", BUNDLED, ids=lambda words: f"{words.name}.{words.language}")
def test_no_patient_text_names_an_illness_or_a_treatment(words: Catalogue):
    for key, text in words.texts.items():
        found = set(re.findall(r"[a-z]+", text.lower())) & NAMES_OF_ILLNESS_OR_TREATMENT
        assert not found, f"{key} says {found}"


@pytest.mark.parametrize("name", ["follow_up", "messages"])
def test_patient_texts_read_easily_at_eleven(name: str):
    """Flesch-Kincaid grade (Kincaid 1975) of all sentences together: grade 5 is age 10 to 11."""
    text = " ".join(
        text if text.rstrip().endswith((".", "?")) else f"{text}."
        for key, text in catalogue(name, "en").texts.items()
        if not key.startswith("question.medicines.choices") and ".name" not in key
    )
    sentences = [part for part in re.split(r"[.?:]\s", text) if re.search("[a-z]", part)]
    words = re.findall(r"[A-Za-z']+", text)
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", re.sub("e$", "", w.lower())))) for w in words
    )
    grade = 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59
    assert grade < 5


COMPUTED = {
    "month": r"month\.",
    "weekday": r"weekday\.",
    "answer": r"answer\.(yes|no|day|month|year)$",
    "progress": r"progress\.(one|two|many)$",
    "pages that say one thing": r"(already|closed|ended|left|unsubscribed|unknown|expired_page"
    r"|busy|too_many)\.(title|text)$",
    "a new link": r"new_link\.(sent|too_often|nothing|stopped)_(title|text)$",
    "preferences": r"preferences\.(morning|afternoon|evening|missing_\w+)$",
    "what is wrong": r"problem\.(missing_(choice|yes_no|scale|multi|number|text|date)|both|only_one"
    r"|exclusive|number|whole_number|decimals|range|signs|too_long|date_\w+)$",
}
"""Keys that the code puts together, by the place that does."""


def test_every_text_of_the_messages_is_asked_for_somewhere():
    root = DEFINITIONS.parent.parent
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("registry", "surveys")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".html"}
    ]
    said = set(re.findall(r"[\"']([a-z_]+\.[a-z_0-9]+)[\"']", "\n".join(sources)))
    idle = [
        key
        for key in messages().texts
        if key not in said and not any(re.match(each, key) for each in COMPUTED.values())
    ]
    assert idle == []
