"""The least application that keeps what is posted: one committed row, then a redirect."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.registries import bare

DATABASE = "BARE_DATABASE"
TABLE = "CREATE TABLE posted (id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body BYTEA)"
PAGE = b"-" * 6000
_own = threading.local()


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """GET: a page of the door's size. POST: keep the form, for good, and go on."""
    if environ["REQUEST_METHOD"] == "GET":
        start("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(PAGE)))])
        return [PAGE]
    form = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    _keep(form)
    start("303 See Other", [("Location", "/"), ("Content-Length", "0")])
    return [b""]


def _keep(form: bytes) -> None:
    url = os.environ[DATABASE]
    if not hasattr(_own, "connection"):
        _own.connection = bare(url)
    mark = "?" if url.startswith("sqlite") else "%s"
    # SQLite commits by itself here, psycopg when told
    _own.connection.execute(f"INSERT INTO posted (body) VALUES ({mark})", (form,))
    _own.connection.commit()


def prepare(url: str) -> None:
    """Make the table."""
    connection = bare(url)
    is_sqlite = url.startswith("sqlite")
    connection.execute("CREATE TABLE posted (id INTEGER PRIMARY KEY, body)" if is_sqlite else TABLE)
    connection.commit()
    connection.close()
