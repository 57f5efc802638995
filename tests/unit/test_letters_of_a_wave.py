"""A letter that was filled in is the letter that would have been made, byte by byte."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from registry.letters import FACTS, Letter, LetterRefused, as_bytes, render

LETTER = Letter(
    kind="invitation",
    language="en",
    version=1,
    sender="registry@example.org",
    sender_name="Outcomes Registry",
    to="ada1@example.org",
    message_id="<abc234@example.org>",
    dated_at=datetime(2026, 1, 5, 10, 0, 7, 123456, tzinfo=UTC),
    facts={
        "registry": "Outcomes Registry", "site": "Clinic A", "contact": "+49 30 5550100",
        "emergency": "Call 112.", "month": "1", "minutes": "12", "closes_on": "14 January 2026",
        "link_ends_on": "13 February 2026", "link": "https://door.example.org/s/abc-_9",
        "unsubscribe": "https://door.example.org/u/1.2.def", "ends": "5 January 2026, 12:00 UTC",
    },
)  # fmt: skip


def with_facts(**facts: str) -> Letter:
    return replace(LETTER, facts={**LETTER.facts, **facts})


@pytest.mark.parametrize(
    "letter",
    [
        *(replace(LETTER, kind=kind) for kind in sorted(FACTS)),
        replace(LETTER, kind="test", facts={"registry": "R"}),
        with_facts(closes_on=""),
        with_facts(site="Klinik für Innere"),
        with_facts(site="Klinik für Innere", link="https://door.example.org/s/?b=1"),
        with_facts(emergency="Καλέστε το 112. " * 40),
        with_facts(emergency="Rufen Sie 112. " * 20),
        with_facts(link="https://door.example.org/s/a?b=1&c=2"),
        with_facts(link="https://door.example.org/" + "x" * 900),
        replace(LETTER, sender_name="Región, Norte"),
        replace(LETTER, to='"odd one"@example.org'),
        replace(LETTER, to="o'brien+ada@sub.example.org"),
        replace(LETTER, message_id="<a.b@[127.0.0.1]>"),
    ],
)
def test_a_filled_in_letter_is_the_letter_that_would_have_been_made(letter: Letter) -> None:
    as_bytes(replace(letter, to="somebody.else@example.com"))
    assert as_bytes(letter) == render(letter).as_bytes()


@given(
    some.emails(),
    some.datetimes(),
    some.text(max_size=40),
    some.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True),
)
def test_whatever_stands_in_the_places(to: str, on: datetime, site: str, token: str) -> None:
    link = f"https://door.example.org/s/{token}"
    letter = replace(with_facts(site=site, link=link), to=to, dated_at=on.replace(tzinfo=UTC))
    try:
        expected = render(letter).as_bytes()
    except LetterRefused:
        with pytest.raises(LetterRefused):
            as_bytes(letter)
    else:
        assert as_bytes(letter) == expected


def test_nobody_gets_what_was_made_for_another() -> None:
    first = as_bytes(LETTER)
    second = as_bytes(
        replace(with_facts(link="https://door.example.org/s/zzz"), to="b@example.org")
    )
    assert b"ada1@" in first
    assert b"/s/abc-_9" in first
    assert b"ada1@" not in second
    assert b"abc-_9" not in second
    assert b"place.invalid" not in first + second
