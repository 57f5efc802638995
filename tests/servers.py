"""Private servers for tests: own port, own folder, ended by process id."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg

NOBODY = 65534


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find(program: str) -> str | None:
    """The path of a server program, also where Debian hides PostgreSQL's."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    return str(places[0]) if places else shutil.which(program)


def unprivileged() -> dict[str, Any]:
    """Popen arguments that drop root: PostgreSQL refuses to run as root."""
    return {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}


@contextmanager
def ended(process: "subprocess.Popen[bytes]", patience: float = 10) -> Iterator[None]:
    """End this very process at the end, first politely."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def open_folder(place: Path | None = None) -> Iterator[Path]:
    """A temporary folder that an unprivileged server can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="registry-", dir=place))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgresql(folder: Path, **more: str) -> Iterator[str]:
    """A PostgreSQL server of our own in `folder`; gives the URL without a database name. `more`:
    settings of the server that shall be otherwise than in the tests.
    """
    binary, initdb = find("postgres"), find("initdb")
    assert binary
    assert initdb
    data, port = folder / "data", free_port()
    data.mkdir()
    if os.geteuid() == 0:
        os.chown(data, NOBODY, NOBODY)
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [initdb, "-D", data, "-U", "registry", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        env=env,
        cwd="/",
        **unprivileged(),
    )
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": 200,
        "shared_buffers": "64MB",
        "fsync": "off",  # the tests kill our processes, never the machine
        **more,
    }
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "-D", data, *flags],
            stdout=log,
            stderr=log,
            env=env,
            cwd="/",
            **unprivileged(),
        )
    url = f"postgresql+psycopg://registry@127.0.0.1:{port}"
    with ended(process):
        wait_until_postgresql_answers(port, process)
        yield url


def wait_until_postgresql_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Try to connect until it works; fails if the server has ended."""
    while process.poll() is None:
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, user="registry", dbname="postgres", connect_timeout=1
            ).close()
        except psycopg.OperationalError:
            continue
        return
    raise RuntimeError("PostgreSQL ended before it answered")


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, int]]:
    """A Redis server of our own in `folder`, append-only file on; gives its URL and port."""
    binary, port = find("redis-server"), free_port()
    assert binary
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    flags = {"port": port, "bind": "127.0.0.1", "dir": folder, "appendonly": "yes", "save": ""}
    arguments = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, *arguments], stdout=log, stderr=log, **unprivileged())
    with ended(process):
        wait_until_open(port, process)
        yield f"redis://127.0.0.1:{port}/0", port


def wait_until_open(port: int, process: "subprocess.Popen[bytes]", patience: float = 60) -> None:
    """Try to connect until somebody listens; fails if the process has ended, or after a minute."""
    ends = monotonic() + patience
    while process.poll() is None and monotonic() < ends:
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise RuntimeError(f"nobody listens on port {port}")
