"""What came back of a letter is written down once, and has its consequences.

No mailbox: no more letters there. A full mailbox: none after three such days. A refusal of our
letters as such: never held against the address, but a row of them holds the campaign.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import holds, suppression
from registry.actions.attempts import entry
from registry.models import Bounce, FollowUp, IdentityIndex, OutboxEmail, Patient
from registry.queries import returned as came


@dataclass(frozen=True, slots=True)
class Returned:
    """One thing that came back: see Bounce for `kind`, `source`, `key`; `words` name no address."""

    kind: str
    source: str
    words: str
    key: str
    status: str | None = None


def record(
    session: Session,
    letter: OutboxEmail,
    returned: Returned,
    *,
    digest: str | None = None,
    by: str,
    at: datetime,
) -> Bounce | None:
    """Write it down with what follows from it; None, and nothing happens, the second time.

    `digest`: of the address that the letter went to, unless the letter's row has it. What concerns
    an address that the patient no longer has is written down and has no consequence.
    """
    follow_ups = came.lock_follow_ups(session, letter.patient_id)
    if session.scalars(select(Bounce.id).where(Bounce.key == returned.key)).first() is not None:
        return None
    mine = next((one for one in follow_ups if one.id == letter.follow_up_id), None)
    bounce = _row(session, letter, mine, returned, digest or letter.address_digest, by, at)
    session.add(bounce)
    session.flush()
    told = _consequence(session, letter, mine, bounce, by=by, at=at)
    noted = entry(letter, f"bounce.{bounce.kind}", bounce.words)
    trail = [noted] if told is None else [noted, entry(letter, told, bounce.words)]
    audit.record_many(session, trail, by=by, at=at)
    if bounce.kind == "policy":
        holds.open_circuit(session, bounce.site_id, bounce.source, by=by, at=at)
    return bounce


def _row(
    session: Session,
    letter: OutboxEmail,
    follow_up: FollowUp | None,
    returned: Returned,
    digest: str | None,
    by: str,
    at: datetime,
) -> Bounce:
    patient = None if letter.patient_id is None else session.get_one(Patient, letter.patient_id)
    return Bounce(
        outbox_id=letter.id,
        patient_id=letter.patient_id,
        site_id=patient.site_id if patient else None,
        kind=returned.kind,
        source=returned.source,
        status=returned.status,
        words=returned.words[:200],
        local_on=suppression.current_day(follow_up, at),
        address_digest=digest,
        key=returned.key,
        recorded_at=at,
        recorded_by=by,
    )


def _consequence(
    session: Session,
    letter: OutboxEmail,
    follow_up: FollowUp | None,
    bounce: Bounce,
    *,
    by: str,
    at: datetime,
) -> str | None:
    """What is done about it, as an action of the trail; None where nothing is."""
    if follow_up is None or not _is_of_current_address(session, bounce):
        return None
    worn_out = bounce.kind == "soft" and came.is_worn_out(session, bounce)
    if bounce.kind == "complaint":
        kind = "complaint"
    elif bounce.kind == "hard" or worn_out:
        kind = "undeliverable"
        suppression.undeliverable(session, letter, follow_up, by=by, at=at)
    else:
        return None
    mine = follow_up.patient_id
    done = suppression.suppress(session, mine, kind, bounce.words, by=by, at=at)
    return "mail.suppressed" if done else None


def _is_of_current_address(session: Session, bounce: Bounce) -> bool:
    digests = session.scalars(
        select(IdentityIndex.digest).where(
            IdentityIndex.patient_id == bounce.patient_id, IdentityIndex.kind == "email"
        )
    ).all()
    return bounce.address_digest in digests
