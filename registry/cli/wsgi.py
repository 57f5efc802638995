"""The applications of this process's environment: what gunicorn is pointed at."""

import os

from flask import Flask

from registry.app import create_app, create_door
from registry.runtime import make_runtime
from registry.settings import Settings


def web() -> Flask:
    """Staff pages and API."""
    return create_app(make_runtime(Settings.from_env(os.environ)))


def door() -> Flask:
    """The patient door, with the door's own database role and fewer keys."""
    return create_door(make_runtime(Settings.from_env(os.environ, door=True)))
