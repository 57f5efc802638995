"""A letter as the patient's mail program shows it, and what must never stand in one."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import yaml

from registry import letters
from registry.datafiles import DataFileError
from registry.letters import Letter, LetterRefused
from registry.letters.wording import load, places, wording
from registry.models.outbox import LETTERS

LINK = "https://door.example.org/s/" + "a" * 43
LEAVE = "https://door.example.org/u/1.7." + "b" * 43
FACTS = {
    "registry": "Outcomes Registry",
    "site": "Väter & Söhne Clinic",
    "contact": "+49 30 5550100, Monday to Friday",
    "emergency": "In an emergency call 112.",
    "month": "3",
    "minutes": "8",
    "closes_on": "31 March 2026",
    "link_ends_on": "30 April 2026",
    "ends": "6 January 2026, 10:00 UTC",
    "link": LINK,
    "unsubscribe": LEAVE,
    "preferences": "https://door.example.org/p/1.2.ghi",
}
INVITATION = Letter(
    kind="invitation",
    language="en",
    version=1,
    sender="registry@example.org",
    sender_name="Outcomes Registry",
    to="pat@example.org",
    message_id="<abc@example.org>",
    dated_at=datetime(2026, 1, 5, 10, 0, tzinfo=UTC),
    facts=FACTS,
)
NEVER = re.compile(
    r"lupus|sle\b|systemic|stem|mesenchym|transplant|infusion|treatment|therap|trial|disease|illness|"
    r"diagnos|rheumat|immun|nephro|patient|hospital",
    re.IGNORECASE,
)


def of_kind(kind: str) -> Letter:
    known = {name: FACTS[name] for name in letters.FACTS[kind]}
    return replace(INVITATION, kind=kind, facts=known)


def read(letter: Letter) -> EmailMessage:
    return message_from_bytes(letters.as_bytes(letter), policy=default)


def parts(message: EmailMessage) -> tuple[str, str]:
    """Plain text and HTML, as a mail program decodes them."""
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text
    assert html
    return text.get_content(), html.get_content()


@pytest.mark.parametrize("kind", LETTERS)
def test_a_letter_is_the_same_each_time(kind: str) -> None:
    assert letters.as_bytes(of_kind(kind)) == letters.as_bytes(of_kind(kind))


def test_another_letter_has_another_boundary() -> None:
    other = replace(INVITATION, message_id="<def@example.org>")
    assert read(other).get_boundary() != read(INVITATION).get_boundary()


def test_every_kind_of_letter_has_words() -> None:
    assert set(letters.FACTS) == set(LETTERS)


def test_the_headers_say_who_when_and_how_to_stop() -> None:
    message = read(INVITATION)
    assert message["From"] == "Outcomes Registry <registry@example.org>"
    assert message["To"] == "pat@example.org"
    assert message["Subject"] == "Your follow-up questions"
    assert message["Date"].datetime == INVITATION.dated_at
    assert message["Message-ID"] == "<abc@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == f"<{LEAVE}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_letter_to_staff_cannot_be_unsubscribed_from() -> None:
    assert read(of_kind("password_reset"))["List-Unsubscribe"] is None


@pytest.mark.parametrize("kind", ["invitation", "reminder", "new_link"])
def test_plain_text_and_html_say_the_same(kind: str) -> None:
    text, html = parts(read(of_kind(kind)))
    assert LINK in text.split()
    assert f'<a href="{LINK}">{LINK}</a>' in html
    assert "Väter & Söhne Clinic" in text
    assert "Väter &amp; Söhne Clinic" in html
    words = re.sub(r"<[^>]+>", "", html.replace("&amp;", "&").replace("&#x27;", "'"))
    assert words.split() == text.split()
    asked = places(" ".join(wording("en").paragraphs(kind)))
    assert {name for name in asked if FACTS[name] not in text} == set()


@pytest.mark.parametrize("kind", LETTERS)
def test_no_word_of_ours_names_an_illness_or_a_treatment(kind: str) -> None:
    words = wording("en")
    ours = " ".join([words.letters[kind].subject, *words.paragraphs(kind)])
    assert NEVER.findall(ours) == []


def test_html_has_nothing_that_is_fetched_or_run() -> None:
    _, html = parts(read(INVITATION))
    assert not re.search(r"<(img|script|link|style|iframe|form)|src=|style=|on\w+=", html)
    assert re.findall(r'href="([^"]+)"', html) == [LINK, FACTS["preferences"], LEAVE]


def test_a_paragraph_without_its_fact_is_left_out() -> None:
    text, html = parts(read(replace(INVITATION, facts=FACTS | {"contact": "", "closes_on": ""})))
    for body in (text, html):
        assert "You have a question?" not in body
        assert "Please answer by" not in body


@pytest.mark.parametrize(
    "broken",
    [
        {"to": "pat@example.org\r\nBcc: all@example.org"},
        {"to": "pat@example.org\nBcc: all@example.org"},
        {"to": "not an address"},
        {"to": ""},
        {"to": "a@b@c"},
        {"to": "pat@example.org, other@example.org"},
        {"sender_name": "Registry\r\nBcc: all@example.org"},
        {"facts": FACTS | {"site": "Clinic\nBcc: all@example.org"}},
        {"facts": FACTS | {"unsubscribe": "https://x/\r\nBcc: all@example.org"}},
    ],
)
def test_no_header_can_be_smuggled_in(broken: dict[str, Any]) -> None:
    with pytest.raises(LetterRefused):
        letters.as_bytes(replace(INVITATION, **broken))


def test_html_in_a_fact_stays_text() -> None:
    _, html = parts(read(replace(INVITATION, facts=FACTS | {"site": "<b>Clinic</b>"})))
    assert "<b>" not in html
    assert "&lt;b&gt;Clinic&lt;/b&gt;" in html


def test_braces_in_a_fact_stay_text() -> None:
    text, _ = parts(read(replace(INVITATION, facts=FACTS | {"site": "Clinic {link}"})))
    assert "Clinic {link}" in text


def test_a_language_without_words_falls_back_to_english() -> None:
    assert wording("xx") is wording("en", 1)


def test_a_version_that_we_do_not_bring_is_an_error() -> None:
    with pytest.raises(KeyError):
        wording("en", 99)


def test_dates_are_written_in_words() -> None:
    assert wording("en").day(date(2024, 2, 29)) == "29 February 2024"


BUNDLED = Path(letters.__file__).parent / "en.1.yaml"


def _drop_link(content: dict[str, Any]) -> None:
    content["letters"]["reminder"]["paragraphs"].remove("link")


def _ask_for_name(content: dict[str, Any]) -> None:
    content["words"]["hello"] = "Hello {name},"


def _unknown_paragraph(content: dict[str, Any]) -> None:
    content["letters"]["test"]["paragraphs"].append("thanks")


def _no_test_letter(content: dict[str, Any]) -> None:
    del content["letters"]["test"]


def _eleven_months(content: dict[str, Any]) -> None:
    content["months"].pop()


def _fact_in_subject(content: dict[str, Any]) -> None:
    content["letters"]["test"]["subject"] = "Test of {registry}"


def _other_version(content: dict[str, Any]) -> None:
    content["version"] = 2


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_drop_link, "reminder: no paragraph brings the link"),
        (_ask_for_name, "hello: may only ask for"),
        (_unknown_paragraph, "no paragraph 'thanks'"),
        (_no_test_letter, "letters: needs exactly"),
        (_eleven_months, "months: needs twelve names"),
        (_fact_in_subject, "subject: nothing is filled in there"),
        (_other_version, "name it en.2.yaml"),
    ],
)
def test_words_that_cannot_make_a_letter_are_refused(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], told: str
) -> None:
    content = yaml.safe_load(BUNDLED.read_text(encoding="utf-8"))
    spoil(content)
    file = tmp_path / "en.1.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DataFileError, match=re.escape(told)):
        load(file)
