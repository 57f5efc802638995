"""What was typed when a session was over: encrypted, for an hour, for who typed it."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from registry import tokens
from registry.models import KeptForm
from registry.queries import kept_forms
from registry.vault import Vault

KEPT = timedelta(hours=1)
MOST = 5  # of one person; the oldest makes room


def keep(
    session: Session,
    user_id: int,
    path: str,
    pairs: Sequence[tuple[str, str]],
    *,
    vault: Vault,
    by: str,
    at: datetime,
) -> str:
    """Keep (name, value) pairs typed at `path`; gives the secret by which they are found."""
    session.execute(delete(KeptForm).where(KeptForm.ends_at <= at))
    older = session.scalars(
        select(KeptForm).where(KeptForm.user_id == user_id).order_by(KeptForm.id.desc())
    ).all()
    for row in older[MOST - 1 :]:
        session.delete(row)
    secret = tokens.drawn()
    content = vault.seal_form(user_id, json.dumps([path, list(pairs)]))
    digest = tokens.digest(secret)
    session.add(KeptForm(user_id=user_id, secret_sha256=digest, content=content, ends_at=at + KEPT))
    return secret


def drop(session: Session, user_id: int, path: str, *, vault: Vault, by: str, at: datetime) -> None:
    """The form at `path` was sent: what was kept of it is destroyed."""
    for row in session.scalars(select(KeptForm).where(KeptForm.user_id == user_id)):
        if row.ends_at <= at or kept_forms.content(vault, row)[0] == path:
            session.delete(row)
