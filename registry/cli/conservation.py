"""conservation: whether the plan adds up, now."""

import sys

import click

from registry.actions.conservation import keep
from registry.cli.common import migrated, runtime_from_env
from registry.db import reading, transaction
from registry.queries.conservation import reckon


@click.command("conservation")
def conservation() -> None:
    """Count whether every follow-up that was planned is there, in one state; exit 1 if not.

    Rows taken away by hand show: a patient's follow-ups are counted against their protocol, letters
    and patients against the audit trail. The result is kept for the page State.
    """
    with runtime_from_env() as runtime:
        migrated(runtime)
        with reading(runtime) as session:
            found = reckon(session)
        with transaction(runtime) as session:
            keep(session, found, by="registry conservation", at=runtime.clock.now())
    for state, count in sorted(found.states.items()):
        click.echo(f"{count:9d} {state.replace('_', ' ')}")
    click.echo(f"{found.planned:9d} planned, for {found.patients} patients")
    for who, what in found.found:
        click.echo(f"{who}: {what}", err=True)
    if not found.is_clean:
        click.echo(f"{found.faults} disagreements.", err=True)
        sys.exit(1)


COMMANDS: tuple[click.Command, ...] = (conservation,)
