"""Whether the promise was kept: judged from what happened outside and from the tables at the end.

Written from the README's guarantee, not from the code: it knows the calendar of `guarantee`, the
ledger, and the state in which each letter and follow-up ended.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from registry import audit, tokens
from registry.db import reading
from registry.runtime import Runtime
from simulation import guarantee
from simulation.guarantee import closes_on, due_on, local, opens_on
from simulation.hub import Hub
from simulation.ledger import Attempt, Committed, Ledger
from simulation.people import Somebody

LEASE = timedelta(minutes=15)
SLOW = timedelta(minutes=1)
ENOUGH = timedelta(days=6)  # of calm: a week-end, and the longest pause after a failure
STOPS = {"unsubscribed", "left", "died"}
ENDED = {"sent", "failed", "parked", "cancelled"}
NEVER = "554"  # a refusal for good
DEATHS = 5  # a letter that outlives so many workers is shown to a person

LETTERS = """
SELECT o.message_id, o.kind, o.number, o.state, o.uncertain_count, o.lapse_count, o.follow_up_id,
       f.patient_id, f.month, l.token_sha256
FROM outbox o JOIN follow_up f ON f.id = o.follow_up_id
LEFT JOIN survey_link l ON l.follow_up_id = o.follow_up_id AND l.number = o.number
"""
PLAN = "SELECT patient_id, month, state, state_reason, ended_at FROM follow_up ORDER BY id"
SILENT = "no answers were sent in its window"


@dataclass(frozen=True)
class Letter:
    """One letter as the registry knows it at the end."""

    message_id: str | None
    kind: str
    number: int
    state: str
    uncertain_count: int
    lapse_count: int
    follow_up_id: int
    patient_id: int
    month: int
    token_sha256: str | None


class Oracle:
    """Judges one seed."""

    def __init__(
        self, ledger: Ledger, everybody: Mapping[str, Somebody], runtime: Runtime, hub: Hub
    ) -> None:
        self.ledger, self.hub = ledger, hub
        self.by_id = {one.id: one for one in everybody.values() if one.id is not None}
        self.facts: dict[str, list[Committed]] = defaultdict(list)
        for known in ledger.facts:
            self.facts[known.fact.patient].append(known)
        with reading(runtime) as session:
            self.letters = [Letter(*row) for row in session.execute(text(LETTERS))]
            self.plan: list[Any] = list(session.execute(text(PLAN)))
            self.chain = audit.verify(session)
        self.of_message = {one.message_id: one for one in self.letters if one.message_id}
        self.tries: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in ledger.attempts:
            self.tries[attempt.message_id].append(attempt)

    def verdict(self) -> list[str]:
        """Everything that was promised and not kept; empty when all was."""
        return [broken for check in CHECKS for broken in check(self)]

    def who(self, letter: Letter) -> Somebody:
        """Whose letter it is."""
        return self.by_id[letter.patient_id]

    def treated_on(self, who: Somebody, count: int) -> date | None:
        """The day of treatment as it was known at that place in the order of everything."""
        days = [
            known.fact.treated_on
            for known in self.facts[who.name]
            if known.fact.treated_on and known.count <= count
        ]
        return days[-1] if days else None


Check = Callable[[Oracle], Iterator[str]]


def copies(oracle: Oracle) -> Iterator[str]:
    """At most one copy, only after an uncertain attempt, and equal to the first to the byte."""
    for message_id, tries in oracle.tries.items():
        letter = oracle.of_message.get(message_id)
        if letter is None:
            yield f"{message_id} went out and is in no table"
            continue
        bodies = [one for one in tries if one.refused is None]
        if len(bodies) > 2:
            yield f"{len(bodies)} copies of {message_id}"
        for before, after in pairwise(bodies):
            if not before.is_uncertain and not after.woke_late:
                yield f"an unexplained copy of {message_id} at {after.at}"
            if (before.raw, before.recipient) != (after.raw, after.recipient):
                yield f"the copy of {message_id} at {after.at} is another letter"
        uncertain = sum(one.is_open_ended for one in tries)
        if letter.uncertain_count < uncertain:
            yield f"{uncertain} uncertain attempts at {message_id}, {letter.uncertain_count} kept"


def links(oracle: Oracle) -> Iterator[str]:
    """One letter, one link, one Message-ID; and the link is that of the letter's follow-up."""
    seen: dict[tuple[int, int], str] = {}
    for message_id, tries in oracle.tries.items():
        letter = oracle.of_message.get(message_id)
        if letter is None:
            continue
        place = (letter.follow_up_id, letter.number)
        if seen.setdefault(place, message_id) != message_id:
            yield f"letter {place} had two Message-IDs"
        for one in tries:
            if tokens.digest(one.token) != letter.token_sha256:
                yield f"{message_id} at {one.at} carries another letter's link"


