"""A demonstration that was lived, served: staff pages, door and mailbox, with a clock to move."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import waitress

from registry.actions import accounts, demo_clock
from registry.app import create_app, create_door, create_embedded
from registry.db import transaction
from registry.demo.door import HOST, NotServed
from registry.demo.world import AFTERNOON, BY
from registry.mail import make_mailer
from registry.runtime import Runtime
from workers.loop import running
from workers.schedule import run_jobs_once

THREADS = 8
QUARTERS = (18, 12, 6, 0)  # hours: some of them lies in the sending hours of every time zone
_one_at_a_time = threading.Lock()


def advance(runtime: Runtime, span: timedelta) -> None:
    """Move the clock of a demonstration day by day, and do on each day what is due on it.

    Whoever is signed in stays so.
    """
    with _one_at_a_time:
        before = runtime.clock.now()
        last = before.date() + span
        day = before.date()
        while day < last:
            day += timedelta(days=1)
            for hours in QUARTERS:
                instant = datetime.combine(day, AFTERNOON, UTC) - timedelta(hours=hours)
                if instant > before:
                    _live(runtime, instant)
        with transaction(runtime) as session:
            now = runtime.clock.now()
            accounts.move_sessions(session, now - before, by=BY, at=now)


def _live(runtime: Runtime, at: datetime) -> None:
    with transaction(runtime) as session:
        demo_clock.move(session, by=BY, at=at)
    with closing(make_mailer(runtime.settings)) as mailer:
        run_jobs_once(runtime, mailer)


def serve(runtime: Runtime, port: int, ready: Callable[[], None]) -> None:
    """Serve until somebody stops it; `ready` is called once the port is open."""
    staff = create_app(runtime, advance=lambda span: advance(runtime, span))
    both = create_embedded(staff, create_door(runtime))
    try:
        server = waitress.create_server(both, host=HOST, port=port, threads=THREADS, ident=None)
    except OSError as fault:
        raise NotServed(f"{HOST}:{port}: {fault.strerror}") from fault
    with closing(server), running(runtime):
        ready()
        server.run()
