"""The judge: plain SQL and the mails as they came, and nothing of the code that is judged."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256

import psycopg
from psycopg.rows import class_row

MOST_SHOWN = 5
LINK = re.compile(r"http://127\.0\.0\.1:\d+/s/([\w-]+)")
# the first questionnaire is the only one that is due: a patient has one letter
INVITATIONS = """
    SELECT f.id AS follow_up, f.patient_id, f.state AS follow_up_state, o.id AS letter,
           o.message_id, o.state, coalesce(o.uncertain_count, 0) AS uncertain_count,
           coalesce(o.resent, 0) AS resent, l.token_sha256,
           w.id IS NOT NULL AS has_left
      FROM follow_up f
      LEFT JOIN outbox o ON o.follow_up_id = f.id
      LEFT JOIN survey_link l ON l.follow_up_id = f.id AND l.number = o.number
      LEFT JOIN withdrawal w ON w.patient_id = f.patient_id AND w.superseded_at IS NULL
     WHERE f.month = 1
     ORDER BY f.id
"""
TRAIL = """
    SELECT subject, action, count(*) FROM audit_event
     WHERE action IN ('letter.handed_over', 'letter.deferred', 'letter.sent') GROUP BY 1, 2
"""
AFTER_LEAVING = """
    SELECT h.subject FROM audit_event w JOIN audit_event h
        ON h.subject = w.subject AND h.number > w.number AND h.action = 'letter.handed_over'
     WHERE w.action = 'patient.withdrew'
