"""The two lines of a hand-over: the marker before it, and after it that the server took the letter.

They are written with every letter, so without objects, and the result of one letter in the same
transaction as the marker of the next. Whoever records an answer, a death or a withdrawal locks the
follow-up first and the letters after it, and so does the marker: then either they see the
hand-over, or it sees them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.actions.attempts import entry
from registry.actions.deliveries import LEASE
from registry.models import FollowUp, Identity, OutboxEmail, Patient, SendingHold, Site, known
from registry.queries import outreach
from registry.queries.letters import CLINIC, Ready
from surveys.lifecycle import OutboxState

_LETTERS = OutboxEmail.metadata.tables[OutboxEmail.__tablename__]
_FOLLOW_UPS = FollowUp.metadata.tables[FollowUp.__tablename__]
FOLLOW_UP = (
    select(*(_FOLLOW_UPS.c[name] for name in ("id", "state", "zone", "remind_on")))
    .add_columns(_FOLLOW_UPS.c.closes_on, _FOLLOW_UPS.c.link_ends_on)
    .where(_FOLLOW_UPS.c.id == bindparam("id_"))
    .with_for_update()
)
_HELD = exists().where(
    SendingHold.lifted_at.is_(None),
    or_(SendingHold.site_id.is_(None), SendingHold.site_id == Patient.site_id),
)
_MINE = (_LETTERS.c.id == bindparam("id_"), _LETTERS.c.fence == bindparam("fence_"))
_LEASED = (
    *_MINE,
    _LETTERS.c.state == OutboxState.LEASED,
    _LETTERS.c.lease_until > bindparam("at_"),
)
NOW = (
    select(
        _LETTERS.c.address_digest,
        or_(_HELD, Site.public_name == "").label("is_held"),
        Identity.email.label("sealed"),
        *(getattr(Site, name) for name in CLINIC),
        *outreach.standing_of(_LETTERS.c.patient_id),
    )
    .outerjoin_from(_LETTERS, Patient, Patient.id == _LETTERS.c.patient_id)
    .outerjoin(Site, Site.id == Patient.site_id)
    .outerjoin(Identity, (Identity.patient_id == Patient.id) & known(Identity))
    .where(*_LEASED)
)
"""A letter as it stands at its marker, and all that decides whether it may go."""
MARK = (
    update(_LETTERS)
    .where(*_LEASED)
    .values(
        {
            name: bindparam(f"{name}_")
            for name in ("state", "lease_until", "dated_at", "message_id", "facts")
        }
    )
    .values(address_digest=bindparam("digest_"))
)
SENT = (
    update(_LETTERS)
    .where(*_MINE, _LETTERS.c.state == OutboxState.HANDOVER)
    .values(state=bindparam("state_"), server_reply=bindparam("reply_"))
    .values(ended_at=bindparam("at_"), state_reason=None, lease_until=None)
)


REMIND = (
    update(_FOLLOW_UPS)
    .where(_FOLLOW_UPS.c.id == bindparam("id_"))
    .values(remind_on=bindparam("on_"))
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter that the server took, with its reply: to be recorded."""

    letter: OutboxEmail
    reply: str


@dataclass(frozen=True, slots=True)
class Passed:
    """`is_recorded`: the last letter was still this worker's; `is_marked`: the next may go."""

    is_recorded: bool
    is_marked: bool


def mark_sent(session: Session, letter: OutboxEmail, reply: str, *, by: str, at: datetime) -> bool:
    """The server took it. False, and nothing changes, if the letter has got another worker."""
    told = _record(session, Taken(letter, reply), at)
    audit.record_many(session, told, by=by, at=at)
    return bool(told)


def pass_on(
    session: Session,
    taken: Taken | None,
    letter: OutboxEmail,
    ready: Ready,
    *,
    by: str,
    at: datetime,
) -> Passed:
    """Record that the server took the last letter, and mark the next as about to be handed over.

    It must not be when its lease has lapsed, when its letters are held, when the patient left,
    died or answered meanwhile, or when a copy would go to another address than the first; nor
    when it was made of what holds no more: then it is given back, to be made anew.
    """
    follow_up: Any = None
    if letter.follow_up_id is not None:
        follow_up = session.connection().execute(FOLLOW_UP, {"id_": letter.follow_up_id}).one()
    recorded = [] if taken is None else _record(session, taken, at)
    marked, is_marked = _mark(session, letter, ready, follow_up, at)
    if recorded or marked:
        audit.record_many(session, [*recorded, *marked], by=by, at=at)
    return Passed(taken is None or bool(recorded), is_marked)


