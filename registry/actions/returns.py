"""A message that came back to the bounce address is read, proved to be ours, and recorded."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from registry import tokens
from registry.actions import bounces
from registry.actions.bounces import Returned
from registry.bounces import reading
from registry.models import Instance, OutboxEmail
from registry.settings import Settings

UNPROVED = "unproved"
KNOWN = "known"


def receive(session: Session, raw: bytes, *, settings: Settings, by: str, at: datetime) -> str:
    """Take in one message; gives its kind (see Bounce), "known" for one that was counted already,
    and "unproved" for one without a tag that only we can have made: that changes nothing.
    """
    if settings.bounce_address is None:
        return UNPROVED
    report = reading.read(raw, settings.bounce_address)
    letter = _letter(session, report.tags, settings)
    if letter is None:
        return UNPROVED
    key = sha256(f"message|{letter.id}|{report.identity}".encode()).hexdigest()
    returned = Returned(report.kind, "message", report.words, key, report.status)
    recorded = bounces.record(session, letter, returned, by=by, at=at)
    return KNOWN if recorded is None else report.kind


def _letter(session: Session, tags: Iterable[str], settings: Settings) -> OutboxEmail | None:
    """The letter of the first genuine tag, if it was handed over once."""
    instance = session.get_one(Instance, 1).instance_id
    for tag in tags:
        letter_id = tokens.read_bounce_tag(settings.token_keys, instance, tag)
        letter = None if letter_id is None else session.get(OutboxEmail, letter_id)
        if letter is not None and letter.message_id is not None:
            return letter
    return None
