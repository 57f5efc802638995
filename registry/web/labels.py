"""The words that staff read for codes."""

from collections.abc import Iterable
from typing import Any

from flask import url_for

from registry import words
from registry.protocols.model import Coded, Protocol
from registry.queries.preferences import Preferences
from surveys.lifecycle import OutboxState

FOLLOW_UP_STATES = {
    "planned": ("Planned", "neutral"),
    "open": ("Open", "blue"),
    "answered": ("Answered", ""),
    "answered_late": ("Answered late", ""),
    "missed": ("No answer", ""),
    "cancelled": ("Called off", ""),
}
LETTER_STATES = {
    OutboxState.PARKED: ("Needs a person", "red"),
    OutboxState.FAILED: ("Refused", "amber"),
    OutboxState.QUEUED: ("Waiting", "blue"),
    OutboxState.LEASED: ("Being sent", "blue"),
    OutboxState.HANDOVER: ("Being handed over", "blue"),
    OutboxState.SENT: ("Sent", ""),
    OutboxState.CANCELLED: ("Cancelled", ""),
}
MODES = {
    "web": "web",
    "phone": "telephone",
    "paper": "paper",
    "tablet": "tablet at the clinic",
    "import": "import",
}
CALLS = (
    ("promised", "Reached, and will answer", "the call comes back after three days"),
    ("no_contact", "Nobody reached", "no reply, voicemail, asked to call again"),
    ("refused", "Does not want to answer this time", ""),
    ("undeliverable", "Wrong number", "the number is not theirs"),
    ("other", "Cannot answer", "language, too ill, in hospital: say what in the note"),
)
CALL_WORDS = {code: text for code, text, _ in CALLS} | {"undeliverable": "could not be reached"}
HOLDS = {
    "unsubscribed": "The patient stopped the letters",
    "undeliverable": "Letters cannot be delivered",
    "complaint": "Letters were marked as unwanted",
}
BOUNCES = {
    "hard": "It came back, for there is no such mailbox",
    "soft": "It came back, for the mailbox is full or out of reach",
    "policy": "It came back, for it was not wanted",
    "complaint": "It was marked as unwanted",
    "auto_reply": "An automatic reply came",
    "delayed": "It is delayed",
    "other": "A message came back",
}
SCOPES = {"contact": "No more contact, data go on", "registry": "Left the registry"}
SEXES = (("female", "Female"), ("male", "Male"), ("other", "Other"))
GRADES = (
    ("1", "1, mild: no treatment needed"),
    ("2", "2, moderate: local or little treatment, limits daily life in part"),
    ("3", "3, severe: hospital or limits self-care, not life-threatening"),
    ("4", "4, life-threatening: urgent treatment"),
    ("5", "5, death"),
)
SERIOUS = (
    ("death", "Death"),
    ("life_threatening", "Life-threatening"),
    ("hospital", "Hospital stay, new or longer"),
    ("disability", "Lasting disability"),
    ("birth_defect", "Birth defect"),
    ("medically_important", "Medically important in another way"),
)
EVENT_OUTCOMES = (
    ("recovered", "Recovered"),
    ("recovering", "Recovering"),
    ("not_recovered", "Not recovered"),
    ("sequelae", "Recovered with lasting effects"),
    ("fatal", "Fatal"),
    ("unknown", "Not known"),
)


def mail(chosen: Preferences) -> str:
    """When and how often a patient is written to."""
    hour = "in working hours" if chosen.hour is None else f"from {chosen.hour}:00"
    said = [f"{hour}, {chosen.zone} time"]
    said += ["one reminder"] if chosen.fewer else []
    asked = chosen.open.snoozed_on if chosen.open else None
    said += [f"wants to be reminded on {words.date(asked)}"] if asked else []
    return "; ".join(said)


def label(coded: Iterable[Coded], code: str | None) -> str:
    """The words of a code in one of the protocol's lists."""
    return next((one.label for one in coded if one.code == code), code or "not recorded")


def options(coded: Iterable[Coded]) -> list[tuple[str, str]]:
    """A list of the protocol as options of a form."""
    return [(one.code, one.label) for one in coded]


def observation(protocol: Protocol, item: str) -> str:
    """The words of an item of the 24 to 48 hour record."""
    return label(protocol.observation_items, item)


def pager(
    endpoint: str, first: int, shown: int, total: int, page: int, **more: Any
) -> dict[str, object] | None:
    """The way to the pages before and after; None where there is one page only."""
    if total <= page:
        return None
    last = first + shown - 1
    before: dict[str, Any] = {**more, "from": max(first - page, 1)}
    after: dict[str, Any] = {**more, "from": last + 1}
    return {
        "first": first,
        "last": last,
        "total": total,
        "previous_url": url_for(endpoint, **before) if first > 1 else None,
        "next_url": url_for(endpoint, **after) if last < total else None,
    }
