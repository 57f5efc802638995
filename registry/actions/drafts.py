"""Enrolments that were begun: kept encrypted for seven days, for their writer only."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry import tokens
from registry.models import EnrolmentDraft
from registry.vault import Vault

KEPT = timedelta(days=7)
Content = dict[str, dict[str, Any]]


def begin(session: Session, user_id: int, *, vault: Vault, by: str, at: datetime) -> str:
    """An empty draft; gives the word that names it in addresses. Drafts that ended are removed."""
    session.execute(delete(EnrolmentDraft).where(EnrolmentDraft.ends_at <= at))
    draft = EnrolmentDraft(
        user_id=user_id,
        secret=tokens.drawn()[:32],
        content=vault.seal_draft(user_id, "{}"),
        saved_at=at,
        ends_at=at + KEPT,
    )
    session.add(draft)
    return draft.secret


def save(
    session: Session,
    draft: EnrolmentDraft,
    content: Content,
    *,
    vault: Vault,
    by: str,
    at: datetime,
) -> None:
    """Keep what was typed so far: step by step, as it was typed."""
    draft.content = vault.seal_draft(draft.user_id, json.dumps(content))
    draft.saved_at, draft.ends_at = at, at + KEPT


def drop(session: Session, draft: EnrolmentDraft, *, by: str, at: datetime) -> None:
    """The patient is enrolled, or the writer gave up."""
    session.delete(draft)
