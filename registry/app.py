"""The applications: staff pages and API, the patient door, and both behind one address."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from registry import api, http
from registry.actions.passwords import HASHER
from registry.door.application import create_door
from registry.incidents import Application
from registry.reports.report import SmallSite
from registry.runtime import Runtime
from registry.web import blueprints, errors, pages
from registry.web.figures import small_site
from registry.web.policy import POLICY

__all__ = ["create_app", "create_door", "create_embedded"]

LARGEST_FORM = 1024 * 1024
DOOR_PATHS = ("/s/", "/p/", "/u/")
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Small(IntegerConverter):
    """A whole number that every database can keep; any other names nothing."""

    def __init__(self, url_map: Map, **options: Any) -> None:
        super().__init__(url_map, **({"max": 2**31 - 1} | options))


def create_app(
    runtime: Runtime,
    *,
    hasher: PasswordHasher = HASHER,
    advance: Callable[[timedelta], None] | None = None,
) -> Flask:
    """The staff pages on this runtime. `hasher`: a cheap one for tests. `advance` moves the clock
    of a demonstration and runs what comes due on the way.
    """
    app = Application("registry.web", static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM)
    app.extensions["hasher"] = hasher
    app.extensions["advance"] = advance
    app.url_map.converters["int"] = _Small
    http.install(app, runtime, POLICY)
    pages.prepare(app)
    errors.prepare(app)
    app.register_error_handler(SmallSite, small_site.answer)
    for blueprint in blueprints.of(runtime.settings, is_demo=advance is not None):
        app.register_blueprint(blueprint)
    api.register(app)
    return app


def create_embedded(staff: Flask, door: Flask) -> Wsgi:
    """Both applications in one process: the door's addresses to the door, all others to staff."""

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        app = door if path.startswith(DOOR_PATHS) else staff
        return app.wsgi_app(environ, start_response)

    return serve
