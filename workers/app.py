"""The Celery app. It carries hints, never facts: whatever is lost here, the loop finds again."""

import os
import threading
from typing import Any

from celery import Celery, bootsteps, signals
from kombu.transport.redis import Channel

from registry.settings import Settings
from workers.hands import hands
from workers.loop import Loop
from workers.schedule import JOBS
from workers.stopping import is_stopping, start, stop

TIME_LIMIT = 1700  # seconds; a run of the sending ends long before
GRACE = 10.0  # seconds for the letters in hand, once Celery has given up
# Redis keeps no account of the hints in hand: they may be lost like those that wait. Kombu 5.7
# trips over giving back or acknowledging one to a broker that is gone, and takes the worker along.
NO_ACCOUNT = {"ack_emulation": False}
Channel.do_restore = False


def make_app(settings: Settings) -> Celery:
    """The app for these settings; without a broker its tasks run at once where they are called."""
    app = Celery("registry", broker=settings.broker_url or "memory://", include=["workers.tasks"])
    app.conf.update(
        task_always_eager=not settings.broker_url,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_time_limit=TIME_LIMIT,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=NO_ACCOUNT,
        beat_scheduler="celery.beat:Scheduler",  # keeps no file: the schedule is intervals only
        beat_schedule={job.name: _entry(job.name, job.every) for job in JOBS},
    )
    app.steps["worker"].add(JobsStep)
    return app


def _entry(name: str, every: float) -> dict[str, Any]:
    # a hint that waited longer than two pauses has been overtaken by others
    return {"task": name, "schedule": every, "options": {"expires": 2 * every}}


class JobsStep(bootsteps.StartStopStep):
    """The loop in the worker's own process: begun after the pool was forked, and before the broker
    is looked for, which may be down.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.loop: Loop | None = None

    def start(self, parent: Any) -> None:
        start()
        self.loop = Loop(hands.runtime, stopping=is_stopping)
        self.loop.start()

    def stop(self, parent: Any) -> None:
        stop()
        if self.loop is not None:
            self.loop.stop()
        if parent.exitcode:
            # Celery gave up (kombu 5.7 does when Redis dies at a bad moment), and its way out may
            # never come to an end: who is left without a loop must be started anew
            ending = threading.Timer(GRACE, os._exit, [parent.exitcode])
            ending.daemon = True
            ending.start()


@signals.worker_process_init.connect
def _after_fork(**_: object) -> None:
    hands.renew()


@signals.worker_shutting_down.connect
def _stop(**_: object) -> None:
    stop()
