"""Faults planted at a chosen statement or call, to see that nothing is left half done."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from registry.journal import FileStore
from registry.runtime import Runtime


class Broken(Exception):
    """The machine failed here."""


@contextmanager
def faulty(runtime: Runtime, *, at_insert: int) -> Iterator[None]:
    """The `at_insert`-th INSERT from now on fails, and so does every one after it."""
    seen = 0

    def _fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal seen
        seen += statement.lstrip().upper().startswith("INSERT")
        if seen >= at_insert:
            raise Broken(statement[:60])

    engine = runtime.sessions.engine
    event.listen(engine, "before_cursor_execute", _fail)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", _fail)


class FaultyStore(FileStore):
    """A side journal on a disk that fails when it is opened or written for the `fail_at`-th time,
    and is well again after it. `calls` tells them: what was asked for, in order.

    `kept`: the part of what is written then that reaches the file all the same, 0 to 1.
    """

    def __init__(self, path: Path, fail_at: int, fault: BaseException, kept: float = 0) -> None:
        super().__init__(path)
        self.calls: list[str] = []
        self._fail_at, self._fault, self._kept = fail_at, fault, kept

    @contextmanager
    def hold(self, *, make: bool = False) -> Iterator[None]:
        self._meet("open")
        with super().hold(make=make):
            yield

    def add(self, content: bytes, *, durable: bool) -> None:
        part = content[: int(len(content) * self._kept)]
        self._meet("write", lambda: super(FaultyStore, self).add(part, durable=durable))
        super().add(content, durable=durable)

    def _meet(self, call: str, before: Callable[[], object] = lambda: None) -> None:
        self.calls.append(call)
        if len(self.calls) == self._fail_at:
            before()
            raise self._fault


class _Unreadable(io.RawIOBase):
    """An open file whose disk fails when it is read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise OSError(EIO, "Input/output error")


@contextmanager
def file_fault(folder: Path, call: str) -> Iterator[list[Path]]:
    """The next `call` ("open", "read", "glob", "replace") on a path in that folder meets a disk
    that fails; those after it are well. Gives the paths that met it: at most one.
    """
    name = "open" if call == "read" else call
    plain, met = getattr(Path, name), list[Path]()

    def _call(path: Path, *args: Any, **known: Any) -> Any:
        if met or not path.is_relative_to(folder):
            return plain(path, *args, **known)
        met.append(path)
        if call == "read":
            return io.BufferedReader(_Unreadable())
        raise OSError(EIO, "Input/output error")

    with patch.object(Path, name, _call):
        yield met
