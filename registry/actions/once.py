"""A form or a request carries a key: the same key again changes nothing a second time."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from registry import tokens
from registry.errors import DomainError
from registry.models import IdempotencyKey

KEPT = timedelta(days=30)


class OtherRequest(DomainError):
    """The key was used for something else."""


def claim(
    session: Session, scope: str, key: str, request: bytes, *, by: str, at: datetime
) -> IdempotencyKey:
    """The row of this key; its `status` is None for whoever came first and now does the work.

    Two at once: the second waits for the first to commit. `scope`: who asks for what; `request`:
    what is asked. Raises OtherRequest for the same key with another request.
    """
    values = {
        "scope": scope,
        "key_sha256": tokens.digest(key),
        "request_sha256": hashlib.sha256(request).hexdigest(),
        "recorded_at": at,
    }
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(IdempotencyKey).values(values).on_conflict_do_nothing())
    row = session.scalars(
        select(IdempotencyKey)
        .where(
            IdempotencyKey.scope == scope,
            IdempotencyKey.key_sha256 == values["key_sha256"],
        )
        .with_for_update()
    ).one()
    if row.request_sha256 != values["request_sha256"]:
        raise OtherRequest("This form was sent before. Open the page anew to change something.")
    return row


def forget(session: Session, *, by: str, at: datetime) -> int:
    """Forget the keys, and the answers kept with them, of requests over 30 days ago; how many."""
    old = delete(IdempotencyKey).where(IdempotencyKey.recorded_at <= at - KEPT)
    gone: CursorResult[Any] = session.connection().execute(old)
    return gone.rowcount