def _record(session: Session, taken: Taken, at: datetime) -> list[audit.Entry]:
    one = taken.letter
    told = {"id_": one.id, "fence_": one.fence, "at_": at}
    told |= {"state_": OutboxState.SENT, "reply_": taken.reply}
    return [entry(one, "letter.sent")] if _write(session, SENT, told) else []


def _mark(
    session: Session, letter: OutboxEmail, ready: Ready, follow_up: Any, at: datetime
) -> tuple[list[audit.Entry], bool]:
    mine = {"id_": letter.id, "fence_": letter.fence, "at_": at}
    now: Any = session.connection().execute(NOW, mine).one_or_none()
    if now is None:
        return [], False
    if letter.patient_id is not None and (now.is_held or _is_stale(ready, follow_up, now)):
        return _give_back(session, letter), False
    stop = None if follow_up is None else outreach.stop_of(now._mapping)
    refusal = outreach.refusal_of(session, letter, stop, follow_up, at)
    if not refusal and now.address_digest not in {None, ready.address_digest}:
        return _refuse_copy(session, letter, follow_up, at), False
    if refusal:
        return _cancel(session, letter, refusal, at), False
    state, until = OutboxState.HANDOVER, at + LEASE
    told = {"state_": state, "lease_until_": until, "dated_at_": ready.dated_at}
    told |= {"message_id_": ready.message_id, "facts_": dict(ready.facts)}
    if not _write(session, MARK, {**mine, **told, "digest_": ready.address_digest}):
        return [], False
    if follow_up is not None and follow_up.remind_on is None:
        # from now on it may have arrived: the reminders' rule begins to count
        today = outreach.local_day(follow_up.zone, at)
        _write(session, REMIND, {"id_": follow_up.id, "on_": today})
    return [entry(letter, "letter.handed_over")], True


def _is_stale(ready: Ready, follow_up: Any, now: Any) -> bool:
    """Whether the address, the days or the clinic's words were changed since it was made."""
    days = follow_up.closes_on, follow_up.link_ends_on
    return ready.made_of != (now.sealed, *days, *(getattr(now, name) for name in CLINIC))


def _refuse_copy(
    session: Session, letter: OutboxEmail, follow_up: Any, at: datetime
) -> list[audit.Entry]:
    """The copy goes nowhere; a letter with a new link goes to the new address instead."""
    told = _cancel(session, letter, "the address has changed since the first copy", at)
    if told and follow_up is not None:
        asked = update(_FOLLOW_UPS).where(_FOLLOW_UPS.c.id == follow_up.id)
        _write(session, asked.values(link_asked_at=at), {})
    return told


def _give_back(session: Session, letter: OutboxEmail) -> list[audit.Entry]:
    back = {"state": OutboxState.QUEUED, "attempts": _LETTERS.c.attempts - 1}
    told = audit.Entry("outbox", "letters.released", {"letters": [letter.id]})
    return [told] if _end(session, letter, **back) else []


def _cancel(session: Session, letter: OutboxEmail, refusal: str, at: datetime) -> list[audit.Entry]:
    ended = {"state": OutboxState.CANCELLED, "state_reason": refusal, "ended_at": at}
    return [entry(letter, "letter.cancelled", refusal)] if _end(session, letter, **ended) else []


def _end(session: Session, letter: OutboxEmail, **values: Any) -> bool:
    """False: since it was read, which locks nothing, somebody else ended or claimed the letter."""
    mine = {"id_": letter.id, "fence_": letter.fence}
    still = (*_MINE, _LETTERS.c.state == OutboxState.LEASED)
    return _write(session, update(_LETTERS).where(*still).values(lease_until=None, **values), mine)


def _write(session: Session, statement: Any, told: dict[str, Any]) -> bool:
    """Whether a row was changed; the guard of the trail is told, which knows only of objects."""
    found = session.connection().execute(statement, told)
    if found.rowcount:
        session.info["changed"] = OutboxEmail.__name__
    return bool(found.rowcount)
