"""Enrolments that were begun, for their writer."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import NotFound
from registry.models import EnrolmentDraft
from registry.vault import Vault


def of_user(session: Session, user_id: int, at: datetime) -> Sequence[EnrolmentDraft]:
    """The drafts of one writer, the newest first."""
    return session.scalars(
        select(EnrolmentDraft)
        .where(EnrolmentDraft.user_id == user_id, EnrolmentDraft.ends_at > at)
        .order_by(EnrolmentDraft.saved_at.desc())
    ).all()


def by_secret(session: Session, user_id: int, secret: str, at: datetime) -> EnrolmentDraft:
    """One draft of that writer. Raises NotFound, for other people's too."""
    draft = session.scalars(
        select(EnrolmentDraft).where(
            EnrolmentDraft.secret == secret,
            EnrolmentDraft.user_id == user_id,
            EnrolmentDraft.ends_at > at,
        )
    ).one_or_none()
    if draft is None:
        raise NotFound("This enrolment was finished, given up, or begun over seven days ago.")
    return draft


def content(vault: Vault, draft: EnrolmentDraft) -> dict[str, dict[str, Any]]:
    """What was typed, by step."""
    found: dict[str, dict[str, Any]] = json.loads(vault.open_draft(draft.user_id, draft.content))
    return found
