"""Home: what needs doing."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

worklist = Blueprint("worklist", __name__)


@worklist.get("/")
def home() -> ResponseReturnValue:
    """The worklist of the asker's sites."""
    return render_template("worklist/home.html")
