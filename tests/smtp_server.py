"""An SMTP server for tests that does what it is told, also the worst."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import BinaryIO

HANG_UP = ""  # instead of a reply: close the connection
HANG = "(nothing)"  # instead of a reply: say nothing until the server is closed
USUAL = {"DATA": "354 go on", "QUIT": "221 bye", "EHLO": "250 hello"}


class HungUp(Exception):
    """The script closes the connection here."""


class ScriptedServer:
    """An SMTP server whose replies are a script: verb to replies, the last one for good.

    "connect" stands for the greeting, "body" for the message's first line, "dot" for its end. A
    reply that begins with "after 0.5: " comes that many seconds late; after STARTTLS it speaks no
    TLS. `letters` are those it took, dots undone; `connections` how often it was called.
    """

    def __init__(self, **script: list[str]) -> None:
        self.script = {verb: list(replies) for verb, replies in script.items()}
        self.letters: list[tuple[str, bytes]] = []
        self.connections = 0
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """For REGISTRY_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Answer no more."""
        self._closing.set()
        with closing(self._listener):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rwb") as stream, suppress(OSError, HungUp):
                self._talk(stream)

    def _talk(self, stream: BinaryIO) -> None:
        recipient = ""
        self._say(stream, "connect", "220 ready")
        while line := stream.readline():
            verb = line[:4].decode().upper().strip()
            if verb == "RCPT":
                recipient = line.decode().split("<")[1].split(">")[0]
            reply = self._say(stream, verb, USUAL.get(verb, "250 ok"))
            if reply.startswith("354"):
                self._take(stream, recipient)
            if verb == "QUIT":
                return

    def _take(self, stream: BinaryIO, recipient: str) -> None:
        lines = []
        if self.script.get("body") == [HANG_UP]:
            stream.readline()
            raise HungUp
        while (line := stream.readline()) != b".\r\n":
            if not line:
                raise HungUp
            lines.append(line.removeprefix(b"."))
        # a server that hangs up at the end has taken the letter all the same
        verdict = self.script.get("dot", ["250"])[0]
        if verdict in {HANG, HANG_UP} or "250" in verdict.partition(":")[2] or verdict[:1] == "2":
            self.letters.append((recipient, b"".join(lines)))
        self._say(stream, "dot", "250 2.0.0 taken")

    def _say(self, stream: BinaryIO, verb: str, usual: str) -> str:
        replies = self.script.get(verb, [usual])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply == HANG:
            self._closing.wait()
        if reply in {HANG, HANG_UP}:
            raise HungUp
        if reply.startswith("after "):
            seconds, _, reply = reply.removeprefix("after ").partition(": ")
            self._closing.wait(float(seconds))
        stream.write(f"{reply}\r\n".encode())
        stream.flush()
        return reply


@contextmanager
def scripted_server(**script: list[str]) -> Iterator[ScriptedServer]:
    """A server with that script while the block runs."""
    with closing(ScriptedServer(**script)) as server:
        yield server
