"""mail, bounces: the stop switch, and one returned message at a time."""

import sys
from typing import BinaryIO

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import holds, returns
from registry.cli.common import migrated, runtime_from_env
from registry.db import reading, transaction
from registry.errors import NotFound
from registry.models import Site
from registry.queries import holds as standing
from registry.queries.post import post_standing

BY = "registry command"


@click.group("mail")
def mail() -> None:
    """The stop switch: keep letters to patients back, or let them go again."""


@mail.command("hold")
@click.option("--site", "code", help="code of one site; none: every site")
@click.option("--reason", required=True, help="why letters are to wait, as others will read it")
def hold(code: str | None, reason: str) -> None:
    """Keep letters back from the next claim on; they stay in the queue, no older and not lost."""
    with runtime_from_env() as runtime:
        migrated(runtime)
        with transaction(runtime) as session:
            at = runtime.clock.now()
            holds.place(session, _site_id(session, code), reason, by=BY, at=at)
    click.echo(f"Letters to patients of {_where(code)} wait.", err=True)


@mail.command("release")
@click.option("--site", "code", help="code of one site; none: the hold on every site")
def release(code: str | None) -> None:
    """Let letters go again, whoever held them; exit 1 where there is no such hold."""
    with runtime_from_env() as runtime:
        migrated(runtime)
        with transaction(runtime) as session:
            site_id, at = _site_id(session, code), runtime.clock.now()
            mine = [one.id for one in standing.in_force(session) if one.site_id == site_id]
            again = sum(holds.lift(session, one, by=BY, at=at) for one in mine)
    if not mine:
        raise NotFound(f"There is no hold on {_where(code)}; see `registry mail status`.")
    click.echo(
        f"Letters of {_where(code)} go again; {again} refused ones are tried anew.", err=True
    )


@mail.command("status")
def status() -> None:
    """What is held, since when and why, and how many letters wait; exit 1 while a hold stands."""
    with runtime_from_env() as runtime:
        migrated(runtime)
        with reading(runtime) as session:
            now = post_standing(session, runtime.clock.now())
            found = [(one, _code(session, one.site_id)) for one in standing.in_force(session)]
    for one, code in found:
        click.echo(
            f"held: {_where(code)}, since {one.since:%Y-%m-%d %H:%M} UTC, by {one.placed_by}: "
            f"{one.reason}"
        )
    click.echo(
        f"{now.held} held, {now.waiting} due, {now.parked} need a person, {now.failed} refused"
    )
    sys.exit(1 if found else 0)


@click.command("bounces")
@click.argument("file", type=click.File("rb"))
def bounces(file: BinaryIO) -> None:
    """Take in one returned message from FILE (- is standard input) and print what it was.

    For a mail server's pipe, or to try one by hand; exit 1 if it carries no proof of a letter of
    this registry, and then nothing is changed.
    """
    raw = file.read()
    with runtime_from_env() as runtime:
        migrated(runtime)
        with transaction(runtime) as session:
            at = runtime.clock.now()
            kind = returns.receive(session, raw, settings=runtime.settings, by="bounces", at=at)
    click.echo(kind)
    sys.exit(1 if kind == returns.UNPROVED else 0)


def _where(code: str | None) -> str:
    return "every site" if code is None else f"site {code}"


def _site_id(session: Session, code: str | None) -> int | None:
    if code is None:
        return None
    found = session.scalar(select(Site.id).where(Site.code == code))
    if found is None:
        raise NotFound(f"There is no site {code}.")
    return found


def _code(session: Session, site_id: int | None) -> str | None:
    return None if site_id is None else session.get_one(Site, site_id).code


COMMANDS: tuple[click.Command, ...] = (mail, bounces)
