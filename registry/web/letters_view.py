"""A letter as staff see it: its words without its links, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from registry import http, letters, words
from registry.letters.wording import places
from registry.models import FollowUp, OutboxEmail
from registry.queries import letters as facts
from registry.queries import returned
from registry.web.labels import BOUNCES, LETTER_STATES
from surveys.lifecycle import OutboxState

KINDS = {
    "invitation": "First letter",
    "reminder": "Reminder",
    "new_link": "New link",
    "password_reset": "Link to a password",
    "test": "Test letter",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One letter: which, its month, its state as (words, colour), when, its text, its fate."""

    letter: OutboxEmail
    kind: str
    month: int | None
    state: tuple[str, str]
    when: str
    subject: str
    body: str
    fate: str


def preview(session: Session, letter: OutboxEmail) -> Shown:
    """The letter with its words; links and address are left out, for they are the patient's."""
    follow_up = session.get(FollowUp, letter.follow_up_id) if letter.follow_up_id else None
    zone = ZoneInfo(follow_up.zone if follow_up else http.runtime().settings.zone)
    told = letter.facts or facts.facts_of(session, letter, http.runtime().settings)
    own = {
        "link": "(the reader's own link)",
        "preferences": "(the link to the reader's choices)",
        "unsubscribe": "(the link that stops these letters)",
    }
    catalogue = letters.wording(letter.language, letter.template_version)
    paragraphs = catalogue.paragraphs(letter.kind)
    kept = [text for text in paragraphs if all((told | own).get(name) for name in places(text))]
    return Shown(
        letter=letter,
        kind=KINDS[letter.kind],
        month=follow_up.month if follow_up else None,
        state=LETTER_STATES[OutboxState(letter.state)],
        when=words.moment(letter.ended_at or letter.next_attempt_at, zone),
        subject=catalogue.letters[letter.kind].subject,
        body="\n\n".join(text.format_map(told | own) for text in kept),
        fate=fate(letter, zone) + _came_back(session, letter),
    )


def _came_back(session: Session, letter: OutboxEmail) -> str:
    bounce = returned.newest(session, [letter.id]).get(letter.id)
    return f" {BOUNCES[bounce.kind]}: {bounce.words}." if bounce else ""


def fate(letter: OutboxEmail, zone: ZoneInfo) -> str:
    """What became of it, in a sentence or two."""
    when = words.moment(letter.ended_at or letter.next_attempt_at, zone)
    tries = f" Tried {words.plural(letter.attempts, 'time')}." if letter.attempts > 1 else ""
    told = {
        OutboxState.QUEUED: f"To go at {when}.",
        OutboxState.LEASED: "A worker is sending it.",
        OutboxState.HANDOVER: "It is being handed to the mail server.",
        OutboxState.SENT: f"Taken by the mail server at {when}.",
        OutboxState.FAILED: f"Refused at {when}: {letter.state_reason or letter.server_reply}.",
        OutboxState.PARKED: "The mail server gave no clear answer; it may have arrived.",
        OutboxState.CANCELLED: f"Called off: {letter.state_reason or 'no reason kept'}.",
    }
    return told[OutboxState(letter.state)] + tries


def newest_version(language: str) -> int:
    """The version of the words that a letter written now has."""
    return letters.wording(language).version


def morning_of(follow_up: FollowUp) -> datetime:
    """When the first letter of a follow-up goes, about: at nine on its day, in its zone."""
    return datetime.combine(follow_up.due_on, time(9), ZoneInfo(follow_up.zone))
