"""Which pages there are: one blueprint per feature."""

from collections.abc import Iterator

from flask import Blueprint

from registry.settings import Settings
from registry.web.health import health
from registry.web.session import session
from registry.web.worklist import worklist


def of(settings: Settings, *, is_demo: bool) -> Iterator[Blueprint]:
    """The blueprints of this installation. Pages that it does not have are absent."""
    yield from (health, session, worklist)
