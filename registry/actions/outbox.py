"""Writing letters down: each is a row first, with its link, and a line in the trail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit, letters, tokens
from registry.models import FollowUp, Instance, OutboxEmail, Patient, SurveyLink
from registry.queries import protocols
from registry.queries.outreach import zone_of
from registry.settings import Settings
from surveys.lifecycle import OutboxState, SendWindow, next_send_instant

NEW_LINKS_FROM = 101


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A letter of a follow-up to be written down. `dropped`: why it is kept but never sent."""

    follow_up: FollowUp
    kind: str
    number: int
    send_at: datetime
    dropped: str | None = None


def put(
    session: Session,
    new: Sequence[NewLetter],
    *,
    settings: Settings,
    trail: Iterable[audit.Entry] = (),
    by: str,
    at: datetime,
) -> None:
    """Write letters and their links, and one trail of them and of what else the caller did.

    One call per transaction: the trail's chains are then always locked in the same order.
    """
    version = max(settings.token_keys)
    instance = session.get_one(Instance, 1).instance_id if new else ""
    for one in new:
        session.add(_row(one, at))
        if one.dropped is None:
            token = tokens.survey_token(
                settings.token_keys, version, instance, one.follow_up.id, one.number
            )
            session.add(
                SurveyLink(
                    follow_up_id=one.follow_up.id,
                    number=one.number,
                    key_version=version,
                    token_sha256=tokens.digest(token),
                    made_at=at,
                )
            )
    audit.record_many(session, [*trail, *map(_entry, new)], by=by, at=at)


def _row(one: NewLetter, at: datetime) -> OutboxEmail:
    words = letters.wording(one.follow_up.language)
    return OutboxEmail(
        kind=one.kind,
        patient_id=one.follow_up.patient_id,
        follow_up_id=one.follow_up.id,
        number=one.number,
        template=one.kind,
        template_version=words.version,
        language=words.language,
        state=OutboxState.CANCELLED if one.dropped else OutboxState.QUEUED,
        state_reason=one.dropped,
        queued_at=at,
        next_attempt_at=one.send_at,
        ended_at=at if one.dropped else None,
    )


def _entry(one: NewLetter) -> audit.Entry:
    return audit.Entry(
        f"patient:{one.follow_up.patient_id}",
        "letter.dropped" if one.dropped else "letter.queued",
        {"month": one.follow_up.month, "kind": one.kind, "number": one.number},
        one.dropped,
    )


def numbers(session: Session, follow_up_ids: Iterable[int]) -> dict[int, set[int]]:
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


def free_number(taken: Iterable[int]) -> int:
    """The next number of a letter that is not of the protocol's rule."""
    return max(NEW_LINKS_FROM - 1, *taken, 0) + 1


def sending_hours(session: Session, patient_id: int, settings: Settings) -> SendWindow | None:
    """The hours of the patient's protocol; None: always."""
    if settings.send_window == "always":
        return None
    patient = session.get_one(Patient, patient_id)
    return protocols.of_id(session, patient.protocol_id).protocol.sending.window


def send_at(session: Session, follow_up: FollowUp, settings: Settings, at: datetime) -> datetime:
    """The first instant from `at` in the local sending hours of the follow-up."""
    hours = sending_hours(session, follow_up.patient_id, settings)
    return next_send_instant(at, zone_of(follow_up.zone), hours)
