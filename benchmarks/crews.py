"""Two workers against one: processes that send what is due in one database, begun at one moment."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import Store, environment, opened
from benchmarks.sending import enrol_due, queue
from benchmarks.sink import sink
from registry.mail import make_mailer
from registry.runtime import make_runtime
from registry.settings import Settings
from tests.servers import ended
from workers.delivery import send_due

LETTERS = 400
Worker = subprocess.Popen[str]


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    with sink() as port:
        for store in plan.stores:
            say(f"workers on {store.name}")
            rounds = _rounds(store, plan.rounds, port)[1:]  # the first warms everything up
            yield Result(
                f"letters sent by two workers, {store.name}",
                "letters",
                LETTERS,
                [two for _, two in rounds],
                {"one worker": [one for one, _ in rounds]},
                ["to reach for: 1.7 times"],
            )


def _rounds(store: Store, number: int, port: int) -> list[tuple[float, float]]:
    url = store.fresh()
    enrol_due(url, 2 * LETTERS * (number + 1))
    with ExitStack() as stack:
        crew = [stack.enter_context(_worker(url, port)) for _ in range(2)]
        return [(_sent_by(crew[:1], url), _sent_by(crew, url)) for _ in range(number + 1)]


@contextmanager
def _worker(url: str, port: int) -> Iterator[Worker]:
    told = environment(url) | {"REGISTRY_SMTP_URL": f"smtp://127.0.0.1:{port}"}
    command = [sys.executable, "-m", "benchmarks.crews"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=told, text=True, bufsize=1, stdin=pipe, stdout=pipe)
    with ended(process):
        yield process


def _sent_by(crew: Sequence[Worker], url: str) -> float:
    with opened(url) as runtime:
        queue(runtime, LETTERS)
    return seconds(lambda: _let_work(crew))


def _let_work(crew: Sequence[Worker]) -> None:
    for worker in crew:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
    for worker in crew:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "done\n", "a worker ended"


def _work() -> None:
    """A worker process: sends what is due each time that it is told to."""
    runtime = make_runtime(Settings.from_env(os.environ))
    with closing(make_mailer(runtime.settings)) as mailer:
        for _ in sys.stdin:
            send_due(runtime, mailer)
            print("done", flush=True)


if __name__ == "__main__":
    _work()
