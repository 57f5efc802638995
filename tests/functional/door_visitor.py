"""A patient at the door: reads pages as a browser without JavaScript does, and answers."""

import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Form(HTMLParser):
    """The fields of the last form of a page: hidden values, and what can be chosen or filled in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "textarea":
            self.texts.append(name)
        if tag != "input":
            return
        if given.get("type") == "hidden":
            self.hidden[name] = given.get("value", "")
        elif given.get("type") in {"radio", "checkbox"}:
            self.choices.setdefault(name, []).append(given.get("value", ""))
        else:
            self.texts.append(name)


def title(response: TestResponse) -> str:
    """The page's title."""
    found = re.search(r"<title>(.*?)</title>", response.text, re.DOTALL)
    return found[1] if found else ""


class Visitor:
    """One browser at the door."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def enter(self, token: str, respondent: str = "self") -> TestResponse:
        """Open the link of a letter and press Start (or Go on)."""
        opened = self.client.get(f"/s/{token}")
        assert opened.status_code == 200
        form = Form(opened.text)
        data = {"respondent": form.hidden.get("respondent", respondent)}
        return self.client.post(f"/s/{token}", data=data)

    def page(self, response: TestResponse) -> TestResponse:
        """Follow one redirect."""
        assert response.status_code == 303, response.text
        return self.client.get(response.headers["Location"])

    def answer_all(
        self, response: TestResponse, wanted: Mapping[str, Any], limit: int = 80
    ) -> TestResponse:
        """Answer page after page until the review: as wanted, else with the first choice."""
        for _ in range(limit):
            address = response.headers["Location"]
            if address.endswith("/s/review"):
                return response
            page = self.client.get(address)
            if "/s/advice/" in address:
                onward = re.search(r'class="btn" href="([^"]+)"', page.text)
                assert onward
                response.headers["Location"] = onward[1]
                continue
            form = Form(page.text)
            response = self.client.post(address, data=filled(form, wanted))
            assert response.status_code == 303, response.text
        raise AssertionError("the questionnaire does not end")

    def send(self) -> TestResponse:
        """Send from the review page."""
        form = Form(self.client.get("/s/review").text)
        return self.client.post("/s/review", data=form.hidden)


def filled(form: Form, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The form's data: wanted answers, else the first choice, else a plain text or number."""
    data: dict[str, Any] = dict(form.hidden)
    for name, values in form.choices.items():
        if values != ["prefer_not_to_say"]:
            data[name] = wanted.get(name, values[0])
    for name in form.texts:
        defaults: Mapping[str, str] = {"day": "1", "month": "12", "year": "2025"}
        part = name.rpartition("-")[2]
        data[name] = wanted.get(name, defaults.get(part, "1"))
    return data


Enter = Callable[..., TestResponse]