def marks(oracle: Oracle) -> Iterator[str]:
    """The hand-over is written down before the first byte of the message."""
    for one in oracle.ledger.attempts:
        if one.on_paper != "handover" and not one.stalled:
            yield f"{one.message_id} was handed over while the table said {one.on_paper}"


def stops(oracle: Oracle) -> Iterator[str]:
    """Nothing goes out after a death, withdrawal, answer or unsubscribe that came first."""
    for one in oracle.ledger.attempts:
        letter = oracle.of_message.get(one.message_id)
        if letter is None:
            continue
        for known in oracle.facts[oracle.who(letter).name]:
            answered = known.fact.kind == "answered" and known.fact.month == letter.month
            if known.count < one.marked and (known.fact.kind in STOPS or answered):
                yield f"{letter.kind} at {one.at} after the patient {known.fact.kind} {known.at}"


def addresses(oracle: Oracle) -> Iterator[str]:
    """Each letter goes to the address that was on file when it was marked."""
    for one in oracle.ledger.attempts:
        letter = oracle.of_message.get(one.message_id)
        if letter is None:
            continue
        # the letter is made before it is marked, so an address changed in between may be missed
        moves = [k for k in oracle.facts[oracle.who(letter).name] if k.fact.address]
        known = [k.fact.address for k in moves if k.at < one.marked_at - SLOW - LEASE]
        later = [k.fact.address for k in moves if k.at >= one.marked_at - SLOW - LEASE]
        if one.recipient not in {*known[-1:], *later}:
            yield f"{letter.kind} at {one.at} to {one.recipient}, an old address"


def times(oracle: Oracle) -> Iterator[str]:
    """None early, none after the window, none outside the hours of sending."""
    for one in oracle.ledger.attempts:
        letter = oracle.of_message.get(one.message_id)
        if letter is None or letter.kind not in {"invitation", "reminder"}:
            continue
        who = oracle.who(letter)
        treated_on = oracle.treated_on(who, one.marked)
        if treated_on is None:
            yield f"{letter.kind} at {one.at} to somebody who was not enrolled"
            continue
        today = local(one.marked_at, who.zone).date()
        if today < due_on(treated_on, letter.month) and not _was_invited(oracle, one, letter):
            yield f"early: {letter.kind} at {one.at}, due {due_on(treated_on, letter.month)}"
        if today > closes_on(treated_on, letter.month):
            yield f"{letter.kind} at {one.at}, after the window"
        if not guarantee.is_sending_hour(one.marked_at, who.zone, LEASE + SLOW):
            yield f"{letter.kind} at {local(one.marked_at, who.zone)}, outside the hours"


def _was_invited(oracle: Oracle, one: Attempt, letter: Letter) -> bool:
    """Whether a letter went out before the day was moved: reminders then follow it, and a copy."""
    moved = [
        k.count
        for k in oracle.facts[oracle.who(letter).name]
        if k.fact.kind == "corrected" and k.count < one.marked
    ]
    return any(
        other.count < moved[-1]
        for known in oracle.letters
        if known.follow_up_id == letter.follow_up_id and moved
        for other in oracle.tries[known.message_id or ""]
        if other.refused is None
    )


