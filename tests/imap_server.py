"""A small IMAP server for tests (RFC 3501): one mailbox, as far as a reader of it needs."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import BinaryIO


class ImapServer:
    """INBOX with these messages; `seen` are the UIDs marked as seen. Other folders do not exist."""

    def __init__(self, password: str, messages: dict[int, bytes]) -> None:
        self.password, self.messages = password, dict(messages)
        self.seen: set[int] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        with closing(self._listener):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)  # a client may forget its connection
            with connection, connection.makefile("rwb") as stream, suppress(OSError):
                self._talk(stream)

    def _talk(self, stream: BinaryIO) -> None:
        self._say(stream, b"* OK ready")
        while line := stream.readline().decode().strip():
            tag, _, command = line.partition(" ")
            for answer in self._answers(command):
                self._say(
                    stream, answer if answer.startswith(b"*") else tag.encode() + b" " + answer
                )
            if command.upper() == "LOGOUT":
                return

    def _answers(self, command: str) -> Iterator[bytes]:
        for form, answer in self._known:
            found = re.fullmatch(form, command, re.I)
            if found:
                yield from answer(*found.groups())
                return
        yield b"BAD not known here"

    @property
    def _known(self) -> list[tuple[str, Callable[..., Iterator[bytes]]]]:
        return [
            (r"CAPABILITY", lambda: iter([b"* CAPABILITY IMAP4rev1", b"OK done"])),
            (r'LOGIN \S+ "(.*)"', self._login),
            (r'SELECT "(.*)"', self._select),
            (r"UID SEARCH UNSEEN", self._unseen),
            (r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", self._fetch),
            (r"UID STORE (\d+) \+FLAGS \(\\SEEN\)", self._see),
            (r"LOGOUT", lambda: iter([b"* BYE", b"OK done"])),
        ]

    def _login(self, password: str) -> Iterator[bytes]:
        yield b"OK done" if password == self.password else b"NO [AUTHENTICATIONFAILED] wrong"

    def _select(self, folder: str) -> Iterator[bytes]:
        yield b"* %d EXISTS" % len(self.messages)
        yield b"OK done" if folder == "INBOX" else b"NO no such folder"

    def _unseen(self) -> Iterator[bytes]:
        unseen = sorted(set(self.messages) - self.seen)
        yield b"* SEARCH " + b" ".join(b"%d" % uid for uid in unseen)
        yield b"OK done"

    def _fetch(self, uid: str, most: str) -> Iterator[bytes]:
        part = self.messages[int(uid)][: int(most)]
        yield b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%s)" % (int(uid), len(part), part)
        yield b"OK done"

    def _see(self, uid: str) -> Iterator[bytes]:
        self.seen.add(int(uid))
        yield b"OK done"

    def _say(self, stream: BinaryIO, answer: bytes) -> None:
        stream.write(answer + b"\r\n")
        stream.flush()


@contextmanager
def imap_server(password: str, messages: dict[int, bytes]) -> Iterator[ImapServer]:
    """A server with these messages while the block runs."""
    with closing(ImapServer(password, messages)) as server:
        yield server
