"""serve: the whole registry in one process on SQLite."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing

import click
import waitress
from sqlalchemy import select

from registry import migrate
from registry.actions.protocols import prepare_registry
from registry.app import create_app, create_door, create_embedded
from registry.db import reading, transaction
from registry.errors import SettingsError
from registry.models import Instance, User
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings
from workers.loop import running

THREADS = 8
BY = "registry serve"
FIRST_USER = (
    "Nobody can sign in yet. In another window:\n"
    "  registry site add CODE --name NAME --zone Europe/Berlin\n"
    "  registry user add you@example.org --name NAME --role administrator\n"
    "  registry user add nurse@example.org --name NAME --role nurse --site CODE"
)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def serve(host: str, port: int) -> None:
    """Serve staff pages, API and patient pages and run the jobs, in one process on SQLite."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("registry").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = Settings.from_env(_with_address(os.environ, host, port))
    if not settings.embedded:
        raise SettingsError(
            "REGISTRY_DATABASE_URL: `registry serve` is for SQLite; with PostgreSQL run "
            "`registry web`, `registry door`, `registry worker` and `registry beat`"
        )
    with closing(make_runtime(settings)) as runtime, ExitStack() as stack:
        prepare(runtime)
        both = create_embedded(create_app(runtime), create_door(runtime))
        try:
            server = waitress.create_server(both, host=host, port=port, threads=THREADS, ident=None)
        except OSError as fault:
            raise click.ClickException(f"{host}:{port}: {fault.strerror}; try --port") from fault
        stack.callback(server.close)
        stack.enter_context(running(runtime))
        click.echo(f"Serving on {settings.public_url} (stop with Ctrl-C)", err=True)
        server.run()


def prepare(runtime: Runtime) -> None:
    """The newest schema, the bundled protocol, and what to do first. Refuses a demonstration:
    its clock stands still, so no job would ever come due.
    """
    migrate.to_head(runtime.sessions.engine)
    with transaction(runtime) as session:
        prepare_registry(session, by=BY, at=runtime.clock.now())
    with reading(runtime) as session:
        if session.scalar(select(Instance.demo_now)) is not None:
            raise SettingsError(
                "REGISTRY_DATABASE_URL: this is a demonstration; `registry demo --again` serves it"
            )
        if session.scalar(select(User.id).limit(1)) is None:
            click.echo(FIRST_USER, err=True)


def _with_address(env: Mapping[str, str], host: str, port: int) -> dict[str, str]:
    """Links in letters lead to where this process listens, unless something else was set."""
    names = {"REGISTRY_PUBLIC_URL", "REGISTRY_PUBLIC_URL_FILE"}
    given = {} if names & env.keys() else {"REGISTRY_PUBLIC_URL": f"http://{host}:{port}"}
    return {**env, **given}


COMMANDS: tuple[click.Command, ...] = (serve,)
