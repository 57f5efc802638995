"""What runs by itself and how often: read by beat, by the loop, and by `registry tick`."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from registry.actions import heartbeats, outreach, reminders
from registry.db import transaction
from registry.errors import DomainError
from registry.mail import Mailer, MailFault
from registry.runtime import Runtime
from registry.settings import Settings
from workers.delivery import WHO, Stopping, never, send_due
from workers.traces import trace

log = logging.getLogger(__name__)
Work = Callable[[Runtime, Mailer, Stopping], None]
Step = Callable[[Session, Settings, datetime], int]


@dataclass(frozen=True)
class Job:
    """A job by name, how often it runs (seconds), and what it does: everything due now."""

    name: str
    every: float
    work: Work


def _repeated(step: Step) -> Work:
    """An action, a transaction each time, until it finds nothing more."""

    def work(runtime: Runtime, _mailer: Mailer, stopping: Stopping) -> None:
        while not stopping():
            with transaction(runtime) as session:
                if not step(session, runtime.settings, runtime.clock.now()):
                    return

    return work


JOBS: tuple[Job, ...] = (
    Job(
        "close_windows",
        60,
        _repeated(lambda s, _, at: outreach.close_windows(s, by=WHO, at=at)),
    ),
    Job(
        "queue_due",
        30,
        _repeated(lambda s, its, at: outreach.queue_due(s, settings=its, by=WHO, at=at)),
    ),
    Job(
        "new_links",
        30,
        _repeated(lambda s, its, at: outreach.new_links(s, settings=its, by=WHO, at=at)),
    ),
    Job(
        "remind_due",
        60,
        _repeated(lambda s, its, at: reminders.remind_due(s, settings=its, by=WHO, at=at)),
    ),
    Job("send_due", 30, send_due),
)
"""In the order in which one run makes the most of them: what comes due is sent at once."""
BY_NAME = {job.name: job for job in JOBS}


def run_job(job: Job, runtime: Runtime, mailer: Mailer, stopping: Stopping = never) -> str | None:
    """Run one job and keep its heartbeat; gives what stopped it. Never raises: one failing job
    stops no other.
    """
    error = None
    try:
        job.work(runtime, mailer, stopping)
    except Exception as fault:
        log.error("job %s failed: %s", job.name, trace(fault))
        error = _told(fault)
    try:
        with transaction(runtime) as session:
            heartbeats.beat(session, error=error, by=job.name, at=runtime.clock.now())
    except Exception as fault:
        log.error("job %s could not keep its heartbeat: %s", job.name, trace(fault))
        error = error or _told(fault)
    return error


def _told(fault: Exception) -> str:
    """What may be kept of a fault: other messages than our own could quote a patient's data."""
    kind = type(fault).__name__
    return f"{kind}: {fault}"[:500] if isinstance(fault, MailFault | DomainError) else kind


def run_jobs_once(runtime: Runtime, mailer: Mailer, stopping: Stopping = never) -> dict[str, str]:
    """Everything that is due now, once: for the loop, `registry tick`, the demo. Gives the faults
    by job; empty when all went well.
    """
    faults: dict[str, str] = {}
    for job in JOBS:
        if stopping():
            break
        error = run_job(job, runtime, mailer, stopping)
        if error is not None:
            faults[job.name] = error
    return faults
