"""Workers and beats: the product's own jobs and loop, begun again after every death."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from registry.runtime import Runtime
from simulation.broker import Broker
from simulation.hub import Hub, Process
from simulation.ledger import LastCommit
from simulation.post import PostOffice, WorkerMailer
from workers.delivery import never
from workers.schedule import BY_NAME, JOBS, run_job, run_jobs_once


@dataclass
class Shift:
    """All that a worker works with."""

    hub: Hub
    runtime: Runtime
    broker: Broker
    office: PostOffice

    def hire(self, name: str, task: Callable[["Shift", Process], None], after: float) -> Process:
        """A process of a worker or beat that does one task and may be killed over it."""
        process = self.hub.spawn(name, lambda: task(self, process), after)
        process.is_mortal = True
        process.skew = timedelta(days=SKEWS.get(name, 0))
        process.last = LastCommit(self.hub.count, self.hub.now)
        return process

    def failed(self, job: str, why: str) -> None:
        """What stopped a job, as its heartbeat tells."""
        self.hub.tell(f"{job}: {why}")
        self.office.ledger.faults.append(f"{job}: {why}")

    def mailer(self, process: Process) -> WorkerMailer:
        """A connection of this worker's own."""
        assert process.last is not None
        return WorkerMailer(self.office, process, process.last)


SKEWS = {"worker 2": 1.0, "worker 3": -1.0}
"""Days by which the clocks of the workers' machines are wrong."""


def loop(shift: Shift, process: Process) -> None:
    """One round of the thread that every worker runs."""
    faults = run_jobs_once(shift.runtime, shift.mailer(process), never)
    for job, why in faults.items():
        shift.failed(job, why)


def hinted(shift: Shift, process: Process) -> None:
    """Hints, as long as there are some."""
    for _ in range(4):
        job = shift.broker.take()
        if job is None:
            return
        fault = run_job(BY_NAME[job], shift.runtime, shift.mailer(process), never)
        if fault:
            shift.failed(job, fault)
        shift.broker.acknowledge(job)


def beat(shift: Shift, process: Process) -> None:
    """What beat says when some of its intervals are over at once."""
    for job in shift.hub.dice.sample(JOBS, 3):
        shift.broker.publish(job.name)