"""


@dataclass(frozen=True)
class Invitation:
    """A follow-up that is due, with its letter as the tables have it."""

    follow_up: int
    patient_id: int
    follow_up_state: str
    letter: int | None
    message_id: str | None
    state: str | None
    uncertain_count: int
    resent: int
    token_sha256: str | None
    has_left: bool


@dataclass(frozen=True)
class Evidence:
    """What is in the tables, what came to the mail server, what the clinics were told is kept."""

    invitations: Sequence[Invitation]
    trail: Mapping[tuple[str, str], int]
    after_leaving: Sequence[str]
    mails: Sequence[tuple[str, bytes]]
    addresses: Mapping[int, str] = field(default_factory=dict)
    left: Iterable[int] = ()


@dataclass(frozen=True)
class Mail:
    """One mail as it came: to whom, which letter it says it is, the token of its link."""

    recipient: str
    message_id: str
    token: str
    raw: bytes


def collect(
    database: str, mails: Iterable[tuple[str, bytes]], addresses: Mapping[int, str], left: set[int]
) -> Evidence:
    """Read it all."""
    with psycopg.connect(database) as connection:
        rows = connection.cursor(row_factory=class_row(Invitation))
        invitations = rows.execute(INVITATIONS).fetchall()
        trail = {(row[0], row[1]): row[2] for row in connection.execute(TRAIL).fetchall()}
        after = [row[0] for row in connection.execute(AFTER_LEAVING).fetchall()]
    return Evidence(invitations, trail, after, list(mails), addresses, left)


def opened(mails: Iterable[tuple[str, bytes]]) -> list[Mail]:
    """The mails, read; equal bytes once."""
    known: dict[bytes, tuple[str, str]] = {}
    for _, raw in mails:
        if raw not in known:
            message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
            text = message.get_body(("plain",))
            link = LINK.search(text.get_content()) if text else None
            known[raw] = str(message["Message-ID"]), link[1] if link else ""
    return [Mail(recipient, *known[raw], raw) for recipient, raw in mails]


@dataclass
class Verdict:
    """What is wrong, by kind; and the figures of the report."""

    wrong: Mapping[str, list[str]]
    figures: Mapping[str, int]

    @property
    def faults(self) -> int:
        """How many violations there are."""
        return sum(map(len, self.wrong.values()))

    def __str__(self) -> str:
        lines = [f"{name:<44}{number:>8,}" for name, number in self.figures.items()]
        for kind, cases in self.wrong.items():
            shown = "; ".join(cases[:MOST_SHOWN])
            more = f" and {len(cases) - MOST_SHOWN} more" if len(cases) > MOST_SHOWN else ""
            lines.append(f"{kind:<44}{len(cases):>8,}{'  ' * bool(cases)}{shown}{more}")
        return "\n".join(lines)


def judge(evidence: Evidence) -> Verdict:
    """Hold the mails against the tables."""
    mails = opened(evidence.mails)
    copies: dict[str, list[Mail]] = defaultdict(list)
    for one in mails:
        copies[one.message_id].append(one)
    wrong = {
        "lost": list(_lost(evidence, copies)),
        "not kept though acknowledged": list(_not_kept(evidence)),
        "more than two copies": [key for key, some in copies.items() if len(some) > 2],
        "copies without a recorded uncertain attempt": list(_unexplained(evidence, copies)),
        "attempts that nobody recorded the end of": list(_untold(evidence)),
        "copies that differ": list(_different(copies)),
        "letters to the wrong person": list(_misdirected(evidence, copies)),
        "links of another follow-up": list(_mislinked(evidence, copies)),
        "several letters to one person": list(_several(evidence, mails)),
        "mails that no row explains": list(_unknown(evidence, copies)),
        "handed over after the patient left": list(evidence.after_leaving),
        "letters that never came to an end": list(_hanging(evidence)),
    }
    return Verdict(wrong, _figures(evidence, copies, len(mails)))


Copies = Mapping[str, Sequence[Mail]]


def _lost(evidence: Evidence, copies: Copies) -> Iterator[str]:
    """Every invitation of a patient who stayed was handed over at least once."""
    for one in evidence.invitations:
        if not one.has_left and not copies.get(one.message_id or ""):
            yield f"follow-up {one.follow_up} ({one.follow_up_state}, letter {one.state})"


def _not_kept(evidence: Evidence) -> Iterator[str]:
    """What the database acknowledged is there after every kill of it."""
    enrolled = {one.patient_id for one in evidence.invitations}
    gone = {one.patient_id for one in evidence.invitations if one.has_left}
    yield from (f"patient {number}" for number in sorted(evidence.addresses.keys() - enrolled))
    yield from (f"withdrawal of {number}" for number in sorted(set(evidence.left) - gone))


def _unexplained(evidence: Evidence, copies: Copies) -> Iterator[str]:
    for one in evidence.invitations:
        mails = len(copies.get(one.message_id or "", ()))
        begun = _told(evidence, one, "handed_over")
        if mails > min(1 + one.uncertain_count, begun):
            told = f"{begun} hand-overs, {one.uncertain_count} uncertain"
            yield f"letter {one.letter}: {mails} mails, {told}"


def _untold(evidence: Evidence) -> Iterator[str]:
    """Every hand-over ended sent, surely not delivered, or uncertain, and the row says so."""
    for one in evidence.invitations:
        begun = _told(evidence, one, "handed_over")
        ended = _told(evidence, one, "deferred") + _told(evidence, one, "sent")
        if begun > ended + one.uncertain_count:
            yield f"letter {one.letter}: {begun} begun, {ended} ended, {one.uncertain_count} not"


def _told(evidence: Evidence, one: Invitation, action: str) -> int:
    return evidence.trail.get((f"patient:{one.patient_id}", f"letter.{action}"), 0)


def _different(copies: Copies) -> Iterator[str]:
    for message_id, some in copies.items():
        if len({(one.recipient, one.raw) for one in some}) > 1:
            yield message_id


def _misdirected(evidence: Evidence, copies: Copies) -> Iterator[str]:
    for one in evidence.invitations:
        address = evidence.addresses.get(one.patient_id)
        for mail in copies.get(one.message_id or "", ()):
            if address is not None and mail.recipient != address:
                yield f"letter {one.letter}"


def _mislinked(evidence: Evidence, copies: Copies) -> Iterator[str]:
    for one in evidence.invitations:
        for mail in copies.get(one.message_id or "", ()):
            if sha256(mail.token.encode()).hexdigest() != one.token_sha256:
                yield f"letter {one.letter}"


def _several(evidence: Evidence, mails: Iterable[Mail]) -> Iterator[str]:
    """One invitation each: no second letter for the same, nor a second row."""
    letters: dict[str, set[str]] = defaultdict(set)
    for one in mails:
        letters[one.recipient].add(one.message_id)
    yield from (address for address, ids in letters.items() if len(ids) > 1)
    rows = Counter(one.follow_up for one in evidence.invitations)
    yield from (f"follow-up {number}" for number, count in rows.items() if count > 1)


def _unknown(evidence: Evidence, copies: Copies) -> Iterator[str]:
    yield from copies.keys() - {one.message_id for one in evidence.invitations}


def _hanging(evidence: Evidence) -> Iterator[str]:
    for one in evidence.invitations:
        if one.state in {"queued", "leased", "handover"} or one.follow_up_state == "planned":
            yield f"follow-up {one.follow_up} ({one.follow_up_state}, letter {one.state})"


def _figures(evidence: Evidence, copies: Copies, mails: int) -> dict[str, int]:
    rows = evidence.invitations
    return {
        "patients": len(rows),
        "of whom left the registry": sum(one.has_left for one in rows),
        "invitations that had to go": sum(not one.has_left for one in rows),
        "mails that came": mails,
        "letters that came twice": sum(len(some) == 2 for some in copies.values()),
        "uncertain attempts recorded": sum(one.uncertain_count for one in rows),
        "parked after two of them": sum(one.state == "parked" for one in rows),
        "sent again by a person": sum(one.resent for one in rows),
    }
