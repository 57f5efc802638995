"""Private servers for tests: own port, own folder, ended by process id."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
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
    """The path of a server program, also where Debian hides PostgreSQL's and Dovecot's."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    everywhere = f"{os.environ['PATH']}:/usr/sbin"
    return str(places[0]) if places else shutil.which(program, path=everywhere)


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


@dataclass(frozen=True)
class Program:
    """How a process is started, so that it can be started again just so."""

    command: Sequence[object]
    env: Mapping[str, str]
    folder: Path = Path("/")
    rights: Mapping[str, Any] = field(default_factory=dict)

    def start(self, log: Path) -> "subprocess.Popen[bytes]":
        """A process in a session of its own, so that Ctrl-C reaches only who started it."""
        with log.open("ab") as target:
            return subprocess.Popen(
                [str(part) for part in self.command],
                stdout=target,
                stderr=target,
                env=dict(self.env),
                cwd=self.folder,
                start_new_session=True,
                **self.rights,
            )


def postgresql_program(folder: Path, port: int, **more: str) -> Program:
    """A PostgreSQL server with new, empty data in `folder`, ready to be started. `more`: settings
    of the server that shall be otherwise than in the tests.
    """
    binary, initdb = find("postgres"), find("initdb")
    assert binary
    assert initdb
    data = folder / "data"
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
    return Program([binary, "-D", data, *flags], env, rights=unprivileged())


@contextmanager
def postgresql(folder: Path, **more: str) -> Iterator[str]:
    """A PostgreSQL server of our own in `folder`; gives the URL without a database name."""
    port = free_port()
    process = postgresql_program(folder, port, **more).start(folder / "log")
    with ended(process):
        wait_until_postgresql_answers(port, process)
        yield postgresql_url(port)


def postgresql_url(port: int) -> str:
    """The URL of such a server, without a database name."""
    return f"postgresql+psycopg://registry@127.0.0.1:{port}"


def wait_until_postgresql_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Try to connect until it works; fails if the server has ended."""
    while process.poll() is None:
        if postgresql_answers(port):
            return
    raise RuntimeError("PostgreSQL ended before it answered")


def postgresql_answers(port: int) -> bool:
    """Whether it lets us in now."""
    try:
        psycopg.connect(
            host="127.0.0.1", port=port, user="registry", dbname="postgres", connect_timeout=1
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_program(folder: Path, port: int) -> Program:
    """A Redis server that keeps an append-only file in `folder`, ready to be started."""
    binary = find("redis-server")
    assert binary
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    flags = {"port": port, "bind": "127.0.0.1", "dir": folder, "appendonly": "yes", "save": ""}
    arguments = [part for name, value in flags.items() for part in (f"--{name}", value)]
    return Program([binary, *arguments], dict(os.environ), rights=unprivileged())


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, int]]:
    """A Redis server of our own in `folder`; gives its URL and port."""
    port = free_port()
    process = redis_program(folder, port).start(folder / "log")
    with ended(process):
        wait_until_open(port, process)
        yield redis_url(port), port


def redis_url(port: int) -> str:
    """The URL of such a server."""
    return f"redis://127.0.0.1:{port}/0"


def wait_until_open(port: int, process: "subprocess.Popen[bytes]", patience: float = 60) -> None:
    """Try to connect until somebody listens; fails if the process has ended, or after a minute."""
    ends = monotonic() + patience
    while process.poll() is None and monotonic() < ends:
        if is_open(port):
            return
    raise RuntimeError(f"nobody listens on port {port}")


def is_open(port: int) -> bool:
    """Whether somebody listens there now."""
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
