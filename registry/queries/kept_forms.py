"""What somebody had typed when their session was over."""

import json
from datetime import datetime

from cryptography.exceptions import InvalidTag
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import tokens
from registry.models import KeptForm
from registry.vault import Vault

Pairs = list[tuple[str, str]]


def find(
    session: Session, vault: Vault, user_id: int, secret: str, path: str, at: datetime
) -> Pairs | None:
    """The (name, value) pairs that this person typed at this address; None for other people's."""
    row = session.scalars(
        select(KeptForm).where(
            KeptForm.secret_sha256 == tokens.digest(secret),
            KeptForm.user_id == user_id,
            KeptForm.ends_at > at,
        )
    ).one_or_none()
    if row is None:
        return None
    where, pairs = content(vault, row)
    return pairs if where == path else None


def content(vault: Vault, row: KeptForm) -> tuple[str, Pairs]:
    """The address it was typed at, and the pairs; of nowhere once the master key was changed."""
    try:
        path, pairs = json.loads(vault.open_form(row.user_id, row.content))
    except InvalidTag:
        return "", []
    return path, [(name, value) for name, value in pairs]
