"""user key, keys, revoke: keys by which programs call the API as a user."""

import click
from sqlalchemy import select

from registry.actions import accounts
from registry.cli.common import runtime_from_env
from registry.db import reading, transaction
from registry.errors import NotFound
from registry.models import User
from registry.queries import accounts as queries

BY = "registry command"


@click.command("key")
@click.argument("email")
@click.option("--label", required=True, help="which program it is for")
def issue(email: str, label: str) -> None:
    """Print a new key for a program that acts as this user. It is shown once."""
    with runtime_from_env() as runtime, transaction(runtime) as session:
        user_id = session.scalar(select(User.id).where(User.email == email.strip().casefold()))
        if user_id is None:
            raise NotFound(f"There is no account for {email}.")
        key = accounts.issue_key(session, user_id, label[:100], by=BY, at=runtime.clock.now())
    click.echo("Give it to the program; only its hash is kept:", err=True)
    click.echo(key)


@click.command("keys")
def listed() -> None:
    """List the keys that were issued: number, user, label, and whether it was revoked."""
    with runtime_from_env() as runtime, reading(runtime) as session:
        for key, user in queries.keys(session):
            end = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "in force"
            click.echo(f"{key.id}\t{user.email}\t{key.label}\t{key.recorded_at:%Y-%m-%d}\t{end}")


@click.command("revoke")
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """Refuse the program with this key from now on; `registry user keys` tells its number."""
    with runtime_from_env() as runtime, transaction(runtime) as session:
        accounts.revoke_key(session, number, by=BY, at=runtime.clock.now())
    click.echo(f"Key {number} is revoked.", err=True)


KEYS: tuple[click.Command, ...] = (issue, listed, revoke)
