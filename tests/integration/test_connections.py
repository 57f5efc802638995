"""Connections that are kept, and lost."""

import psycopg
import pytest
from sqlalchemy import text

from registry import db
from registry.db import reading
from registry.runtime import Runtime


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_lost_while_it_was_idle_is_replaced(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "IDLE", -1.0)
    with reading(runtime) as session:
        lost = session.scalar(text("SELECT pg_backend_pid()"))
    url = runtime.settings.database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (lost,))
    with reading(runtime) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != lost
