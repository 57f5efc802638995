"""What every staff page shows around its content: menu, who is signed in, the protocol in force."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from flask import Flask, request, url_for
from sqlalchemy import select

from registry import http, tokens, words
from registry.db import reading
from registry.models import Instance
from registry.queries import protocols
from registry.reports import figures

MENU = (("Worklist", "worklist.home"),)
NOTICES: Mapping[str, str] = {
    "signed_out": "You are signed out.",
    "password": "Your password is set. Sign in with it.",
}


class _CsrfToken:
    """The token of this request's session, made when a form shows it."""

    def __str__(self) -> str:
        return http.csrf_token()


def prepare(app: Flask) -> None:
    """Give templates their filters, their globals, and what the frame wants."""
    words.register_filters(app.jinja_env)
    app.jinja_env.globals.update(
        figures=figures, csrf_token=_CsrfToken(), once=tokens.drawn, may_use=http.may_use
    )
    app.context_processor(_frame)


def _frame() -> dict[str, Any]:
    who = http.asker_or_none()
    notice = NOTICES.get(request.args.get("done", ""))
    around = _around() if who else {}
    return around | {
        "nav": _menu() if who else [],
        "who": f"{who.name}, {who.role_words}" if who else None,
        "sign_out_url": url_for("session.sign_out"),
        "notice": {"text": notice, "colour": "blue"} if notice else None,
    }


def _menu() -> list[tuple[str, str, bool]]:
    here = (request.blueprint or "").partition(".")[0]
    return [
        (label, url_for(endpoint), endpoint.partition(".")[0] == here)
        for label, endpoint in MENU
        if http.may_use(endpoint)
    ]


def _around() -> dict[str, Any]:
    """The foot of the page (software and protocol), and the day of a demonstration."""
    with reading(http.runtime()) as session:
        row = protocols.newest(session)
        demo_now = session.scalar(select(Instance.demo_now))
    about = {
        "version": version("outcomes-registry"),
        "protocol": f"{row.code} {row.version}" if row else "none",
        "fingerprint": row.fingerprint[:12] if row else "none",
    }
    return {"about": about, "demo": {"day": words.date(demo_now.date())} if demo_now else None}
