"""A program that calls the API with a key, as its user."""

import re
from functools import cache
from typing import Any
from uuid import uuid4

from factories import BY, a_user
from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from registry.actions import accounts
from registry.api import document
from registry.db import transaction
from registry.models import User
from registry.runtime import Runtime

PREFIX = "/api/v1"
DOCUMENT = cache(document)


class Program:
    """One program with its key; every POST gets a new Idempotency-Key unless one is given."""

    def __init__(self, app: Flask, key: str, user: User) -> None:
        self.client = app.test_client()
        self.key, self.user = key, user

    def call(
        self, method: str, address: str, status: int = 200, *, once: str = "", **more: Any
    ) -> TestResponse:
        """Call and check the status; addresses are under the API's prefix."""
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        if method == "POST":
            headers["Idempotency-Key"] = once or uuid4().hex
        answer = self.client.open(PREFIX + address, method=method, headers=headers, **more)
        assert answer.status_code == status, f"{method} {address}: {answer.text}"
        kind = "application/json" if status < 400 else "application/problem+json"
        assert answer.mimetype == kind
        self._fits_the_document(answer, method)
        return answer

    def _fits_the_document(self, answer: TestResponse, method: str) -> None:
        """The answer is one that the OpenAPI document promises."""
        adapter = self.client.application.url_map.bind("registry.test")
        try:
            rule, _ = adapter.match(answer.request.path, method, return_rule=True)
        except HTTPException:
            return
        told = DOCUMENT()
        path = re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule)
        responses = told["paths"][path][method.lower()]["responses"]
        promised = responses.get(str(answer.status_code), responses["default"])
        name = promised.get("$ref", "").rpartition("/")[2]
        content = (told["components"]["responses"][name] if name else promised)["content"]
        schema = content[answer.mimetype]["schema"] | {"components": told["components"]}
        Draft202012Validator(schema).validate(answer.get_json())

    def get(self, address: str, status: int = 200, **more: Any) -> Any:
        """GET, and the JSON of the answer."""
        return self.call("GET", address, status, **more).get_json()

    def post(self, address: str, data: Any, status: int = 201, **more: Any) -> Any:
        """POST, and the JSON of the answer."""
        return self.call("POST", address, status, json=data, **more).get_json()

    def put(self, address: str, data: Any, status: int = 200) -> Any:
        """PUT, and the JSON of the answer."""
        return self.call("PUT", address, status, json=data).get_json()


def key_for(runtime: Runtime, user: User) -> str:
    """A key that acts as this user."""
    with transaction(runtime) as session:
        return accounts.issue_key(session, user.id, "test", by=BY, at=runtime.clock.now())


def program_for(app: Flask, runtime: Runtime, *roles: str, site: str | None = "A") -> Program:
    """A program acting as a user with these roles at that site (None: at all)."""
    user = a_user(runtime, *roles, site=site)
    return Program(app, key_for(runtime, user), user)
