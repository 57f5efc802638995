"""Defects: people get a number to tell, and the log has the same number, without anybody's data.

Flask by itself logs the address of the request, and an exception's own text may quote a row: the
one names patients and holds the secrets of links, the other holds what was in a record.
"""

import logging
import secrets
import traceback
from collections.abc import Iterator
from typing import Any

from flask import Flask, g, request

log = logging.getLogger(__name__)


class Application(Flask):
    """Flask that logs a defect by number, method, endpoint, kinds of exception, lines of code."""

    def log_exception(self, exc_info: Any) -> None:
        """Called by Flask for everything that nothing else handled."""
        told = "\n".join(_told(exc_info[1])).rstrip()
        log.error("defect %s at %s %s\n%s", number(), request.method, request.endpoint or "-", told)


def number() -> str:
    """The number of this request's defect."""
    if "incident" not in g:
        g.incident = secrets.token_hex(4)
    return str(g.incident)


def _told(error: BaseException | None) -> Iterator[str]:
    """The kinds of the exception and of what led to it, each with its lines of code; no message."""
    while error is not None:
        kind = type(error)
        yield f"{kind.__module__}.{kind.__qualname__}"
        yield from (line.rstrip() for line in traceback.format_tb(error.__traceback__))
        error = error.__cause__ or error.__context__
