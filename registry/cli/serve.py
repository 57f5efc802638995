"""serve: the embedded shape, everything in one process on SQLite."""

import logging

import click
import waitress
from sqlalchemy import select

from registry import migrate
from registry.actions.protocols import prepare_registry
from registry.app import create_app, create_door, create_embedded
from registry.cli.common import runtime_from_env
from registry.db import reading, transaction
from registry.errors import SettingsError
from registry.models import User
from registry.runtime import Runtime
from workers.loop import running

THREADS = 8


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def serve(host: str, port: int) -> None:
    """Serve staff pages, API and patient door, and run the jobs, in this one process (SQLite)."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    with runtime_from_env() as runtime:
        _prepare(runtime)
        both = create_embedded(create_app(runtime), create_door(runtime))
        with running(runtime):
            click.echo(f"Serving on http://{host}:{port}. Stop with Ctrl-C.", err=True)
            waitress.serve(both, host=host, port=port, threads=THREADS, _quiet=True)


def _prepare(runtime: Runtime) -> None:
    if not runtime.settings.embedded:
        raise SettingsError(
            "REGISTRY_DATABASE_URL: `registry serve` is for SQLite; with PostgreSQL start "
            "`registry web`, `registry door`, `registry worker` and `registry beat`"
        )
    migrate.to_head(runtime.sessions.engine)
    with transaction(runtime) as session:
        prepare_registry(session, by="registry serve", at=runtime.clock.now())
    with reading(runtime) as session:
        nobody = session.scalar(select(User.id).limit(1)) is None
    if nobody:
        click.echo(
            "There is no account yet. In another terminal: registry user add YOU@EXAMPLE.ORG "
            '--name "Your Name" --role administrator',
            err=True,
        )


COMMANDS: tuple[click.Command, ...] = (serve,)
