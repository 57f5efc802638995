"""`registry serve`: the whole registry in one process, from nothing, and the first people in it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from servers import free_port, wait_until_open

REGISTRY = Path(sys.executable).with_name("registry")


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `registry` in that folder."""
    return subprocess.run(
        [str(REGISTRY), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The server as a process, until it was asked to stop."""
    with (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [str(REGISTRY), "serve", "--port", str(port)], cwd=folder, stderr=err
        )
        try:
            wait_until_open(port, process)
            yield process
        finally:
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(60) == 0


def status(port: int, path: str) -> int:
    """What a GET is answered with."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def test_from_an_empty_folder_to_a_first_password(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port):
        assert status(port, "/readyz") == 200
        assert status(port, "/sign-in") == 200
        assert status(port, "/s/no-such-link") == 404
        added = command(tmp_path, "site", "add", "A", "--name", "Harbour", "--zone", "Europe/Paris")
        assert added.returncode == 0, added.stderr
        who = ["nora@example.org", "--name", "Nora", "--role", "nurse", "--site", "A"]
        made = command(tmp_path, "user", "add", *who)
        link = re.search(r"/reset/\S+", made.stdout)
        assert link, made.stderr
        assert status(port, link[0]) == 200
        again = command(tmp_path, "user", "add", *who)
        assert (again.returncode, again.stdout) == (1, "")
        assert command(tmp_path, "user", "reset", "nora@example.org").returncode == 0
        assert status(port, link[0]) == 404
        assert command(tmp_path, "user", "disable", "nora@example.org").returncode == 0
    assert "Nobody can sign in yet" in (tmp_path / "err").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("user", "add", "x", "--name", "X", "--role", "nurse"), 2, "email is not an e-mail"),
        (("user", "add", "x@example.org", "--name", "X", "--role", "chef"), 2, "chef"),
        (("site", "add", "B", "--name", "B", "--zone", "Mars/Base"), 2, "zone is not a time zone"),
        (("user", "reset", "x@example.org"), 1, "There is no account"),
        (
            ("user", "add", "x@example.org", "--name", "X", "--role", "nurse", "--site", "Q"),
            1,
            "There is no site Q",
        ),
    ],
)
def test_wrong_use_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert command(tmp_path, "migrate").returncode == 0
    done = command(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
