"""The production shape on private servers: each of its processes a victim."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import REGISTRY, environment, migrate
from servers import (
    Program,
    free_port,
    is_open,
    open_folder,
    postgresql_answers,
    postgresql_program,
    postgresql_url,
    redis_program,
    redis_url,
)

from chaos.victims import Victim, says
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings

# the usual fsync of each file after a crash takes many seconds on a busy disk
DURABLE = {"fsync": "on", "recovery_init_sync_method": "syncfs"}
TESTS = Path(__file__).parents[1]
COMMANDS = {
    "beat 1": ("beat",),
    "beat 2": ("beat",),
    "worker 1": ("worker", "--concurrency", "2"),
    "worker 2": ("worker", "--concurrency", "2"),
}
SIGNS = {"beat": b"Starting", "worker": b"ready."}


@dataclass(frozen=True)
class Shape:
    """All that runs, how we look at it ourselves, and where the letters come."""

    victims: Sequence[Victim]
    runtime: Runtime
    database: str
    letters: Path


@contextmanager
def shape() -> Iterator[Shape]:
    """Servers, two beats and two workers; all are killed at the end, by process id."""
    with ExitStack() as stack:
        home, cluster, queue = (stack.enter_context(open_folder()) for _ in range(3))
        logs, letters = home / "logs", home / "letters"
        logs.mkdir()
        letters.mkdir()
        victims: list[Victim] = []
        stack.callback(_destroy, victims)
        ports = {name: free_port() for name in ("postgresql", "redis", "sink")}
        server = postgresql_url(ports["postgresql"])
        env = environment(
            home, server=server, broker=redis_url(ports["redis"]), mail_port=ports["sink"]
        )
        postgresql = postgresql_program(cluster, ports["postgresql"], **DURABLE)
        victims.append(
            Victim(
                "postgresql", postgresql, logs, lambda _: postgresql_answers(ports["postgresql"])
            )
        )
        redis = redis_program(queue, ports["redis"])
        victims.append(Victim("redis", redis, logs, lambda _: is_open(ports["redis"])))
        sink = _sink(ports["sink"], letters, env)
        victims.append(Victim("sink", sink, logs, lambda _: is_open(ports["sink"])))
        while not victims[0].is_at_work():
            victims[0].mind()
        migrate(env)
        for name, command in COMMANDS.items():
            program = Program([REGISTRY, *command], env, home)
            victims.append(Victim(name, program, logs, says(SIGNS[command[0]])))
        runtime = make_runtime(Settings.from_env(env))
        stack.callback(runtime.close)
        yield Shape(victims, runtime, server.replace("+psycopg", "") + "/postgres", letters)


def _sink(port: int, letters: Path, env: Mapping[str, str]) -> Program:
    command = [sys.executable, "-m", "chaos.sink", port, letters]
    return Program(command, {"PATH": env["PATH"], "PYTHONPATH": str(TESTS)})


def _destroy(victims: Sequence[Victim]) -> None:
    for one in reversed(victims):
        one.destroy()
