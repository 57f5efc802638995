"""Writing letters down: each is a row first, with its link, and a line in the trail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from registry import audit, letters, tokens
from registry.models import FollowUp, Instance, OutboxEmail, SurveyLink
from registry.models.writing import Row, insert_rows
from registry.settings import Settings
from surveys.lifecycle import OutboxState

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
    insert_rows(session, OutboxEmail, [_row(one, at) for one in new])
    instance = session.get_one(Instance, 1).instance_id if new else ""
    sent = [one for one in new if one.dropped is None]
    insert_rows(session, SurveyLink, [_link(one, settings, instance, at) for one in sent])
    audit.record_many(session, [*trail, *map(_entry, new)], by=by, at=at)


def _row(one: NewLetter, at: datetime) -> Row:
    words = letters.wording(one.follow_up.language)
    return {
        "kind": one.kind,
        "patient_id": one.follow_up.patient_id,
        "follow_up_id": one.follow_up.id,
        "number": one.number,
        "template": one.kind,
        "template_version": words.version,
        "language": words.language,
        "state": OutboxState.CANCELLED if one.dropped else OutboxState.QUEUED,
        "state_reason": one.dropped,
        "queued_at": at,
        "next_attempt_at": one.send_at,
        "ended_at": at if one.dropped else None,
    }


def _link(one: NewLetter, settings: Settings, instance: str, at: datetime) -> Row:
    keys, follow_up_id = settings.token_keys, one.follow_up.id
    version = max(keys)
    token = tokens.survey_token(keys, version, instance, follow_up_id, one.number)
    return {
        "follow_up_id": follow_up_id,
        "number": one.number,
        "key_version": version,
        "token_sha256": tokens.digest(token),
        "made_at": at,
    }


def _entry(one: NewLetter) -> audit.Entry:
    return audit.Entry(
        f"patient:{one.follow_up.patient_id}",
        "letter.dropped" if one.dropped else "letter.queued",
        {"month": one.follow_up.month, "kind": one.kind, "number": one.number},
        one.dropped,
    )


def free_number(taken: Iterable[int]) -> int:
    """The next number of a letter that is not of the protocol's rule."""
    return max(NEW_LINKS_FROM - 1, *taken, 0) + 1
