"""migrate, audit verify, backup: keeping the registry whole."""

import sys

import click

from registry import audit, migrate
from registry.actions.protocols import prepare_registry
from registry.cli.common import runtime_from_env
from registry.db import reading, transaction


@click.command("migrate")
def migrate_() -> None:
    """Bring the database to the schema of this software; an empty one gets the bundled protocol."""
    with runtime_from_env() as runtime:
        migrate.to_head(runtime.sessions.engine)
        with transaction(runtime) as session:
            prepare_registry(session, by="registry migrate", at=runtime.clock.now())
        click.echo("The database is at the newest schema.", err=True)


@click.group("audit")
def audit_() -> None:
    """The audit trail."""


@audit_.command("verify")
@click.option("--patient", help="only this patient's chain (study number)")
def verify(patient: str | None) -> None:
    """Walk every chain from start to head; exit 1 at the first broken link."""
    with runtime_from_env() as runtime, reading(runtime) as session:
        verdict = audit.verify(session, patient)
    click.echo(f"{verdict.events} events in {verdict.chains} chains hold.")
    if verdict.broken:
        click.echo(f"BROKEN: {verdict.broken}", err=True)
        sys.exit(1)


COMMANDS: tuple[click.Command, ...] = (migrate_, audit_)
