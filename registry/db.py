"""Engine, base class, the two column types that need care, and the only ways to a session."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from time import monotonic
from typing import Any, ClassVar, Protocol, TypeVar

from psycopg import OperationalError
from psycopg.errors import LockNotAvailable, UniqueViolation
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Dialect,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    create_engine,
    event,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator

IDLE = 1.0  # seconds
NAMING: dict[str, Any] = {
    "kind": lambda index, _table: "uq" if index.unique else "ix",
    "ix": "%(kind)s_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# numbers that stand in links and in the side journal are given once, also after rows were lost
NEVER_AGAIN: dict[str, Any] = {"sqlite_autoincrement": True}
Json = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC. SQLite drops the zone, so it is added back; naive is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


class Base(DeclarativeBase):
    """Parent of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: Integer().with_variant(BigInteger(), "postgresql"),
        str: Text(),
        bytes: LargeBinary(),
        date: Date(),
        datetime: UtcDateTime(),
        Decimal: Numeric(24, 9),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


def text_of(length: int) -> String:
    """A short text column."""
    return String(length)


class DaysBetween(GenericFunction[int]):
    """SQL: whole days from the second civil date to the first, the same on both databases."""

    name = "days_between"
    type = Integer()
    inherit_cache = True


@compiles(DaysBetween, "sqlite")
def _days_sqlite(element: DaysBetween, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(DaysBetween, "postgresql")
def _days_postgresql(element: DaysBetween, compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(CAST({later} AS DATE) - CAST({earlier} AS DATE))"


def make_engine(url: str) -> Engine:
    """An engine with the pragmas and time-outs that the product relies on."""
    if url.startswith("sqlite"):
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30})
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    # jit: compiling one statement of the report took ten times as long as running it uncompiled
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC -c jit=off"},
    )
    event.listen(engine, "checkout", _postgresql_checkout)
    event.listen(engine, "checkin", _postgresql_checkin)
    return engine


def _postgresql_checkout(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
    """Ask whether a connection that was idle still stands; the pool replaces one that does not.
    Asking every time would be one more round trip for each transaction and each look at the clock.
    """
    if monotonic() - record.info.get("used", 0.0) > IDLE:
        try:
            dbapi_connection.execute("SELECT 1")
            dbapi_connection.rollback()
        except OperationalError as error:
            raise DisconnectionError("the connection was lost while it was idle") from error


def _postgresql_checkin(_dbapi_connection: Any, record: Any) -> None:
    record.info["used"] = monotonic()


def _sqlite_connect(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None
    # FULL: with NORMAL a power loss may undo an answer that we acknowledged
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("registry_reading", False)
    connection.exec_driver_sql(f"PRAGMA query_only={int(reading)}")
    # a plain BEGIN that writes later meets "database is locked" as soon as two do it
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


class Sessions:
    """Makes writing and reading sessions on one engine. `audit_key` keys the trail's hashes."""

    def __init__(self, engine: Engine, *, audit_key: bytes) -> None:
        self.engine = engine
        reading = engine.execution_options(registry_reading=True)
        if engine.dialect.name == "postgresql":
            reading = reading.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        info = {"audit_key": audit_key}
        self.writing = sessionmaker(engine, expire_on_commit=False, info=info)
        self.reading = sessionmaker(reading, expire_on_commit=False, info=info)


class HasSessions(Protocol):
    """Whatever carries the sessions: the Runtime."""

    @property
    def sessions(self) -> Sessions: ...


@contextmanager
def transaction(runtime: HasSessions) -> Iterator[Session]:
    """A writing session: committed at the end, rolled back on any exception."""
    with runtime.sessions.writing.begin() as session:
        yield session


@contextmanager
def reading(runtime: HasSessions) -> Iterator[Session]:
    """A read-only session that sees one state of the data and holds up no writer."""
    with runtime.sessions.reading.begin() as session:
        yield session


def is_duplicate(error: IntegrityError) -> bool:
    """Whether a row was refused because another one, written just now, has its unique values."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_UNIQUE
    return isinstance(cause, UniqueViolation)


def wait_briefly(session: Session) -> None:
    """On PostgreSQL this transaction fails (`is_locked_out`) instead of waiting for a lock. SQLite
    has one writer at a time, and has waited for it when the transaction began.
    """
    if session.get_bind().dialect.name == "postgresql":
        # well below deadlock_timeout: whoever else waits is not the one that is rolled back
        session.connection().exec_driver_sql("SET LOCAL lock_timeout = '100ms'")


def is_locked_out(error: DBAPIError) -> bool:
    """Whether somebody held a row for longer than this transaction was to wait."""
    return isinstance(error.orig, LockNotAvailable)


Model = TypeVar("Model", bound=Base)


def never_below(session: Session, model: type[Base], number: int) -> None:
    """Give this table's rows no number up to `number` any more."""
    table = model.__tablename__
    if session.get_bind().dialect.name == "sqlite":
        # a table that never had a row has no line there yet
        known = "INSERT INTO sqlite_sequence (name, seq) SELECT :table, 0 WHERE NOT EXISTS "
        known += "(SELECT 1 FROM sqlite_sequence WHERE name = :table)"
        session.execute(text(known), {"table": table})
        higher = "UPDATE sqlite_sequence SET seq = :number WHERE name = :table AND seq < :number"
        session.execute(text(higher), {"table": table, "number": number})
    else:
        sequence = session.scalar(select(func.pg_get_serial_sequence(table, "id")))
        given = session.scalar(select(func.nextval(sequence)))
        session.execute(select(func.setval(sequence, max(given or 0, number))))


def take(
    session: Session,
    model: type[Model],
    ready: ColumnElement[bool],
    *,
    order_by: InstrumentedAttribute[Any],
    limit: int,
    **changes: Any,
) -> Sequence[Model]:
    """Move up to `limit` ready rows to their next state; return those that this caller won.

    PostgreSQL skips rows that another worker holds. SQLite drops FOR UPDATE, but has one writer
    at a time; the repeated `ready` in the UPDATE makes it safe there. One statement with a
    sub-select would be shorter and wrong: the planner may run the sub-select twice.
    """
    key = model.__mapper__.primary_key[0]
    ids = session.scalars(
        select(key)
        .where(ready)
        .order_by(order_by, key)
        .limit(limit)
        .with_for_update(skip_locked=True, of=model)
    ).all()
    if not ids:
        return []
    return session.scalars(
        update(model).where(key.in_(ids), ready).values(**changes).returning(model),
        execution_options={"populate_existing": True, "synchronize_session": False},
    ).all()
