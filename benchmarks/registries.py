"""Registries to measure on: SQLite always, PostgreSQL where its programs are; both durable."""

import base64
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from registry import migrate
from registry.actions.protocols import prepare_registry
from registry.actions.sites import SiteTexts, add
from registry.db import make_engine, transaction
from registry.models import Site
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings
from tests.servers import find, postgresql

BY = "benchmark"
_KEYS = {name: name[9:10].encode() * 32 for name in (
    "REGISTRY_SECRET_KEY", "REGISTRY_AUDIT_KEY", "REGISTRY_INDEX_KEY",
    "REGISTRY_MASTER_KEY", "REGISTRY_TOKEN_KEY",
)}  # fmt: skip
_places: list[Path] = []  # the folder of the stores that are open
_VERSIONED = {"REGISTRY_MASTER_KEY", "REGISTRY_TOKEN_KEY"}


@dataclass(frozen=True)
class Store:
    """One kind of database: `copy` gives the URL of a new one like that at a URL (None: one at
    head with the bundled protocol and a site), to which nobody may be connected meanwhile.
    """

    name: str
    copy: Callable[[str | None], str]

    def fresh(self) -> str:
        """A new registry, as `registry migrate` leaves it, with one site."""
        return self.copy(None)


@contextmanager
def stores(folder: Path) -> Iterator[list[Store]]:
    """What can be measured on this machine; the databases live in `folder`."""
    _places.append(folder)
    found = [_sqlite(folder)]
    if not (find("postgres") and find("initdb")):
        yield found
        return
    # as the tests start it, but a commit waits for the disk, as it does in production
    with postgresql(folder, fsync="on", shared_buffers="256MB", max_wal_size="4GB") as server:
        yield [*found, _postgresql(server)]


def _sqlite(folder: Path) -> Store:
    numbers, template = count(1), folder / "template.sqlite"
    _prepare(f"sqlite:///{template}")

    def copy(url: str | None) -> str:
        file = folder / f"registry{next(numbers)}.sqlite"
        shutil.copy(template if url is None else url.removeprefix("sqlite:///"), file)
        return f"sqlite:///{file}"

    return Store("SQLite", copy)


def _postgresql(server: str) -> Store:
    numbers = count(1)

    def copy(url: str | None) -> str:
        name = f"registry{next(numbers)}"
        source = "template1" if url is None else url.rpartition("/")[2]
        with psycopg.connect(_address(f"{server}/postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}".encode())
        return f"{server}/{name}"

    first = f"{server}/template1"
    _prepare(first)
    return Store("PostgreSQL", copy)


def _prepare(url: str) -> None:
    engine = make_engine(url)
    migrate.to_head(engine)
    engine.dispose()
    with opened(url) as runtime, transaction(runtime) as session:
        at = runtime.clock.now()
        prepare_registry(session, by=BY, at=at)
        add(session, "A", SiteTexts(public_name="Clinic A", zone="UTC"), by=BY, at=at)


def settings(url: str, **more: Any) -> Settings:
    """Settings of a registry on that database, with keys that everybody knows."""
    plain = Settings(
        database_url=url,
        secret_key=_KEYS["REGISTRY_SECRET_KEY"],
        audit_key=_KEYS["REGISTRY_AUDIT_KEY"],
        index_key=_KEYS["REGISTRY_INDEX_KEY"],
        master_keys={1: _KEYS["REGISTRY_MASTER_KEY"]},
        token_keys={1: _KEYS["REGISTRY_TOKEN_KEY"]},
        mail_from="registry@example.org",
        send_window="always",
        journal=_journal_of(url),
    )
    return replace(plain, **more)


def _journal_of(url: str) -> Path:
    """Each database has a side journal of its own."""
    return _places[-1] / f"{Path(urlsplit(url).path).name}.jsonl"


def environment(url: str) -> dict[str, str]:
    """The same settings for a process."""
    keys = {name: base64.b64encode(key).decode() for name, key in _KEYS.items()}
    keys |= {name: f"1:{keys[name]}" for name in _VERSIONED}
    more = {"REGISTRY_JOURNAL": str(_journal_of(url)), "REGISTRY_SEND_WINDOW": "always"}
    more["REGISTRY_MAIL_FROM"] = "registry@example.org"
    return {"PATH": os.environ["PATH"], "REGISTRY_DATABASE_URL": url, **keys, **more}


@contextmanager
def opened(url: str, **more: Any) -> Iterator[Runtime]:
    """The registry at that URL; its connections are closed at the end."""
    runtime = make_runtime(settings(url, **more))
    try:
        yield runtime
    finally:
        runtime.close()


def site_id(runtime: Runtime) -> int:
    """The one site that every fresh registry has."""
    with transaction(runtime) as session:
        return session.query(Site.id).scalar() or 0


def bare(url: str) -> Any:
    """A plain connection of the driver, with the promises that the product makes: what is
    committed has reached the disk.
    """
    if not url.startswith("sqlite"):
        return psycopg.connect(_address(url), options="-c jit=off")
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def begin(connection: Any) -> None:
    """Begin a writing transaction; psycopg does so by itself."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("BEGIN IMMEDIATE")


def _address(url: str) -> str:
    return url.replace("+psycopg", "")
