"""A member of staff at a browser without JavaScript: reads pages, fills in their forms, sends."""

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from typing import Any

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from factories import a_user
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from registry.models import User
from registry.runtime import Runtime

CHEAP = PasswordHasher.from_parameters(CHEAPEST)
PASSWORD = "seven quiet herons wade"


class Forms(HTMLParser):
    """The forms of a page: where each goes, and what stands in its fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, list[str]]] = []
        self.actions: list[str] = []
        self.area = ""
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
            self.actions.append(given.get("action", ""))
        name = given.get("name", "")
        if not self.forms:
            return
        if tag == "select":
            self.select = name
            self._put(name)
        elif tag == "option" and "selected" in given:
            self._put(self.select, given.get("value", ""))
        elif tag == "textarea":
            self.area = name
            self._put(name)
        elif tag == "input" and name:
            ticked = given.get("type") not in {"radio", "checkbox"} or "checked" in given
            self._put(name, *([given.get("value", "")] if ticked else []))

    def handle_data(self, data: str) -> None:
        if self.area and data.strip():
            self._put(self.area, data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.area = ""

    def _put(self, name: str, *values: str) -> None:
        self.forms[-1].setdefault(name, []).extend(values)


def form_of(html: str, action: str = "") -> dict[str, list[str]]:
    """The first form in the page's main part whose address begins with `action`."""
    found = Forms(html[html.index("<main") :])
    for address, form in zip(found.actions, found.forms, strict=True):
        if address.startswith(action):
            return form
    raise AssertionError(f"no form goes to {action}; there are {found.actions}")


def text_of(html: str) -> str:
    """The words of a page's main part."""
    main = html[html.index("<main") : html.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


class Staff:
    """One browser at the staff pages."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, address: str, status: int = 200) -> TestResponse:
        """Open a page."""
        page = self.client.get(address)
        assert page.status_code == status, f"{address}: {page.status_code} {page.text[:2000]}"
        return page

    def send(
        self, page: TestResponse, data: Mapping[str, Any], action: str = "", status: int = 303
    ) -> TestResponse:
        """Fill in a page's form and send it."""
        filled = dict(form_of(page.text, action))
        address = action or page.request.path
        filled |= {name: list(v) if isinstance(v, list) else [str(v)] for name, v in data.items()}
        sent = self.client.post(address, data=filled)
        assert sent.status_code == status, f"{address}: {sent.status_code} {text_of(sent.text)}"
        return sent

    def fill(self, address: str, data: Mapping[str, Any], status: int = 303) -> TestResponse:
        """Open a page, fill in its form, send it."""
        return self.send(self.get(address), data, status=status)

    def follow(self, sent: TestResponse) -> TestResponse:
        """Go where an answer leads."""
        return self.get(sent.headers["Location"])

    def sign_in(self, user: User, password: str = PASSWORD) -> "Staff":
        """Sign in as this user."""
        self.fill("/sign-in", {"email": user.email, "password": password})
        return self


def member(runtime: Runtime, *roles: str, site: str | None = "A") -> User:
    """A member of staff who can sign in with PASSWORD."""
    return a_user(runtime, *roles, site=site, password_hash=CHEAP.hash(PASSWORD))
