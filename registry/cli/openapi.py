"""openapi: the OpenAPI document of the API, for the file that is committed and for clients."""

import click

from registry.api.application import document
from registry.api.documents import written


@click.command("openapi")
def openapi() -> None:
    """The OpenAPI document of /api/v1 as JSON; needs no database."""
    click.echo(written(document()), nl=False)


COMMANDS: tuple[click.Command, ...] = (openapi,)
