"""Demonstrations only: a day or a month on, with everything that comes due on the way."""

from collections.abc import Callable
from datetime import timedelta

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http

demo_clock = Blueprint("demo_clock", __name__)
MONTH = timedelta(days=30)


@demo_clock.post("/demo/next-day")
def next_day() -> ResponseReturnValue:
    """One day on."""
    return _on(timedelta(days=1))


@demo_clock.post("/demo/next-month")
def next_month() -> ResponseReturnValue:
    """Thirty days on."""
    return _on(MONTH)


def _on(span: timedelta) -> ResponseReturnValue:
    """The same form again moves nothing. The jobs have transactions of their own, so they run
    after the one that says that the form was used.
    """
    moves: list[timedelta] = []

    def note(_session: Session) -> str:
        moves.append(span)
        return "/"

    answer = http.carry_out(note)
    advance: Callable[[timedelta], None] = current_app.extensions["advance"]
    for each in moves:
        advance(each)
    return answer
