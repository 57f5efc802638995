"""Letters on their way: claimed under a lease, and given back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, or_
from sqlalchemy.orm import Session

from registry import audit
from registry.actions.attempts import Attempt, back, end, entry
from registry.actions.outbox import NEW_LINKS_FROM
from registry.db import take
from registry.models import FollowUp, OutboxEmail
from registry.queries import holds, outreach, sending_hours
from registry.queries.sending_hours import Hours
from registry.settings import Settings
from surveys.lifecycle import OutboxState

LEASE = timedelta(minutes=15)  # longer than the wait for the server's last reply
BATCH = 25
COPIES = 2  # a letter is handed over at most this often without knowing
LAPSES = 5  # a letter that outlives so many workers is a matter for a person
TWICE = "handed over twice without a reply that was kept"
TIMED = frozenset({"invitation", "reminder"})


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker won: letters to send now, and how many rows it looked at to find them."""

    letters: tuple[OutboxEmail, ...]
    taken: int


def claim(
    session: Session, *, settings: Settings, by: str, at: datetime, limit: int = BATCH
) -> Claim:
    """Take letters that are due, or whose worker lost its lease, and that may still go out.

    The others are settled: cancelled with the reason, put off to the sending hours, or parked for
    a person after two hand-overs without a reply or too many deaths of their workers. Letters
    under a hold are left as they are.
    """
    taken = take(
        session,
        OutboxEmail,
        and_(_is_ready(at), holds.may_go(session)),
        order_by=OutboxEmail.next_attempt_at,
        limit=limit,
        state=OutboxState.LEASED,
        lease_until=at + LEASE,
        fence=OutboxEmail.fence + 1,
        attempts=OutboxEmail.attempts + 1,
        uncertain_count=OutboxEmail.uncertain_count + _one_if(OutboxState.HANDOVER),
        lapse_count=OutboxEmail.lapse_count + _one_if(OutboxState.LEASED),
    )
    if not taken:
        return Claim((), 0)
    follow_ups = outreach.follow_ups_of(session, taken)
    refused = outreach.refusals(session, taken, follow_ups, at)
    patients = [one.patient_id for one in taken if one.patient_id is not None]
    hours = sending_hours.of_patients(session, patients, settings, at)
    entries = [audit.Entry("outbox", "letters.claimed", {"letters": [one.id for one in taken]})]
    for one in taken:
        _settle(one, refused.get(one.id), follow_ups.get(one.follow_up_id or 0), hours, at)
        if one.state in {OutboxState.CANCELLED, OutboxState.PARKED}:
            entries.append(entry(one, f"letter.{one.state}", one.state_reason))
    audit.record_many(session, entries, by=by, at=at)
    return Claim(tuple(one for one in taken if one.state == OutboxState.LEASED), len(taken))


def _is_ready(at: datetime) -> ColumnElement[bool]:
    waits = and_(OutboxEmail.state == OutboxState.QUEUED, OutboxEmail.next_attempt_at <= at)
    lapsed = and_(
        OutboxEmail.state.in_((OutboxState.LEASED, OutboxState.HANDOVER)),
        OutboxEmail.lease_until <= at,
    )
    return or_(waits, lapsed)


def _one_if(state: OutboxState) -> ColumnElement[int]:
    return case((OutboxEmail.state == state, 1), else_=0)


def _settle(
    one: OutboxEmail,
    refusal: str | None,
    follow_up: FollowUp | None,
    hours: Hours,
    at: datetime,
) -> None:
    if refusal:
        end(one, OutboxState.CANCELLED, refusal, at)
    elif one.uncertain_count >= COPIES + one.resent:
        end(one, OutboxState.PARKED, TWICE, at)
    elif one.lapse_count >= LAPSES:
        end(one, OutboxState.PARKED, "its workers ended before they could send it", at)
    else:
        later = _sending_hour(one, follow_up, hours, at)
        if later > at:
            back(one, later)
            one.attempts -= 1


def _sending_hour(
    one: OutboxEmail, follow_up: FollowUp | None, hours: Hours, at: datetime
) -> datetime:
    if one.kind not in TIMED or follow_up is None:
        return at
    is_asked_for = one.kind == "reminder" and one.number >= NEW_LINKS_FROM
    send_at = sending_hours.asked_for_at if is_asked_for else sending_hours.send_at
    return send_at(follow_up, hours, at)


def release(session: Session, letters: Sequence[OutboxEmail], *, by: str, at: datetime) -> None:
    """Give back letters that were not begun, as if they had not been claimed."""
    rows = [Attempt(session, one, by, at).own(OutboxState.LEASED) for one in letters]
    given = [one for one in rows if one is not None]
    for one in given:
        back(one, one.next_attempt_at)
        one.attempts -= 1
    if given:
        told = {"letters": [one.id for one in given]}
        audit.record(
            session, by=by, at=at, action="letters.released", subject="outbox", changes=told
        )
