"""The letters that the embedded shape keeps in a folder: production has no such page."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from registry import http
from registry.errors import NotFound

mailbox = Blueprint("mailbox", __name__)
PAGE = 50


@mailbox.get("/mailbox")
def index() -> ResponseReturnValue:
    """Every letter that would have been sent, the newest first."""
    files = sorted(_folder().glob("*.eml"), reverse=True)
    first = max(request.args.get("from", 1, int), 1)
    letters = [(file.name, _read(file)) for file in files[first - 1 : first - 1 + PAGE]]
    return render_template(
        "admin/mailbox.html", letters=letters, first=first, total=len(files), page=PAGE
    )


@mailbox.get("/mailbox/<name>")
def letter(name: str) -> ResponseReturnValue:
    """One letter as its reader sees it, with the headers that matter."""
    file = next((file for file in _folder().glob("*.eml") if file.name == name), None)
    if file is None:
        raise NotFound("There is no such letter.")
    message = _read(file)
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return render_template("admin/letter.html", letter=message, text=text)


def _folder() -> Path:
    return http.runtime().settings.folder / "mailbox"


def _read(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=default)
