"""What a worker process works with: made on first use, and anew in every forked process."""

import os
from collections.abc import Callable
from contextlib import closing, suppress

from registry.actions import heartbeats
from registry.db import transaction
from registry.mail import Mailer, make_mailer
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings
from workers.schedule import BY_NAME, run_job
from workers.stopping import is_stopping

BEAT = "beat"


class Hands:
    """The runtime of this process, and the jobs done with it."""

    def __init__(self) -> None:
        self._runtime: Runtime | None = None
        self._mailer: Callable[[Settings], Mailer] = make_mailer

    def take_up(self, runtime: Runtime, mailer: Callable[[Settings], Mailer] = make_mailer) -> None:
        """Work with this runtime from now on: where the process has one already."""
        self._runtime, self._mailer = runtime, mailer

    def renew(self) -> None:
        """After a fork: let go of the parent's connections without closing them for the parent."""
        if self._runtime is not None:
            self._runtime.sessions.engine.dispose(close=False)
            self._runtime = None

    @property
    def runtime(self) -> Runtime:
        """The runtime, made from the environment if nobody gave one."""
        if self._runtime is None:
            self._runtime = make_runtime(Settings.from_env(os.environ))
        return self._runtime

    def run(self, name: str) -> None:
        """Do one job by its name, as the beat asked."""
        if self.runtime.settings.broker_url:
            with suppress(Exception), transaction(self.runtime) as session:
                # the beat has no database: its hints show that it lives
                heartbeats.beat(session, error=None, by=BEAT, at=self.runtime.clock.now())
        with closing(self._mailer(self.runtime.settings)) as mailer:
            run_job(BY_NAME[name], self.runtime, mailer, is_stopping)


hands = Hands()
