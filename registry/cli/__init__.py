"""The `registry` command: one module per group of commands, loaded when it is called for."""

import sys
from importlib import import_module

import click

from registry.errors import DomainError, SettingsError

MODULES = {
    "serve": "serve",
    "migrate": "maintenance",
    "audit": "maintenance",
    "backup": "maintenance",
    "restore": "restoring",
    "reconcile": "restoring",
    "conservation": "conservation",
    "protocol": "protocol",
    "import": "imports",
    "report": "report",
    "demo": "demo",
    "tick": "jobs",
    "worker": "jobs",
    "beat": "jobs",
    "mail": "post",
    "bounces": "post",
    "user": "users",
    "site": "users",
    "web": "processes",
    "door": "processes",
    "openapi": "openapi",
}


class Commands(click.Group):
    """Knows the commands by name; a module is loaded with the first command of it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, for --help."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None where there is none of that name."""
        if cmd_name not in MODULES:
            return None
        module = import_module(f"registry.cli.{MODULES[cmd_name]}")
        commands: tuple[click.Command, ...] = module.COMMANDS
        return next(command for command in commands if command.name == cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="outcomes-registry")
def registry() -> None:
    """Honest long-term follow-up for treated patients."""


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
