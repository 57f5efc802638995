"""What runs by itself and how often: read by beat, by the loop, and by `registry tick`."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from registry.actions import heartbeats, once, outreach, reminders, silence
from registry.db import transaction
from registry.errors import DomainError
from registry.mail import Mailer, MailFault
from registry.runtime import Runtime
from registry.settings import Settings
from workers import guards
from workers.delivery import WHO, Stopping, never, send_due
from workers.looking import look_monthly
from workers.reckoning import reckon_nightly
from workers.returns import read_bounces
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


def _send(runtime: Runtime, mailer: Mailer, stopping: Stopping) -> None:
    guards.watch_flood(runtime)
    send_due(runtime, mailer, stopping)


JOBS: tuple[Job, ...] = (
    Job("read_bounces", 60, read_bounces),
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
    Job("watch_silence", 900, _repeated(lambda s, _, at: silence.watch(s, by=WHO, at=at))),
    Job("send_due", 30, _send),
    Job("reckon", 3600, reckon_nightly),
    Job("watch_safety", 3600, look_monthly),
    Job("forget_requests", 3600, _repeated(lambda s, _, at: once.forget(s, by=WHO, at=at))),
)
"""In the order in which one run makes the most of them: what comes due is sent at once."""
BY_NAME = {job.name: job for job in JOBS}


def run_job(job: Job, runtime: Runtime, mailer: Mailer, stopping: Stopping = never) -> str | None:
    """Run one job and keep its heartbeat; gives what stopped it. Never raises."""
    faults = _run([job], runtime, mailer, stopping)
    return faults.get(job.name)


def run_jobs_once(runtime: Runtime, mailer: Mailer, stopping: Stopping = never) -> dict[str, str]:
    """Everything that is due now, once: for the loop, `registry tick`, the demo. Gives the faults
    by job; empty when all went well. One failing job stops no other.
    """
    return _run(JOBS, runtime, mailer, stopping)


def _run(
    jobs: Iterable[Job], runtime: Runtime, mailer: Mailer, stopping: Stopping
) -> dict[str, str]:
    ended: dict[str, str | None] = {}
    wrong = _clock_fault(runtime)
    for job in jobs:
        if not stopping():
            ended[job.name] = wrong or _fault_of(job, runtime, mailer, stopping)
    faults = {name: error for name, error in ended.items() if error is not None}
    try:
        with transaction(runtime) as session:
            at = runtime.clock.now()
            for name, error in ended.items():
                heartbeats.beat(session, error=error, by=name, at=at)
    except Exception as fault:
        log.error("no heartbeat could be kept: %s", trace(fault))
        return {name: faults.get(name) or _told(fault) for name in ended}
    return faults


def _clock_fault(runtime: Runtime) -> str | None:
    """Under a wrong clock nothing runs: windows would close that are still open."""
    try:
        return guards.clock_fault(runtime)
    except Exception as fault:
        log.error("the clock could not be checked: %s", trace(fault))
        return _told(fault)


def _fault_of(job: Job, runtime: Runtime, mailer: Mailer, stopping: Stopping) -> str | None:
    try:
        job.work(runtime, mailer, stopping)
    except Exception as fault:
        log.error("job %s failed: %s", job.name, trace(fault))
        return _told(fault)
    return None


def _told(fault: Exception) -> str:
    """What may be kept of a fault: other messages than our own could quote a patient's data."""
    kind = type(fault).__name__
    return f"{kind}: {fault}"[:500] if isinstance(fault, MailFault | DomainError) else kind
