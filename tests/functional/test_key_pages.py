"""Keys of programs on the administrator's pages."""

from flask import Flask
from functional.conftest import SignIn
from functional.program import Program
from functional.staff_visitor import form_of, member, text_of
from sqlalchemy import select

from registry import audit
from registry.db import reading
from registry.models import ApiKey, AuditEvent
from registry.runtime import Runtime


def test_a_key_is_made_shown_once_used_and_revoked(
    registry: Runtime, app: Flask, sign_in: SignIn
) -> None:
    user = member(registry, "nurse", site=None)
    administrator = sign_in("administrator", site=None)
    assert "No key was made yet" in text_of(administrator.get("/keys").text)
    page = administrator.get("/keys/add")
    filled = form_of(page.text) | {"user_id": [str(user.id)], "label": ["laboratory system"]}
    made = administrator.client.post("/keys/add", data=filled)
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    key = made.text.partition("<code>")[2].partition("</code>")[0]
    program = Program(app, key, user)
    assert program.get("/patients") == {"patients": [], "next": None}
    again = administrator.client.post("/keys/add", data=filled)
    assert again.status_code == 303
    page = administrator.get("/keys")
    assert key not in page.text
    assert f"Key 1 laboratory system {user.name}, {user.email}" in text_of(page.text)
    revoked = administrator.send(page, {}, action="/keys/1/revoke")
    assert "The key is revoked" in text_of(administrator.follow(revoked).text)
    program.get("/patients", 401)
    with reading(registry) as session:
        assert key not in repr([vars(one) for one in session.scalars(select(ApiKey))])
        done = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
        assert [one for one in done if one.startswith("key.")] == ["key.issued", "key.revoked"]
        assert audit.verify(session).broken is None


def test_a_key_needs_a_user_and_a_label(registry: Runtime, sign_in: SignIn) -> None:
    administrator = sign_in("administrator", site=None)
    wrong = administrator.fill("/keys/add", {"user_id": "", "label": ""}, status=422)
    said = text_of(wrong.text)
    assert "Choose: as whom?" in said
    assert "Enter: which program is it for?" in said
    gone = administrator.fill("/keys/add", {"user_id": "999", "label": "x"}, status=404)
    assert "There is no such account" in text_of(gone.text)


def test_the_page_of_keys_is_found_from_the_users(sign_in: SignIn) -> None:
    assert 'href="/keys"' in sign_in("administrator", site=None).get("/users").text
