"""The patient door in processes of its own, as in production: `registry door` at a local port."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from registry.errors import DomainError

HOST = "127.0.0.1"
COMMAND = "from registry.cli import main; main()"
HURRY = "--config python:registry.demo.hurry"
PATIENCE_SECONDS, PAUSE_SECONDS = 60.0, 0.05


class NotServed(DomainError):
    """The door did not open."""


def free_port(wanted: int) -> int:
    """That port if nobody uses it; 0: any free one. Raises NotServed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise NotServed(f"Port {wanted} is taken. Choose another one: --port") from error
        return int(probe.getsockname()[1])


@contextmanager
def open_doors(
    env: Mapping[str, str], port: int, processes: int, folder: Path
) -> Iterator[list[int]]:
    """The door answers at the port, and at as many more, while the block runs: one process each,
    as behind a balancer. (Processes that share a port leave it to chance who takes a connection;
    one often takes all.) Yields their ports. Raises NotServed.
    """
    ports = [port, *(free_port(0) for _ in range(processes - 1))]
    with ExitStack() as doors:
        for number, each in enumerate(ports, start=1):
            doors.enter_context(_open_door(env, each, folder / f"door-{number}.log"))
        yield ports


@contextmanager
def _open_door(env: Mapping[str, str], port: int, log: Path) -> Iterator[None]:
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
    with log.open("wb") as output:
        door = subprocess.Popen(
            [
                *(sys.executable, "-c", COMMAND, "door"),
                *("--host", HOST, "--port", str(port), "--concurrency", "1"),
            ],
            env=surroundings | dict(env) | {"GUNICORN_CMD_ARGS": HURRY},
            stdout=output,
            stderr=output,
        )
        try:
            _wait(door, port, log)
            yield
        finally:
            door.terminate()
            door.wait(PATIENCE_SECONDS)


def _wait(door: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / PAUSE_SECONDS)):
        if door.poll() is not None:
            break
        if _answers(port):
            return
        pause.wait(PAUSE_SECONDS)
    raise NotServed(f"The patient door did not open; {log} says why.")


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
