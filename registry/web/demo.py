"""A demonstration's clock: moved by a day or a month, with what comes due on the way."""

from datetime import timedelta

from flask import Blueprint, current_app, redirect, url_for
from flask.typing import ResponseReturnValue

demo = Blueprint("demo", __name__)
MONTH = timedelta(days=30)


@demo.post("/demo/day")
def day() -> ResponseReturnValue:
    """Live on until tomorrow."""
    return _advance(timedelta(days=1))


@demo.post("/demo/month")
def month() -> ResponseReturnValue:
    """Live on for thirty days, day by day."""
    return _advance(MONTH)


def _advance(span: timedelta) -> ResponseReturnValue:
    current_app.extensions["advance"](span)
    return redirect(url_for("worklist.home", done="advanced"), 303)
