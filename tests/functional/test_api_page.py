"""The OpenAPI document and the page beside it."""

import re

from flask import Flask

from registry.api import document
from registry.api.documents import written


def test_the_document_is_served_as_it_is_committed(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.mimetype == "application/json"
    assert answer.text == written(document())
    assert answer.get_json()["openapi"] == "3.1.0"


def test_the_page_lists_every_operation_without_a_script_or_another_host(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/")
    for path, item in document()["paths"].items():
        for method in ("get", "post", "put"):
            if method in item:
                assert f"<code>{method.upper()} {path}</code>" in answer.text
    assert not re.search(r"<script|<style|style=|https?://(?!www\.w3\.org)", answer.text)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_every_operation_has_a_line_in_the_policy(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert len(rules) > 10
    for rule in rules:
        assert rule.endpoint in app.extensions["policy"], rule
