"""Holds: letters of a site, or of all, wait until somebody lets them go again.

A person places one (the stop switch), or the circuit does: so many refusals in a row that are not
about an address mean that the next letters would be refused as well.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select, true
from sqlalchemy.orm import Session

from registry import audit
from registry.actions.attempts import again, entry
from registry.bounces.kinds import ABOUT_US
from registry.errors import Invalid, NotFound
from registry.models import Bounce, Instance, OutboxEmail, Patient, SendingHold, Site
from registry.queries import holds
from surveys.lifecycle import OutboxState

REFUSALS = 20  # in a row open the circuit,
WITHIN = timedelta(hours=24)  # if they lie within this time
WORDS = f"{REFUSALS} letters in a row were refused for reasons that are not about an address"
TELLING = ("hard", "soft", "policy")


def place(
    session: Session,
    site_id: int | None,
    reason: str,
    *,
    kind: str = "person",
    by: str,
    at: datetime,
) -> SendingHold:
    """Keep back letters to the patients of a site (None: of every site), from the next claim on.

    A hold that is in force already is given back as it is. Raises Invalid without a reason, and
    NotFound for no such site.
    """
    if not reason.strip():
        raise Invalid("A hold needs a reason: say why letters are to wait.")
    if site_id is not None and session.get(Site, site_id) is None:
        raise NotFound("There is no such site.")
    known = _in_force(session, site_id, kind)
    if known is not None:
        return known
    hold = SendingHold(
        site_id=site_id, kind=kind, reason=reason.strip()[:300], since=at, placed_by=by
    )
    session.add(hold)
    audit.record(
        session,
        by=by,
        at=at,
        action="mail.held",
        subject=_subject(site_id),
        changes={"kind": kind},
        reason=hold.reason,
    )
    return hold


def lift(session: Session, hold_id: int, *, by: str, at: datetime) -> int:
    """Let the letters go again; how many refused ones come back into the queue.

    Lifting a hold of the circuit says that its cause was put right, so the letters that were
    refused for it are tried again. A second call changes nothing. Raises NotFound.
    """
    hold = session.get(SendingHold, hold_id, with_for_update=True)
    if hold is None:
        raise NotFound("There is no such hold.")
    if hold.lifted_at is not None:
        return 0
    hold.lifted_at, hold.lifted_by = at, by
    refused = _refused(session, hold) if hold.kind == "policy" else []
    for one in refused:
        again(one, at)
    what = audit.Entry(_subject(hold.site_id), "mail.released", {"hold": hold.id}, hold.reason)
    audit.record_many(session, [what, *(entry(x, "letter.again") for x in refused)], by=by, at=at)
    return len(refused)


def _refused(session: Session, hold: SendingHold) -> Sequence[OutboxEmail]:
    return session.scalars(
        select(OutboxEmail)
        .join(Patient, Patient.id == OutboxEmail.patient_id)
        .where(
            OutboxEmail.state == OutboxState.FAILED,
            OutboxEmail.fault.in_(ABOUT_US),
            OutboxEmail.ended_at > hold.since - WITHIN,
            true() if hold.site_id is None else Patient.site_id == hold.site_id,
        )
        .order_by(OutboxEmail.id)
        .with_for_update(of=OutboxEmail)
    ).all()


def open_circuit(
    session: Session, site_id: int | None, source: str, *, by: str, at: datetime
) -> SendingHold | None:
    """Hold the letters of a site, or else of all, if the last of what came back from there were
    all refusals that are not about an address; called after each such refusal.

    `source`: reply (a letter that was taken in between breaks the row) or message.
    """
    for scope in dict.fromkeys((site_id, None)):
        if _row_of_refusals(session, scope, source, at):
            # one worker at a time: the row of the installation is locked until this is committed
            session.get_one(Instance, 1, with_for_update=True)
            return place(session, scope, WORDS, kind="policy", by=by, at=at)
    return None


def _row_of_refusals(session: Session, site_id: int | None, source: str, at: datetime) -> bool:
    of_scope = true() if site_id is None else Bounce.site_id == site_id
    newest = session.execute(
        select(Bounce.kind, Bounce.recorded_at)
        .where(
            of_scope,
            Bounce.source == source,
            Bounce.kind.in_(TELLING),
            Bounce.recorded_at > _since(session, at),
        )
        .order_by(Bounce.recorded_at.desc(), Bounce.id.desc())
        .limit(REFUSALS)
    ).all()
    if len(newest) < REFUSALS or any(kind != "policy" for kind, _ in newest):
        return False
    return source != "reply" or not _was_taken(session, site_id, newest[-1].recorded_at)


def _since(session: Session, at: datetime) -> datetime:
    """What came before the last lifting counts no more."""
    lifted_at = session.scalar(
        select(func.max(SendingHold.lifted_at)).where(SendingHold.kind == "policy")
    )
    return max(at - WITHIN, lifted_at or at - WITHIN)


def _was_taken(session: Session, site_id: int | None, since: datetime) -> bool:
    condition: ColumnElement[bool] = (OutboxEmail.state == OutboxState.SENT) & (
        OutboxEmail.ended_at > since
    )
    if site_id is not None:
        here = exists().where(Patient.id == OutboxEmail.patient_id, Patient.site_id == site_id)
        condition &= here
    return bool(session.scalar(select(exists().where(condition))))


def _in_force(session: Session, site_id: int | None, kind: str) -> SendingHold | None:
    mine = (hold for hold in holds.in_force(session) if hold.site_id == site_id)
    return next((hold for hold in mine if hold.kind == kind), None)


def _subject(site_id: int | None) -> str:
    return "registry" if site_id is None else f"site:{site_id}"
