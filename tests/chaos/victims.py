"""What is killed: a process that is started again just so, as a supervisor would."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from servers import Program

Process = subprocess.Popen[bytes]


class Victim:
    """One process with its children. Every start has a log of its own in `logs`."""

    def __init__(
        self, name: str, program: Program, logs: Path, is_up: Callable[["Victim"], bool]
    ) -> None:
        self.name, self.kind = name, name.rstrip(" 12")
        self._program, self._logs, self._is_up = program, logs, is_up
        self.starts = 0
        self.process = self.start()

    def start(self) -> Process:
        """Start it, or start it again."""
        with undisturbed():
            self.starts += 1
            self.process = self._program.start(self.log)
        return self.process

    def another(self, name: str) -> "Victim":
        """One more of the same."""
        return Victim(name, self._program, self._logs, self._is_up)

    @property
    def log(self) -> Path:
        """What it has written since it was started last."""
        return self._logs / f"{self.name} {self.starts}.log"

    def is_at_work(self) -> bool:
        """Whether it runs and has said, or shown, that it is ready."""
        return self.process.poll() is None and self._is_up(self)

    def mind(self) -> None:
        """Start it again if it has ended."""
        if self.process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """SIGKILL to it and to all its children, and start it again."""
        self.destroy()
        self.start()

    def destroy(self) -> None:
        """SIGKILL to it and to all its children."""
        family = list(children(self.process.pid))
        self.process.kill()
        for pid in family:
            slay(pid)
        # children that were forked meanwhile; those of PostgreSQL have left the group
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block: what was started is then also known."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda which, _: came.append(which))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def children(pid: int) -> Iterator[int]:
    """The children of a process, and theirs."""
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, tasks.read_text().split()):
                yield child
                yield from children(child)


def slay(pid: int) -> None:
    """SIGKILL to that very process."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def says(word: bytes) -> Callable[[Victim], bool]:
    """A sign of being up: a word in the log."""
    return lambda victim: word in victim.log.read_bytes()
