"""A letter from words and facts: pure, and the same bytes each time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageDefect, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from html import escape

from registry.errors import Invalid
from registry.letters.wording import places, wording

# 7bit: no server on the way needs 8BITMIME; no folding: a folded link is a broken link
POLICY = SMTP.clone(max_line_length=998, cte_type="7bit")
LINKS = frozenset({"link", "unsubscribe", "preferences"})


class LetterRefused(Invalid):
    """No letter can be made of these facts."""


@dataclass(frozen=True)
class Letter:
    """One letter. `facts` are words ready to be filled in; empty ones drop their paragraph."""

    kind: str
    language: str
    version: int
    sender: str
    sender_name: str
    to: str = field(repr=False)
    message_id: str = field(repr=False)
    dated_at: datetime
    facts: Mapping[str, str] = field(repr=False)


def render(letter: Letter) -> EmailMessage:
    """The message: plain text and the same as plain HTML; nothing in it is random.

    RFC 3834 (Auto-Submitted), RFC 8058 (one-click unsubscribe). Raises LetterRefused for an
    address or a fact with a line break and for what is no address.
    """
    words = wording(letter.language, letter.version)
    refuse_breaks(letter)
    paragraphs = [
        text for text in words.paragraphs(letter.kind) if _is_complete(text, letter.facts)
    ]
    message = EmailMessage(policy=POLICY)
    for name, value in _headers(letter, words.letters[letter.kind].subject):
        message[name] = value
    message.set_content(_text(paragraphs, letter.facts))
    message.add_alternative(_html(paragraphs, letter, words.language), subtype="html")
    message.set_boundary(boundary(letter.message_id))
    return message


def boundary(message_id: str) -> str:
    """What parts the text from the HTML: not random, so that copies of a letter are equal."""
    return sha256(message_id.encode()).hexdigest()[:32]


def refuse_breaks(letter: Letter) -> None:
    """Raise LetterRefused where a line break could begin a header of its own."""
    given = {"to": letter.to, "sender": letter.sender, "name": letter.sender_name, **letter.facts}
    for name, value in given.items():
        if any(ord(sign) < 32 for sign in value):
            raise LetterRefused(f"letter, {name}: has a line break or control character; remove it")


def _headers(letter: Letter, subject: str) -> Iterable[tuple[str, object]]:
    yield "From", _address(letter.sender, letter.sender_name)
    yield "To", _address(letter.to)
    yield "Subject", subject
    yield "Date", letter.dated_at
    yield "Message-ID", letter.message_id
    yield "Auto-Submitted", "auto-generated"
    unsubscribe = letter.facts.get("unsubscribe")
    if unsubscribe:
        yield "List-Unsubscribe", f"<{unsubscribe}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _address(address: str, name: str = "") -> Address:
    try:
        return Address(display_name=name, addr_spec=address)
    except (MessageDefect, MessageError, ValueError, IndexError):
        # without its cause, which quotes the address
        raise LetterRefused("letter: the e-mail address on file is not one") from None


def _is_complete(text: str, facts: Mapping[str, str]) -> bool:
    return all(facts.get(name) for name in places(text))


def _text(paragraphs: Iterable[str], facts: Mapping[str, str]) -> str:
    return "\n\n".join(text.format_map(facts) for text in paragraphs) + "\n"


def _html(paragraphs: Iterable[str], letter: Letter, language: str) -> str:
    facts = {name: _as_html(name, value) for name, value in letter.facts.items()}
    body = "\n".join(f"<p>{escape(text).format_map(facts)}</p>" for text in paragraphs)
    head = f'<!doctype html>\n<html lang="{escape(language)}">\n<head><meta charset="utf-8"></head>'
    return f"{head}\n<body>\n{body}\n</body>\n</html>\n"


def _as_html(name: str, value: str) -> str:
    shown = escape(value)
    return f'<a href="{shown}">{shown}</a>' if name in LINKS else shown
