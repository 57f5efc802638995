"""user, site: the first people and the first clinic of a registry."""

from typing import Any

import click
from marshmallow import Schema, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import accounts, sites
from registry.cli.common import runtime_from_env
from registry.cli.keys import KEYS
from registry.db import transaction
from registry.errors import NotFound
from registry.models import Site, User
from registry.models.accounts import ROLES
from registry.queries import accounts as queries
from registry.runtime import Runtime
from registry.schemas.staff import SiteSchema, UserSchema

BY = "registry command"


@click.group("user")
def user() -> None:
    """Accounts of staff."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True, help="as others see it")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--site", "site_codes", multiple=True, help="code of a site; none: every site")
def add(email: str, name: str, roles: tuple[str, ...], site_codes: tuple[str, ...]) -> None:
    """Make an account and print the one-time link by which its owner chooses a password."""
    with runtime_from_env() as runtime, transaction(runtime) as session:
        at = runtime.clock.now()
        places: list[int | None] = [_site_id(session, code) for code in site_codes]
        grants = [(role, place) for role in roles for place in places or [None]]
        told = _loaded(UserSchema(), {"email": email, "name": name})
        added = accounts.add_user(session, **told, grants=grants, by=BY, at=at)
        secret = accounts.make_link(session, added.id, by=BY, at=at)
    _print_link(runtime, secret)


@user.command("reset")
@click.argument("email")
def reset(email: str) -> None:
    """Print a new one-time link for somebody who lost the password; unlocks the account."""
    with runtime_from_env() as runtime, transaction(runtime) as session:
        found, at = _user(session, email), runtime.clock.now()
        accounts.unlock(session, found.id, by=BY, at=at)
        secret = accounts.make_link(session, found.id, by=BY, at=at)
    _print_link(runtime, secret)


@user.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """End every session of an account and let nobody sign in with it."""
    with runtime_from_env() as runtime, transaction(runtime) as session:
        accounts.disable(session, _user(session, email).id, by=BY, at=runtime.clock.now())
    click.echo(f"{email} is disabled.", err=True)


for key in KEYS:
    user.add_command(key)


@click.group("site")
def site() -> None:
    """Clinics."""


@site.command("add")
@click.argument("code")
@click.option("--name", required=True, help="as patients read it")
@click.option("--telephone", default="", help="as patients read it")
@click.option("--hours", default="", help="when somebody answers")
@click.option("--emergency", default="", help="what to do in an emergency; unset: the protocol's")
@click.option("--zone", default="UTC", show_default=True, help="time zone, like Europe/Berlin")
def add_site(code: str, name: str, telephone: str, hours: str, emergency: str, zone: str) -> None:
    """Add a clinic."""
    told = {"code": code, "public_name": name, "telephone": telephone, "hours": hours}
    told |= {"emergency_text": emergency, "zone": zone}
    loaded = _loaded(SiteSchema(), told)
    with runtime_from_env() as runtime, transaction(runtime) as session:
        words = {name: loaded[name] for name in told if name in loaded and name != "code"}
        texts = sites.SiteTexts(**words)
        sites.add(session, loaded["code"], texts, by=BY, at=runtime.clock.now())
    click.echo(f"Site {code} is added.", err=True)


def _loaded(schema: Schema, told: dict[str, str]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load({name: text for name, text in told.items() if text})
    except ValidationError as wrong:
        faults = wrong.messages_dict.items()
        raise click.UsageError(
            "; ".join(f"{name} {' '.join(texts)}" for name, texts in faults)
        ) from wrong
    return loaded


def _site_id(session: Session, code: str) -> int:
    found = session.scalar(select(Site.id).where(Site.code == code))
    if found is None:
        raise NotFound(f"There is no site {code}. Add it first: registry site add {code} --name …")
    return found


def _user(session: Session, email: str) -> User:
    found = queries.user_by_email(session, email)
    if found is None:
        raise NotFound(f"There is no account for {email}.")
    return found


def _print_link(runtime: Runtime, secret: str) -> None:
    click.echo("Hand over this link; it works once, for three days:", err=True)
    click.echo(f"{runtime.settings.public_url}/reset/{secret}")


COMMANDS: tuple[click.Command, ...] = (user, site)
