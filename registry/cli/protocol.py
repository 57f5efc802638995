"""protocol check, protocol activate: what one lacks, what it would send, putting it in force."""

import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import available_timezones

import click

from registry.actions.protocols import activate
from registry.cli.common import migrated, runtime_from_env
from registry.datafiles import DataFileError
from registry.db import reading, transaction
from registry.errors import DomainError
from registry.protocols import Protocol, load_protocol
from registry.queries import preflight
from registry.queries.preflight import Missing, Rehearsed
from registry.runtime import Runtime

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


class NotReady(DomainError):
    """The protocol lacks something."""


class Zone(click.ParamType[str]):
    """The name of a time zone."""

    name = "ZONE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in available_timezones():
            self.fail(f"{value!r} is not a time zone name, like Europe/Berlin", param, ctx)
        return value


@click.group("protocol")
def protocol() -> None:
    """Protocols: what is asked when, and how it counts."""


@protocol.command("check")
@FILE
@click.option("--treated-on", type=click.DateTime(["%Y-%m-%d"]), help="of the fictitious patient")
@click.option("--zone", type=Zone(), default="UTC", show_default=True, help="where they live")
@click.option("--letters", is_flag=True, help="print every letter in full")
def check(file: Path, treated_on: datetime | None, zone: str, letters: bool) -> None:
    """Say what the protocol in FILE lacks, and every letter that one silent patient would get.

    Exit 1 while something keeps it from being put in force.
    """
    with runtime_from_env() as runtime:
        migrated(runtime)
        read = _read(file)
        found = _missing(runtime, read)
        day = treated_on.date() if treated_on else runtime.clock.now().date()
        _print_calendar(preflight.rehearsal(read, runtime.settings, day, zone=zone), day, letters)
    _tell(found)
    if any(one.is_fault for one in found):
        sys.exit(1)
    click.echo(f"{read.code} {read.version} can be put in force.", err=True)


@protocol.command("activate")
@FILE
def activate_(file: Path) -> None:
    """Put the protocol in FILE in force from now on; refused while `check` finds a fault.

    Patients who were enrolled under an earlier version stay with it.
    """
    with runtime_from_env() as runtime:
        migrated(runtime)
        read = _read(file)
        found = _missing(runtime, read)
        _tell(found)
        if any(one.is_fault for one in found):
            raise NotReady(f"{read.code} {read.version} was not put in force.")
        with transaction(runtime) as session:
            activate(session, read, by="registry protocol", at=runtime.clock.now())
    click.echo(f"{read.code} {read.version} is in force.", err=True)


def _read(file: Path) -> Protocol:
    try:
        return load_protocol(file)
    except DataFileError as fault:
        raise NotReady(str(fault)) from fault


def _missing(runtime: Runtime, read: Protocol) -> list[Missing]:
    with reading(runtime) as session:
        return preflight.missing(session, read, runtime.settings)


def _tell(found: list[Missing]) -> None:
    for one in found:
        click.echo(f"{'FAULT ' if one.is_fault else 'remark'} {one}", err=True)


def _print_calendar(letters: list[Rehearsed], treated_on: date, in_full: bool) -> None:
    click.echo(f"Letters of a patient treated on {treated_on}, who stays silent:")
    for one in letters:
        what = one.fault or (f"not sent: {one.dropped}" if one.dropped else one.subject)
        when = f"{one.goes_at:%Y-%m-%d %a %H:%M %Z}"
        click.echo(f"{when}  month {one.month:<3} {one.kind:<11} {what}")
        if in_full and one.text:
            click.echo("".join(f"    {line}\n" for line in one.text.splitlines()))


COMMANDS: tuple[click.Command, ...] = (protocol,)