def spacing(oracle: Oracle) -> Iterator[str]:
    """Reminders: not too many, and days apart."""
    days: dict[tuple[str, int], dict[str, datetime]] = defaultdict(dict)
    for message_id, tries in oracle.tries.items():
        letter = oracle.of_message.get(message_id)
        if letter is not None and letter.kind in {"invitation", "reminder"}:
            who = oracle.who(letter)
            days[who.name, letter.month][message_id] = local(tries[-1].dated_at, who.zone)
    for (name, month), dated in days.items():
        corrected = any(k.fact.kind == "corrected" for k in oracle.facts[name])
        on = sorted(at.date() for at in dated.values())
        for before, after in pairwise(on):
            if (after - before).days < guarantee.GAP and not corrected:
                yield f"{name}, month {month}: letters on {before} and {after}"
        if len(on) > 1 + guarantee.REMINDERS[month] and not corrected:
            yield f"{name}, month {month}: {len(on)} letters"


def invitations(oracle: Oracle) -> Iterator[str]:
    """One invitation, unless the day of treatment was moved to before its window."""
    gone: dict[tuple[str, int], list[Attempt]] = defaultdict(list)
    for message_id, tries in oracle.tries.items():
        letter = oracle.of_message.get(message_id)
        if letter is not None and letter.kind == "invitation":
            bodies = [one for one in tries if one.refused is None]
            gone[oracle.who(letter).name, letter.month] += bodies[:1]
    for (name, month), firsts in gone.items():
        for before, after in pairwise(sorted(firsts, key=lambda one: one.count)):
            moved = [
                opens_on(k.fact.treated_on, month) > (k.at - timedelta(hours=12)).date()
                for k in oracle.facts[name]
                if k.fact.treated_on and before.count < k.count < after.count
            ]
            if not any(moved):
                yield f"{name}, month {month}: invited again at {after.at}"


def kept(oracle: Oracle) -> Iterator[str]:
    """Every invitation that could go out in the calm was handed over, and silence is reminded."""
    refused = {one.address for one in oracle.ledger.refusals}
    for who in oracle.by_id.values():
        addresses = {k.fact.address for k in oracle.facts[who.name]}
        if addresses & refused or who.name in oracle.ledger.asked:
            continue
        for month in guarantee.WINDOWS:
            begin, end = _span(oracle, who, month)
            if end - begin < ENOUGH:
                continue
            mine = [one for one in oracle.letters if (one.patient_id, one.month) == (who.id, month)]
            gone = [one for one in mine if oracle.tries[one.message_id or ""]]
            if any(_is_refused(oracle, one) or _is_given_up(oracle, one) for one in mine):
                continue
            if not gone:
                yield f"lost: {who.name}, month {month}, could go {begin} to {end}"
                continue
            first = min(oracle.tries[one.message_id or ""][-1].dated_at for one in gone)
            waits = end - max(first, begin) > ENOUGH + timedelta(days=guarantee.FIRST_REMINDER)
            if waits and not any(one.kind == "reminder" for one in gone):
                yield f"not reminded: {who.name}, month {month}, first letter {first}"


def _is_refused(oracle: Oracle, letter: Letter) -> bool:
    """Whether the server would not have it for what it says."""
    tries = oracle.tries[letter.message_id or ""]
    return letter.state == "failed" and any(one.refused == NEVER for one in tries)


def _is_given_up(oracle: Oracle, letter: Letter) -> bool:
    """Whether a person has to look at it: after uncertain attempts, or after many workers
    that died over it, or stood still until it was not theirs any more.
    """
    died = min(letter.lapse_count, oracle.hub.kills + oracle.hub.stalls)
    return letter.state == "parked" and (letter.uncertain_count > 1 or died >= DEATHS)


def _span(oracle: Oracle, who: Somebody, month: int) -> tuple[datetime, datetime]:
    """From when to when nothing stood in the way of a letter of that month."""
    facts = oracle.facts[who.name]
    begins = [k.at for k in facts if k.fact.kind in {"enrolled", "corrected", "moved"}]
    stopped = [
        k.at
        for k in facts
        if k.fact.kind in STOPS or (k.fact.kind, k.fact.month) == ("answered", month)
    ]
    zone = ZoneInfo(who.zone)
    due = datetime.combine(due_on(who.treated_on, month), guarantee.OPENS, zone)
    last = datetime.combine(closes_on(who.treated_on, month), guarantee.CLOSES, zone)
    calm = oracle.ledger.calm_from or oracle.hub.now
    return max(due, calm, *begins), min(last, oracle.hub.now, *stopped)


