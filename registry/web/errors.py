"""What went wrong, as a page for people or as problem+json (RFC 9457) for programs."""

import json
import logging

from flask import Flask, Response, render_template, request
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES

from registry import http, incidents
from registry.db import is_duplicate
from registry.errors import DomainError

log = logging.getLogger(__name__)
TITLES = {
    400: ("This could not be read", "Open the page again and repeat the last step."),
    401: ("You are not signed in", "Sign in and open the page again."),
    403: ("You may not do this", "Ask an administrator if you need to."),
    404: ("There is no such page", "Check the address, or begin at the start page."),
    405: ("There is no such page", "Begin at the start page."),
    409: ("This cannot be done now", "Look at the record first: somebody may have been quicker."),
    413: ("This is too large", "Send less at once."),
    422: ("This cannot be used as it stands", "Go back and correct it."),
    503: ("The registry is busy", "Nothing was lost or saved. Try again in a minute."),
}
TWICE = (
    "Somebody wrote the same at this moment. Nothing of yours was saved: look at what stands there "
    "now, and repeat it if it is still needed."
)
DEFECT = ("Something went wrong here", "Nothing was saved. Try again; if it stays, tell somebody.")


def prepare(app: Flask) -> None:
    """Answer every error in the same way."""
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(IntegrityError, _duplicate)
    app.register_error_handler(InternalServerError, _defect)


def _domain(error: DomainError) -> Response:
    return answer(error.status, str(error))


def _http(error: HTTPException) -> Response:
    response = answer(error.code or 500)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))  # RFC 9110 15.5.6
    return response


def _busy(error: OperationalError) -> Response:
    log.warning("database not usable: %s", type(error.orig).__name__)
    return answer(503)


def _duplicate(error: IntegrityError) -> Response:
    """Two at the same moment: the first has written it."""
    if not is_duplicate(error):
        raise error
    return answer(409, TWICE)


def _defect(error: InternalServerError) -> Response:
    """A defect, with the number under which it stands in the log."""
    return answer(500, reference=incidents.number())


def answer(status: int, detail: str = "", reference: str = "") -> Response:
    """One error, as the asker can read it."""
    title, todo = TITLES.get(status, DEFECT)
    if request.path.startswith(http.API):
        phrase = HTTP_STATUS_CODES.get(status, title)  # RFC 9457 4.2.1 wants it of about:blank
        problem = {"type": "about:blank", "title": phrase, "status": status}
        told = {"detail": detail, "instance": reference}
        problem |= {name: text for name, text in told.items() if text}
        return Response(json.dumps(problem), status, mimetype="application/problem+json")
    page = render_template(
        "error.html", title=title, text=detail or todo, todo=todo if detail else "",
        reference=reference,
    )  # fmt: skip
    return Response(page, status, mimetype="text/html")
