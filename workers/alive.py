"""For health checks: `python -m workers.alive worker` (or beat) ends with 0 while it is well."""

import os
import sys
from datetime import timedelta

from redis import Redis
from sqlalchemy import func, select

from registry.db import reading
from registry.models import Heartbeat
from registry.runtime import make_runtime
from registry.settings import Settings
from workers.hands import BEAT

SILENCE = timedelta(minutes=5)


def worker_is_well(settings: Settings) -> bool:
    """Whether every job ran in the last five minutes, whoever ran it."""
    runtime = make_runtime(settings)
    with reading(runtime) as session:
        jobs = Heartbeat.job != BEAT
        oldest = session.scalar(select(func.min(Heartbeat.last_run_at)).where(jobs))
    is_well = oldest is not None and runtime.clock.now() - oldest < SILENCE
    runtime.close()
    return is_well


def beat_is_well(settings: Settings) -> bool:
    """Whether the broker, all that beat needs, can be reached."""
    return bool(Redis.from_url(settings.broker_url or "", socket_timeout=5).ping())


if __name__ == "__main__":
    check = worker_is_well if sys.argv[1:] == ["worker"] else beat_is_well
    sys.exit(0 if check(Settings.from_env(os.environ)) else 1)
