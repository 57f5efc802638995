"""The staff pages and the door for tests: routes and templates are compiled once in a run."""

from collections.abc import Callable
from copy import copy
from typing import Any

from flask import Flask
from functional.staff_visitor import CHEAP

from registry.app import create_app, create_door
from registry.runtime import Runtime
from registry.web import blueprints

_built: dict[Any, Flask] = {}


def staff_app(runtime: Runtime) -> Flask:
    """The staff pages on this runtime, with passwords that cost nothing to check."""
    pages = tuple(one.name for one in blueprints.of(runtime.settings, is_demo=False))
    return _copy(pages, runtime, lambda: create_app(runtime, hasher=CHEAP))


def door_app(runtime: Runtime) -> Flask:
    """The patient door on this runtime."""
    return _copy("door", runtime, lambda: create_door(runtime))


def _copy(kind: Any, runtime: Runtime, build: Callable[[], Flask]) -> Flask:
    """The application is the same on every runtime. What a test may change in it is its own; of
    the routes and templates there is one set, so a test that adds a route builds its own.
    """
    if kind not in _built:
        _built[kind] = build()
    app = copy(_built[kind])
    app.config = copy(app.config)
    app.view_functions = dict(app.view_functions)
    app.extensions = {**app.extensions, "registry": runtime}
    return app
