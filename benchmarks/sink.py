"""A mail server that takes every letter and keeps none, in a process of its own: as fast as plain
sockets allow, so that it is never what is measured.
"""

import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import ended, free_port, wait_until_open

REPLIES = {
    b"EHLO": b"250-sink\r\n250 8BITMIME\r\n",
    b"HELO": b"250 sink\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


class _Session(socketserver.StreamRequestHandler):
    """One connection (RFC 5321)."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            self.wfile.write(REPLIES.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                return
            if verb == b"DATA":
                while self.rfile.readline() not in {b".\r\n", b""}:
                    pass
                self.wfile.write(b"250 taken\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


@contextmanager
def sink() -> Iterator[int]:
    """The port of a sink that runs while the block does."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(port)])
    with ended(process):
        wait_until_open(port, process)
        yield port


if __name__ == "__main__":
    with _Server(("127.0.0.1", int(sys.argv[1])), _Session) as server:
        server.serve_forever()
