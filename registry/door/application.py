"""The patient door: a WSGI application of its own, with at most ten URL rules."""

from flask import Flask, Response
from markupsafe import Markup, escape
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from registry import words
from registry.door.pages import plain
from registry.door.views import door
from registry.errors import DomainError
from registry.incidents import Application
from registry.runtime import Runtime

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the link stands in the address
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LONGEST_FORM = 64 * 1024


def create_door(runtime: Runtime) -> Flask:
    """The door on this runtime: no staff route, no dispatch by parameter."""
    app = Application(__name__, static_url_path="/s/static")
    app.config.update(MAX_CONTENT_LENGTH=LONGEST_FORM, MAX_FORM_PARTS=200)
    app.extensions["registry"] = runtime
    words.register_filters(app.jinja_env)
    app.jinja_env.filters["tel"] = tel
    app.register_blueprint(door)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DomainError, lambda _error: _page("expired_page", 409))
    app.register_error_handler(OperationalError, lambda _error: _page("busy", 503))
    app.after_request(_with_headers)
    return app


def tel(number: str) -> Markup:
    """A telephone number that a phone can call; words instead of one as they are."""
    if not any(sign.isdecimal() for sign in number):
        return escape(number)
    return Markup('<a href="tel:{}">{}</a>').format(number.replace(" ", ""), number)


def _http_error(error: HTTPException) -> Response:
    """Every unknown address reads the same, whatever was wrong with it."""
    code = error.code or 404
    key = "busy" if code >= 500 else {401: "expired_page", 429: "too_many"}.get(code, "unknown")
    return _page(key, 404 if key == "unknown" else code)


def _page(key: str, status: int) -> Response:
    return Response(plain(key), status, mimetype="text/html")


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
