"""Runs migrations: one transaction each; on PostgreSQL under a lock and with time-outs."""

from typing import Any

import sqlalchemy as sa
from alembic import context

from registry.db import Base, UtcDateTime, make_engine

LOCK = 0x5265_6769  # one migration at a time, whoever starts it


def render_item(kind: str, item: Any, _autogen: Any) -> Any:
    """Write our own type as plain SQLAlchemy: a migration must not import the application."""
    return (
        "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False
    )


def migrate(connection: sa.Connection) -> None:
    """Bring the connected database to the revision that was asked for."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET lock_timeout = '4s'"))
        connection.execute(sa.text("SET statement_timeout = '60s'"))
        connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    url = context.config.get_main_option("sqlalchemy.url") or "sqlite://"
    with make_engine(url).connect() as opened:
        migrate(opened)
