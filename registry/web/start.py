"""The start page of those who see no patient: the pages that are theirs."""

from flask import render_template

from registry.web.pages import own_pages


def page(**more: object) -> str:
    """What the asker's role shows them."""
    return render_template("worklist/start.html", pages=own_pages(), **more)
