"""The `registry` command: one module per group of commands."""

import sys

import click

from registry.cli import jobs, maintenance, report, users
from registry.errors import DomainError, SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="outcomes-registry")
def registry() -> None:
    """Honest long-term follow-up for treated patients."""


for command in (*maintenance.COMMANDS, *jobs.COMMANDS, *users.COMMANDS, *report.COMMANDS):
    registry.add_command(command)


def main() -> None:
    """Run; a broken rule ends with 1, wrong use or settings with 2, both with a message."""
    try:
        registry()
    except DomainError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
