"""tick, worker, beat: what runs by itself."""

import os
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import click

from registry.actions import demo_clock
from registry.cli.common import runtime_from_env
from registry.clock import FixedClock
from registry.db import transaction
from registry.errors import SettingsError
from registry.mail import make_mailer
from registry.settings import Settings
from workers.schedule import run_jobs_once


class Instant(click.ParamType[datetime]):
    """An ISO instant; without a zone it is UTC, and a date alone means its noon."""

    name = "ISO-INSTANT"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not like 2026-01-31 or 2026-01-31T09:00:00+01:00", param, ctx)
        if "T" not in value and " " not in value:
            instant = datetime.combine(instant.date(), time(12))
        try:
            return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
        except OverflowError:
            self.fail(f"{value!r} is too far away", param, ctx)


@click.command("tick")
@click.option("--at", type=Instant(), help="move the clock there first (demo database only)")
def tick(at: datetime | None) -> None:
    """Run everything that is due, once; exit 1 if a job failed."""
    with runtime_from_env() as runtime:
        if at is not None:
            with transaction(runtime) as session:
                demo_clock.move(session, by="tick", at=at)
            runtime = replace(runtime, clock=FixedClock(at))
        with closing(make_mailer(runtime.settings)) as mailer:
            faults = run_jobs_once(runtime, mailer)
    for job, fault in faults.items():
        click.echo(f"{job}: {fault}", err=True)
    sys.exit(1 if faults else 0)


@click.command("worker")
@click.option("--concurrency", default=2, show_default=True, help="processes that send")
def worker(concurrency: int) -> None:
    """Run the background jobs (production)."""
    app, settings = _celery()
    make_mailer(settings).close()  # refuse unusable settings now, not at the first letter
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", "--loglevel=INFO", f"--concurrency={concurrency}", *quiet])


@click.command("beat")
def beat() -> None:
    """Remind the workers of their jobs (production); two at once do no harm."""
    app, _ = _celery()
    app.Beat(loglevel="INFO", quiet=True).run()


def _celery() -> tuple[Any, Settings]:
    from workers.app import make_app  # no other command needs Celery, which is slow to load

    settings = Settings.from_env(os.environ)
    if not settings.broker_url:
        raise SettingsError(
            "REGISTRY_BROKER_URL: required for worker and beat; "
            "without a broker `registry serve` runs the jobs itself"
        )
    return make_app(settings), settings


COMMANDS: tuple[click.Command, ...] = (tick, worker, beat)
