"""What went wrong with a call of the API, as application/problem+json (RFC 9457).

Addresses that do not exist, and defects, are answered for the whole application elsewhere.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, json
from marshmallow import Schema, ValidationError, fields
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from registry.actions.facts import Unusable
from registry.actions.laboratory import Implausible
from registry.db import is_duplicate
from registry.errors import DomainError

PROBLEM = "application/problem+json"
DETAILS = {
    401: "Send `Authorization: Bearer KEY` with a key that is in force.",
    403: "The roles of this key's user do not cover this.",
    404: "There is no such thing, or it belongs to a site that is not yours.",
    413: "The body is too long. Send less at once.",
    415: "Send JSON, with `Content-Type: application/json`.",
    503: "The registry is busy. Nothing was changed; send it again.",
}


class ProblemSchema(Schema):
    """What went wrong (RFC 9457). `errors` names what is wrong by field, `instance` a defect."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String()
    errors = fields.Dict(keys=fields.String())


def problem(
    status: int, detail: str | None = None, errors: Mapping[str, Any] | None = None
) -> Response:
    """A problem as a response; the status says its kind, so `type` is about:blank."""
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES.get(status, "Problem"),
        "status": status,
    }
    detail = detail or DETAILS.get(status)
    told |= {"detail": detail} if detail else {}
    told |= {"errors": errors} if errors else {}
    response = Response(json.dumps(told), status, mimetype=PROBLEM)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def of_http_error(error: HTTPException) -> Response:
    """What the reading of body and query refused, or the server did."""
    messages = getattr(error, "data", {}).get("messages")
    return of_fields(messages, error.code or 500) if messages else problem(error.code or 500)


def of_fields(messages: Any, status: int = 422) -> Response:
    """What a schema refused, by field; the place that webargs read it from is left out."""
    if isinstance(messages, Mapping) and set(messages) <= {"json", "query"}:
        messages = next(iter(messages.values()))
    errors = messages if isinstance(messages, Mapping) else {"body": messages}
    return problem(status, "Correct what is named under `errors` and send it again.", errors)


def of_domain_error(error: DomainError) -> Response:
    """A rule of the registry that does not hold. What is not there and what is not the caller's
    read the same.
    """
    return problem(error.status, None if error.status in {401, 404} else str(error))


def of_unusable(error: Unusable) -> Response:
    """Several rules that do not hold, by field."""
    errors: dict[str, list[str]] = {}
    for one in error.problems:
        errors.setdefault(one.field, []).append(one.text)
    return of_fields(errors, error.status)


def of_duplicate(error: IntegrityError) -> Response:
    """Two calls at the same moment: the first has written it."""
    if not is_duplicate(error):
        raise error
    return problem(409, "The same was written at this moment by another call. Read it first.")


def of_text(_error: UnicodeError) -> Response:
    """Half of a surrogate pair, which JSON can carry and no database keeps."""
    return problem(422, "A text is not Unicode: it holds half of a surrogate pair.")


HANDLERS: Mapping[type[Exception], Callable[[Any], Response]] = {
    HTTPException: of_http_error,
    DomainError: of_domain_error,
    Unusable: of_unusable,
    Implausible: lambda doubt: of_fields({"confirmed": [str(doubt)]}),
    ValidationError: lambda error: of_fields(error.messages),
    UnicodeError: of_text,
    RecursionError: lambda _error: problem(400, "The JSON is nested too deeply."),
    IntegrityError: of_duplicate,
    OperationalError: lambda _error: problem(503),
}
