"""A POST is carried out once: the same key again gets the same answer and does nothing."""

from collections.abc import Callable

from flask import Response, json, request
from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry import http
from registry.actions import once as keys
from registry.errors import DomainError, Invalid
from registry.models import IdempotencyKey

HEADER = "Idempotency-Key"
LONGEST_KEY = 255


class KeyMissing(DomainError):
    """A POST without a usable Idempotency-Key."""

    status = 400


class KeyReused(Invalid):
    """The key stands for another request."""


def once(session: Session, carry_out: Callable[[], Response]) -> Response:
    """The answer to this POST, carried out now or earlier, in the caller's transaction.

    What fails is rolled back together with its key, so it can be put right and sent again under
    that key. Keys belong to a user and are forgotten after 30 days. Raises KeyMissing, KeyReused.
    """
    row = _row(session)
    if row.status is not None:
        return _again(row)
    response = carry_out()
    row.status, row.location = response.status_code, response.headers.get("Location")
    row.body = response.get_json()
    return response


def _row(session: Session) -> IdempotencyKey:
    key = request.headers.get(HEADER, "")
    if not 0 < len(key) <= LONGEST_KEY:
        raise KeyMissing(
            f"Send {HEADER}: 1 to {LONGEST_KEY} characters, new for every new request, and the "
            "same when the same request is sent again."
        )
    scope, at = f"api:{http.asker().user_id}", http.at()
    old = IdempotencyKey.recorded_at <= at - keys.KEPT
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.scope == scope, old))
    address = f"{request.method} {request.full_path}\n".encode()
    asked = address + request.get_data(cache=True)
    try:
        return keys.claim(session, scope, key, asked, by=http.by(), at=at)
    except keys.OtherRequest:
        raise KeyReused(
            f"This {HEADER} was used for another request. Use a new key for every new request."
        ) from None


def _again(row: IdempotencyKey) -> Response:
    response = Response(json.dumps(row.body), row.status, mimetype="application/json")
    if row.location:
        response.headers["Location"] = row.location
    return response