def plans(oracle: Oracle) -> Iterator[str]:
    """Five follow-ups of everybody, each in the state that its facts ask for."""
    months: dict[int, list[int]] = defaultdict(list)
    for patient_id, month, state, reason, _ in oracle.plan:
        months[patient_id].append(month)
        who = oracle.by_id.get(patient_id)
        if who is None:
            yield f"follow-up of a patient {patient_id} who was never enrolled"
        elif state not in _allowed(oracle, who, month):
            yield f"{who.name}, month {month}: ended {state} ({reason})"
    for who in oracle.by_id.values():
        if sorted(months[who.id or 0]) != sorted(guarantee.WINDOWS):
            yield f"{who.name} has follow-ups {months[who.id or 0]}"


def closings(oracle: Oracle) -> Iterator[str]:
    """No window is closed before its last day is over there."""
    for patient_id, month, _, reason, ended_at in oracle.plan:
        who = oracle.by_id.get(patient_id)
        if who is None or reason != SILENT:
            continue
        at = datetime.fromisoformat(ended_at).replace(tzinfo=UTC)
        if local(at, who.zone).date() <= closes_on(who.treated_on, month):
            yield f"{who.name}, month {month}: its window was closed at {at}"


def refusals(oracle: Oracle) -> Iterator[str]:
    """What was refused for good, and could be written down in time, is not tried again."""
    told = Counter(
        one.address for one in oracle.ledger.refusals if one.recorded and not one.stalled
    )
    for address, times in told.items():
        if times > 2:  # two letters to it may be under way at once
            yield f"{address} does not exist and was tried {times} times"
    for message_id, tries in oracle.tries.items():
        final = [one for one in tries[:-1] if one.refused == NEVER]
        if any(one.recorded and not one.stalled for one in final):
            yield f"{message_id} was refused for good and tried again"


def jobs(oracle: Oracle) -> Iterator[str]:
    """Nothing but a mail server that is down stops a job."""
    yield from (one for one in oracle.ledger.faults if "Unreachable" not in one)


def ends(oracle: Oracle) -> Iterator[str]:
    """No letter hangs, and the trail is whole."""
    for letter in oracle.letters:
        if letter.state not in ENDED and not _may_wait(oracle, letter):
            yield f"{letter.kind} {letter.message_id} hangs in {letter.state}"
    if oracle.chain.broken:
        yield f"the trail is broken: {oracle.chain.broken}"


def _may_wait(oracle: Oracle, letter: Letter) -> bool:
    """Whether the end of the simulation came before the next sending hour."""
    return letter.state == "queued" and not _opened_lately(oracle, oracle.who(letter).zone)


def _opened_lately(oracle: Oracle, zone: str) -> bool:
    end = oracle.hub.now
    hours = (end - timedelta(hours=ago) for ago in range(12))
    return all(guarantee.is_sending_hour(at, zone, timedelta(0)) for at in list(hours)[:6])


def _allowed(oracle: Oracle, who: Somebody, month: int) -> set[str]:
    facts = oracle.facts[who.name]
    if any((k.fact.kind, k.fact.month) == ("answered", month) for k in facts):
        return {"answered", "answered_late"}
    over = {"cancelled", "missed"}
    if any(k.fact.kind in {"left", "died"} for k in facts):
        return over
    return _by_its_dates(oracle, who, month) | (over if who.name in oracle.ledger.asked else set())


def _by_its_dates(oracle: Oracle, who: Somebody, month: int) -> set[str]:
    today = local(oracle.hub.now, who.zone).date()
    if closes_on(who.treated_on, month) < today - timedelta(days=2):
        return {"missed"}
    closing = {"missed"} if closes_on(who.treated_on, month) < today else set()
    if today < due_on(who.treated_on, month):
        # invited, and then the day was moved: it stays open
        corrected = any(k.fact.kind == "corrected" for k in oracle.facts[who.name])
        return {"planned", "open"} if corrected else {"planned"}
    return {"open", "planned"} | closing


CHECKS: tuple[Check, ...] = (
    copies,
    links,
    marks,
    stops,
    addresses,
    times,
    spacing,
    invitations,
    kept,
    plans,
    closings,
    refusals,
    jobs,
    ends,
)
