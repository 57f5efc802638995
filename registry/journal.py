"""The side journal: what a restored database must not forget, kept apart from the database.

An append-only file, one line of JSON per fact: letters handed over, withdrawals, deaths, holds. No
line names a person. Each line carries a MAC (HMAC-SHA-256, RFC 2104) over itself and its
predecessor's, so that a line changed, taken out or written with another key shows. It is also this
installation's own copy of which database it works with: its instance and epoch.
"""

import fcntl
import hmac
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Any

from registry.errors import DomainError

START = "0" * 64
BLOCK = 2 * 1024  # bytes first looked at for the newest lines: about six
LONGEST = 4096  # bytes of a line
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
MACHINE = Path("/etc/machine-id")


class JournalFault(DomainError):
    """The side journal cannot be used; the message says what to do."""


class JournalMissing(JournalFault):
    """There is no side journal where one should be."""


class JournalBroken(JournalFault):
    """The side journal was changed, or written with another key."""


class JournalUnwritable(JournalFault):
    """A line could not be made durable, so what it tells must not happen."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to write: `kind`, and ids, codes and days; never who somebody is."""

    kind: str
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands: `instance` and `epoch` of the database it was written for, `place` of
    the file when that epoch began.
    """

    number: int
    at: datetime
    instance: str
    epoch: int
    place: str
    kind: str
    told: Mapping[str, Any]
    mac: str = ""


class Store(ABC):
    """Bytes that only grow. `hold`: nobody else reads or writes meanwhile."""

    name = "the side journal"

    @abstractmethod
    def hold(self, *, make: bool = False) -> Any:
        """A context in which the other functions may be called. Raises OSError."""

    @abstractmethod
    def size(self) -> int:
        """How many bytes there are."""

    @abstractmethod
    def read(self, start: int, end: int) -> bytes:
        """Those bytes."""

    @abstractmethod
    def cut(self, size: int) -> None:
        """Take away what no caller was told is kept."""

    @abstractmethod
    def add(self, content: bytes, *, durable: bool) -> None:
        """Append; with `durable` not before the disk has it. Raises OSError."""

    @abstractmethod
    def place(self) -> str:
        """Tells this file from a copy of it."""


class FileStore(Store):
    """A file, locked (flock) by whoever reads or writes it: processes and threads take turns.

    `waits`: for the disk, where a line has to be durable; only a demonstration does without.
    """

    waits = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._lock = RLock()
        self._file = -1

    @contextmanager
    def hold(self, *, make: bool = False) -> Iterator[None]:
        with self._lock:
            flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if make else 0)
            self._file = os.open(self.path, flags, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                yield
            finally:
                os.close(self._file)

    def size(self) -> int:
        return os.fstat(self._file).st_size

    def read(self, start: int, end: int) -> bytes:
        return os.pread(self._file, end - start, start)

    def cut(self, size: int) -> None:
        os.ftruncate(self._file, size)

    def add(self, content: bytes, *, durable: bool) -> None:
        is_new = os.lseek(self._file, 0, os.SEEK_END) == 0
        written = 0
        while written < len(content):
            written += os.write(self._file, content[written:])
        if durable and self.waits:
            os.fsync(self._file)
        if is_new:
            self._keep_name()

    def _keep_name(self) -> None:
        """A new file's name is in its folder, which has to reach the disk as well."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def place(self) -> str:
        machine = MACHINE.read_text("ascii").strip() if MACHINE.is_file() else ""
        return sha256(f"{machine}|{os.fstat(self._file).st_ino}".encode()).hexdigest()[:16]


