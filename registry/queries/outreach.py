"""Who may be written to, and whose local day has come."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from registry.models import (
    Consent,
    Death,
    FollowUp,
    IdentityIndex,
    MailHold,
    OutboxEmail,
    PasswordReset,
    Patient,
    User,
    Withdrawal,
    known,
)
from surveys.lifecycle import ANSWERABLE, FollowUpState

STAFF_LETTER_AGE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a patient gets no letters; `is_final`: nothing is to be asked of them any more."""

    reason: str
    is_final: bool = False


def stops(session: Session, patient_ids: Iterable[int]) -> dict[int, Stop]:
    """The patients among these who get no letters. Those who may be mailed are not in it."""
    rows = session.execute(STANDING, {"patients": list(set(patient_ids))})
    found = {row.id: stop_of(row._asdict()) for row in rows}
    return {patient_id: stop for patient_id, stop in found.items() if stop is not None}


def standing_of(mine: ColumnElement[int] | InstrumentedAttribute[Any]) -> list[Any]:
    """Columns that say how a patient stands: what `stop_of` reads. `mine`: the patient's id."""
    consent = (Consent.patient_id == mine) & known(Consent)
    hold = select(func.min(MailHold.kind)).where(
        MailHold.patient_id == mine, MailHold.lifted_at.is_(None)
    )
    return [
        exists().where(Death.patient_id == mine, known(Death)).label("died"),
        exists().where(Withdrawal.patient_id == mine, known(Withdrawal)).label("left"),
        exists().where(consent).label("consent"),
        exists().where(consent, Consent.withdrawn_on.is_(None)).label("in_force"),
        hold.scalar_subquery().label("hold"),
        exists()
        .where(IdentityIndex.patient_id == mine, IdentityIndex.kind == "email")
        .label("email"),
    ]


STANDING = select(Patient.id, *standing_of(Patient.id)).where(
    Patient.id.in_(bindparam("patients", expanding=True))
)
"""Built once: it runs with every batch of letters, and building it costs more than running it."""


def stop_of(row: Mapping[str, Any]) -> Stop | None:
    """Why a patient who stands so gets no letters."""
    if row["died"]:
        return Stop("the patient died", is_final=True)
    if row["left"]:
        return Stop("the patient withdrew", is_final=True)
    if row["consent"] and not row["in_force"]:
        return Stop("the consent was withdrawn", is_final=True)
    if not row["consent"]:
        return Stop("no consent is recorded")
    if row["hold"]:
        return Stop(f"no letters: {row['hold']}")
    return None if row["email"] else Stop("no e-mail address on file")


def zone_of(name: str) -> ZoneInfo:
    """The zone, or UTC for a name that this machine does not know: one row stops no other."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def local_day(zone: str, at: datetime) -> date:
    """The civil day there."""
    return at.astimezone(zone_of(zone)).date()


def on_local_day(
    session: Session,
    candidates: ColumnElement[bool],
    at: datetime,
    condition: Callable[[date], ColumnElement[bool]],
) -> ColumnElement[bool] | None:
    """SQL condition: candidates (follow-ups) that fit `condition` of their own local day.

    None when there is no candidate at all, which is what a job finds most of the time.
    """
    zones = session.scalars(select(FollowUp.zone).where(candidates).distinct())
    days: dict[date, list[str]] = {}
    for zone in zones:
        days.setdefault(local_day(zone, at), []).append(zone)
    if not days:
        return None
    fits = (and_(FollowUp.zone.in_(zones), condition(day)) for day, zones in days.items())
    return and_(candidates, or_(*fits))


def follow_ups_of(session: Session, letters: Sequence[OutboxEmail]) -> dict[int, FollowUp]:
    """The follow-ups of these letters by id, as they are now."""
    ids = {one.follow_up_id for one in letters if one.follow_up_id is not None}
    rows = session.scalars(
        select(FollowUp).where(FollowUp.id.in_(ids)).execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def refusals(
    session: Session,
    letters: Sequence[OutboxEmail],
    follow_ups: Mapping[int, FollowUp],
    at: datetime,
) -> dict[int, str]:
    """Which of these letters must not go out any more, by id, and why."""
    stopped = stops(session, {one.patient_id for one in letters if one.patient_id is not None})
    found: dict[int, str] = {}
    for one in letters:
        stop, follow_up = stopped.get(one.patient_id or 0), follow_ups.get(one.follow_up_id or 0)
        reason = refusal_of(session, one, stop, follow_up, at)
        if reason:
            found[one.id] = reason
    return found


def refusal(
    session: Session, letter: OutboxEmail, follow_up: FollowUp | None, at: datetime
) -> str | None:
    """Why one letter must not go out any more; `follow_up`: its own, as it is now."""
    mine = letter.patient_id
    stop = None if mine is None else stops(session, [mine]).get(mine)
    return refusal_of(session, letter, stop, follow_up, at)


def refusal_of(
    session: Session,
    letter: OutboxEmail,
    stop: Stop | None,
    follow_up: Any,
    at: datetime,
) -> str | None:
    """The same, where it is known what stops the patient; `follow_up`: its columns, or None."""
    if follow_up is None:
        return _staff_refusal(session, letter, at)
    return stop.reason if stop else _follow_up_refusal(follow_up, letter.kind, at)


def _follow_up_refusal(follow_up: Any, kind: str, at: datetime) -> str | None:
    today = local_day(follow_up.zone, at)
    state = FollowUpState(follow_up.state)
    if kind == "new_link":
        usable = is_answerable(follow_up, today)
        return None if usable else f"the follow-up is {state.replace('_', ' ')} or its link ended"
    if state is not FollowUpState.OPEN:
        return f"the follow-up is {state.replace('_', ' ')}"
    return "its window has ended" if today > follow_up.closes_on else None


def is_answerable(follow_up: Any, today: date) -> bool:
    """Whether a link would lead to the questions."""
    return FollowUpState(follow_up.state) in ANSWERABLE and today <= follow_up.link_ends_on


def _staff_refusal(session: Session, letter: OutboxEmail, at: datetime) -> str | None:
    user = session.get_one(User, letter.user_id)
    if user.disabled_at is not None:
        return "the account is disabled"
    if letter.kind == "password_reset":
        reset = session.get_one(PasswordReset, letter.number)
        return "the reset was used or has ended" if reset.used_at or reset.ends_at <= at else None
    return "too old" if letter.queued_at + STAFF_LETTER_AGE <= at else None


def letter_numbers(session: Session, follow_up_ids: Iterable[int]) -> dict[int, set[int]]:
    """The numbers of letters that each follow-up has had."""
    found: dict[int, set[int]] = {id_: set() for id_ in follow_up_ids}
    rows = session.execute(
        select(OutboxEmail.follow_up_id, OutboxEmail.number).where(
            OutboxEmail.follow_up_id.in_(found)
        )
    )
    for follow_up_id, number in rows:
        found[follow_up_id or 0].add(number)
    return found
