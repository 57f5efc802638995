"""Every operation of the API, tried by every role at its own and another site, and by nobody.

The operations come from the URL map, what is expected from the policy table.
"""

from collections.abc import Iterator

import pytest
from factories import a_patient, a_site
from flask import Flask
from functional.program import key_for, program_for
from werkzeug.routing import Rule

from registry.http import Rule as Line
from registry.models.accounts import ROLES
from registry.runtime import Runtime

LET_IN = {200, 201, 202, 409, 422}


def operations(app: Flask) -> Iterator[tuple[str, Rule, Line]]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield method, rule, app.extensions["policy"][rule.endpoint]


def address(rule: Rule, number: str) -> str:
    path = rule.rule.replace("<path:number>", number).replace("<int(max=600):month>", "1")
    path = path.replace("<key>", "unknown")
    assert "<" not in path, path
    return path


def status(app: Flask, method: str, path: str, key: str | None) -> int:
    headers = {"Idempotency-Key": f"{method} {path}"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    body = {} if method in {"POST", "PUT"} else None
    return app.test_client().open(path, method=method, headers=headers, json=body).status_code


def expected(line: Line, role: str, own: bool) -> set[int]:
    if line.roles is None:
        return {200}
    if role not in line.roles:
        return {403}
    return LET_IN if own or not line.at_site else {404}


@pytest.mark.parametrize("role", ROLES)
def test_every_operation_follows_its_line(app: Flask, registry: Runtime, role: str) -> None:
    number = a_patient(registry, "A").study_number
    a_site(registry, "B")
    keys = {place: program_for(app, registry, role, site=place).key for place in ("A", "B", None)}
    wrong = []
    for method, rule, line in operations(app):
        for place, key in keys.items():
            found = status(app, method, address(rule, number), key)
            if found not in expected(line, role, own=place != "B"):
                wrong.append(f"{method} {rule.rule} as {role} at {place}: {found}")
    assert wrong == []


def test_without_a_key_there_are_only_the_documents(app: Flask, registry: Runtime) -> None:
    number = a_patient(registry).study_number
    open_to_all = {
        rule.endpoint
        for method, rule, _ in operations(app)
        if status(app, method, address(rule, number), None) != 401
    }
    assert open_to_all == {"api_docs.specification", "api_docs.page"}


def test_a_user_without_a_role_may_nothing(app: Flask, registry: Runtime) -> None:
    number = a_patient(registry).study_number
    key = key_for(registry, program_for(app, registry).user)
    for method, rule, line in operations(app):
        found = status(app, method, address(rule, number), key)
        assert found == (200 if line.roles is None else 403), rule.rule