class MemoryStore(Store):
    """For a database that lives in memory and dies with its journal."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._lock = RLock()

    @contextmanager
    def hold(self, *, make: bool = False) -> Iterator[None]:
        with self._lock:
            yield

    def size(self) -> int:
        return len(self._content)

    def read(self, start: int, end: int) -> bytes:
        return bytes(self._content[start:end])

    def cut(self, size: int) -> None:
        del self._content[size:]

    def add(self, content: bytes, *, durable: bool) -> None:
        self._content += content

    def place(self) -> str:
        return "memory"


class Journal:
    """The lines of one store, made and checked with `key`."""

    def __init__(self, store: Store, key: bytes) -> None:
        self.store = store
        self._key = hmac.digest(key, b"side journal", "sha256")
        self._written: tuple[int, bytes, Line] | None = None

    @property
    def name(self) -> str:
        """Where it is, for messages."""
        return self.store.name

    def begin(self, instance: str, epoch: int, *, at: datetime) -> None:
        """Pair with a database: the first line of an empty journal, or a new epoch's."""
        with self._open(make=True):
            last = self._last()
            number, mac = (last.number, last.mac) if last else (0, START)
            line = Line(number + 1, at, instance, epoch, self.store.place(), "epoch", {})
            self._write([self._sealed(line, mac)], durable=True)

    def append(self, facts: Sequence[Fact], *, at: datetime, durable: bool = True) -> None:
        """Write facts of the present epoch. When this returns, the disk has them (`durable`).

        Raises JournalMissing, JournalBroken, JournalUnwritable; then nothing of them is kept.
        """
        with self._open():
            last = self._written_last() or self._last()
            if last is None:
                raise JournalMissing(f"{self.name} is empty; it was never paired with a database.")
            lines: list[Line] = []
            for fact in facts:
                before = lines[-1] if lines else last
                new = replace(
                    before, number=before.number + 1, at=at, kind=fact.kind, told=fact.told
                )
                lines.append(self._sealed(new, before.mac))
            self._write(lines, durable=durable)

    def last(self) -> Line | None:
        """The newest line; None in an empty journal. Raises JournalMissing, JournalBroken."""
        with self._open():
            return self._last()

    def place(self) -> str:
        """Which file this is now: compare it with that of a line."""
        with self._open():
            return self.store.place()

    def tail(self, until: Callable[[Line], bool]) -> list[Line]:
        """The newest lines, oldest first, back to one that fits `until` or to the first."""
        with self._open():
            size, step = self._whole(), BLOCK
            while True:
                start = max(0, size - step)
                found = self._parsed(start, size)
                if start == 0 or any(until(line) for line in found[1:]):
                    return found
                step *= 4

    def lines(self) -> Iterator[Line]:
        """Every line from the first, checked. Raises JournalBroken at the first that is wrong."""
        with self._open():
            content = self.store.read(0, self._whole())
        mac = START
        for number, raw in enumerate(content.splitlines(), start=1):
            line = self._line(raw, mac)
            if line.number != number:
                raise JournalBroken(f"{self.name}, line {number}: a line before it is missing.")
            mac = line.mac
            yield line

    @contextmanager
    def _open(self, *, make: bool = False) -> Iterator[None]:
        try:
            with self.store.hold(make=make):
                yield
        except FileNotFoundError as fault:
            raise JournalMissing(f"There is no side journal at {self.name}.") from fault
        except OSError as fault:
            raise JournalUnwritable(
                f"{self.name}: {fault.strerror}. Every process must be able to read and write it."
            ) from fault

    def _whole(self) -> int:
        """Where the last whole line ends. What stands behind it was torn by a crash while it was
        written: nobody was told that it is kept, so the next writer cuts it off.
        """
        size = self.store.size()
        end = self.store.read(max(0, size - LONGEST), size).rfind(b"\n")
        if end < 0:
            return 0 if size <= LONGEST else size
        return max(0, size - LONGEST) + end + 1

    def _written_last(self) -> Line | None:
        """The last line, if it is the one that was written here last: its MAC stands for all before
        it, which need not be read again for every letter.
        """
        if self._written is None:
            return None
        end, raw, line = self._written
        is_last = self.store.size() == end and self.store.read(end - len(raw), end) == raw
        return line if is_last else None

    def _last(self) -> Line | None:
        size = self._whole()
        found = self._parsed(max(0, size - 2 * LONGEST), size)
        return found[-1] if found else None

    def _parsed(self, start: int, end: int) -> list[Line]:
        """The lines between two places; all but the first of them checked against the one before,
        which the journal's own first line need not be.
        """
        raw = self.store.read(start, end).splitlines()
        if start:
            del raw[0]  # most likely half a line
        found: list[Line] = []
        for one in raw:
            before = found[-1].mac if found else (START if start == 0 else None)
            found.append(self._line(one, before))
        return found

    def _sealed(self, line: Line, before: str) -> Line:
        return replace(line, mac=self._mac(line, before))

    def _mac(self, line: Line, before: str) -> str:
        content = CANONICAL.encode([before, _told(line)]).encode()
        return hmac.digest(self._key, content, "sha256").hex()

    def _line(self, raw: bytes, before: str | None) -> Line:
        try:
            one = json.loads(raw)
            line = Line(
                number=one["n"],
                at=datetime.fromisoformat(one["at"]),
                instance=one["instance"],
                epoch=one["epoch"],
                place=one["place"],
                kind=one["kind"],
                told=one["told"],
                mac=one["mac"],
            )
        except (ValueError, KeyError, TypeError) as fault:
            raise JournalBroken(f"{self.name}: a line cannot be read.") from fault
        if before is not None and not hmac.compare_digest(self._mac(line, before), line.mac):
            raise JournalBroken(
                f"{self.name}, line {line.number}: it was changed, or written with another "
                "REGISTRY_AUDIT_KEY."
            )
        return line

    def _write(self, lines: Sequence[Line], *, durable: bool) -> None:
        raw = [_as_bytes(line) for line in lines]
        content, size = b"".join(raw), self._whole()
        try:
            if self.store.size() > size:
                self.store.cut(size)
            self.store.add(content, durable=durable)
        except OSError as fault:
            with suppress(OSError):
                self.store.cut(size)
            raise JournalUnwritable(
                f"{self.name} cannot be written ({fault.strerror}). Make room, or make it "
                "writable; what waits for it goes on by itself."
            ) from fault
        self._written = (size + len(content), raw[-1], lines[-1])


def _told(line: Line) -> dict[str, Any]:
    return {
        "n": line.number,
        "at": line.at.astimezone(UTC).isoformat(),
        "instance": line.instance,
        "epoch": line.epoch,
        "place": line.place,
        "kind": line.kind,
        "told": line.told,
    }


def _as_bytes(line: Line) -> bytes:
    return CANONICAL.encode({**_told(line), "mac": line.mac}).encode() + b"\n"
