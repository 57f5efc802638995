"""The letters of a wave differ in six places: the message is made once and the places filled in.

Making an EmailMessage and writing it as bytes takes longer than sending it. What comes out is the
same to the last byte; whatever might not come out the same is made the long way.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape

from registry.letters.rendering import LINKS, Letter, boundary, refuse_breaks, render

Facts = tuple[tuple[str, str], ...]
LONGEST = 500  # of a link: then no header line is folded
WORD = r"[\w!#$%&'*+/=?^`{|}~-]+"
ADDRESS = re.compile(rf"{WORD}(\.{WORD})*@[\w-]+(\.[\w-]+)+", re.ASCII)
MESSAGE_ID = re.compile(r"<\w+@[\w-]+(\.[\w-]+)*>", re.ASCII)
NOWHERE = Letter(
    kind="",
    language="",
    version=0,
    sender="",
    sender_name="",
    to="addressee@place.invalid",
    message_id="<message@place.invalid>",
    dated_at=datetime(1970, 1, 1, tzinfo=UTC),
    facts={
        "link": "https://place.invalid/link",
        "preferences": "https://place.invalid/choose",
        "unsubscribe": "https://place.invalid/leave",
    },
)
"""What stands in the places until they are filled in."""


def as_bytes(letter: Letter) -> bytes:
    """The message as it goes over the wire, lines ending in CR LF. Raises LetterRefused."""
    refuse_breaks(letter)
    form = _form_for(letter) if _is_plain(letter) else None
    if form is None:
        return render(letter).as_bytes()
    for place, own in zip(_places(NOWHERE), _places(letter), strict=True):
        form = form.replace(place, own)
    return form


def _is_plain(letter: Letter) -> bool:
    links = [letter.facts.get(name, "") for name in LINKS]
    return (
        bool(ADDRESS.fullmatch(letter.to))
        and bool(MESSAGE_ID.fullmatch(letter.message_id))
        and all(one.isascii() and escape(one) == one and len(one) < LONGEST for one in links)
    )


def _places(letter: Letter) -> Iterator[bytes]:
    yield letter.to.encode()
    yield letter.message_id.encode()
    yield boundary(letter.message_id).encode()
    yield format_datetime(letter.dated_at).encode()
    yield from (letter.facts.get(name, "").encode() for name in sorted(NOWHERE.facts))


def _form_for(letter: Letter) -> bytes | None:
    facts = {
        name: NOWHERE.facts.get(name, value) if value else ""
        for name, value in letter.facts.items()
    }
    wave = (letter.kind, letter.language, letter.version, letter.sender, letter.sender_name)
    return _form(*wave, tuple(sorted(facts.items())))


@lru_cache(maxsize=256)
def _form(
    kind: str, language: str, version: int, sender: str, sender_name: str, facts: Facts
) -> bytes | None:
    """The letter with its places open; None if it is not plain ASCII, where one place filled in
    may change how the next line is written.
    """
    wave = replace(NOWHERE, kind=kind, language=language, version=version)
    wave = replace(wave, sender=sender, sender_name=sender_name, facts=dict(facts))
    message = render(wave)
    parts = [part for part in message.walk() if not part.is_multipart()]
    is_plain = all(part["Content-Transfer-Encoding"] == "7bit" for part in parts)
    return message.as_bytes() if is_plain else None
