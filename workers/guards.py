"""Looked at before the jobs run: whether the clock can be trusted, and whether a flood waits."""

import logging

from registry.actions import guards
from registry.clock import SystemClock
from registry.db import transaction
from registry.runtime import Runtime

log = logging.getLogger(__name__)
WHO = "worker"


def clock_fault(runtime: Runtime) -> str | None:
    """Why nothing may run now: the machine's own clock was moved. None where all is well, and
    where the database's clock counts.
    """
    clock = runtime.clock
    if not isinstance(clock, SystemClock):
        return None
    with transaction(runtime) as session:
        fault = guards.watch_clock(session, clock, by=WHO, at=clock.now())
    if fault is not None:
        log.error("nothing is sent: %s", fault)
    return fault


def watch_flood(runtime: Runtime) -> None:
    """Hold all letters if too many are about to go at once; drills and load tests are spared."""
    if runtime.settings.send_window == "always":
        return
    with transaction(runtime) as session:
        if guards.watch_flood(session, by=WHO, at=runtime.clock.now()):
            log.error("letters are held: more than usual would go within the hour")
