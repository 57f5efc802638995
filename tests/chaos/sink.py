"""`python -m chaos.sink PORT FOLDER`: a mail server that keeps every letter before it says so.

A letter is a file: the recipient's address on the first line, then the bytes as they came. The file
gets its name when it is whole, so a kill leaves a whole letter or none. Every reply comes a little
late, as one from afar would: a kill in between leaves the sender uncertain.
"""

import socketserver
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from time import time_ns

LATEST = 0.05  # seconds
REPLIES = {b"EHLO": b"250 sink\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class Sink(socketserver.ThreadingTCPServer):
    """Keeps letters in a folder."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, port: int, folder: Path) -> None:
        self._folder, self._began, self._number = folder, time_ns(), count()
        self._dice, self._never = Random(self._began), Event()
        super().__init__(("127.0.0.1", port), Session)

    def keep(self, recipient: bytes, raw: bytes) -> None:
        """Keep a letter; and take a while."""
        unfinished = self._folder / f"{self._began}-{next(self._number)}.part"
        unfinished.write_bytes(recipient + b"\n" + raw)
        unfinished.rename(unfinished.with_suffix(".eml"))
        self._never.wait(self._dice.uniform(0, LATEST))


class Session(socketserver.StreamRequestHandler):
    """One connection (RFC 5321)."""

    disable_nagle_algorithm = True
    server: Sink

    def handle(self) -> None:
        recipient = b""
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0]
            self.wfile.write(REPLIES.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                return
            if verb == b"DATA":
                lines = []
                while (one := self.rfile.readline()) != b".\r\n":
                    if not one:
                        return
                    lines.append(one.removeprefix(b"."))
                self.server.keep(recipient, b"".join(lines))
                self.wfile.write(b"250 kept\r\n")


def kept(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every letter: the recipient's address, and the bytes."""
    for file in folder.glob("*.eml"):
        recipient, _, raw = file.read_bytes().partition(b"\n")
        yield recipient.decode(), raw


if __name__ == "__main__":
    with Sink(int(sys.argv[1]), Path(sys.argv[2])) as server:
        server.serve_forever()
