"""A thread that runs the jobs: all of the embedded shape, and in every worker the safety net.

With it no beat and no broker is needed for anything to happen; they only make it happen sooner.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import SystemRandom

from registry.mail import Mailer, make_mailer
from registry.runtime import Runtime
from workers.delivery import Stopping, never
from workers.schedule import run_jobs_once
from workers.traces import trace

log = logging.getLogger(__name__)
EVERY = 30.0
JITTER = 0.2  # of the pause: workers that started together drift apart


class Loop:
    """Runs all jobs at once and then every half minute, until it is stopped."""

    def __init__(
        self,
        runtime: Runtime,
        mailer: Callable[[], Mailer] | None = None,
        *,
        every: float = EVERY,
        stopping: Stopping = never,
    ) -> None:
        self._runtime = runtime
        self._mailer = mailer or (lambda: make_mailer(runtime.settings))
        self._every = every
        self._asked = stopping
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="registry-jobs", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, patience: float = 30.0) -> bool:
        """End after the letter in hand; whether it ended within `patience` seconds."""
        self._stop.set()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._is_stopping():
            try:
                with closing(self._mailer()) as mailer:
                    run_jobs_once(self._runtime, mailer, self._is_stopping)
            except Exception as fault:
                log.error("the jobs could not be run: %s", trace(fault))
            spread = SystemRandom().uniform(1 - JITTER, 1 + JITTER)
            self._stop.wait(self._every * spread)

    def _is_stopping(self) -> bool:
        return self._stop.is_set() or self._asked()


@contextmanager
def running(runtime: Runtime, mailer: Callable[[], Mailer] | None = None) -> Iterator[Loop]:
    """The jobs run while the block does."""
    loop = Loop(runtime, mailer)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()
