"""registry import: files in, all of it or nothing."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click
from sqlalchemy.exc import IntegrityError

from registry import imports
from registry.cli.common import Progress, migrated, runtime_from_env
from registry.db import is_duplicate, reading, transaction
from registry.errors import SettingsError
from registry.imports import Changed, Fault, Import, Job, Source, Summary
from registry.queries import holds
from registry.runtime import Runtime
from registry.schemas.fields import is_formula
from registry.vault import Vault

BY = "registry import"


@click.command("import")
@click.argument("kind", type=click.Choice(list(imports.KINDS)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="check and count only; write nothing")
@click.option("--update", is_flag=True, help="change known patients to what the file says")
@click.option("--strict-sites", is_flag=True, help="refuse sites that the registry does not know")
@click.option("--start-mailing", is_flag=True, help="send the newest questionnaire that is due")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="write what is wrong to this CSV file",
)
def import_(
    kind: str,
    file: Path,
    dry_run: bool,
    update: bool,
    strict_sites: bool,
    start_mailing: bool,
    report: Path | None,
) -> None:
    """Read patients, administrations, surveys, adverse-events or labs from a CSV file.

    The whole file is checked before anything is written; every fault is named by line, column,
    value and reason. The same file again changes nothing.
    """
    if report is not None and report.exists() and report.samefile(file):
        raise click.BadParameter("this is the file to read", param_hint="--report")
    with runtime_from_env() as runtime, _report(report) as tell, Progress(kind) as progress:
        migrated(runtime)
        progress.length = 2 * file.stat().st_size
        job = Job(
            source=Source(file, progress.moved),
            vault=_vault(runtime),
            zone=runtime.settings.zone,
            by=BY,
            at=runtime.clock.now(),
            update=update,
            strict_sites=strict_sites,
            start_mailing=start_mailing,
        )
        one = _run(runtime, kind, job, tell, dry_run)
        unnamed = _unnamed(runtime, one.summary) if start_mailing else []
    if one.faults.count:
        click.echo(f"{one.faults.count} faults in {file.name}. Nothing was written.", err=True)
        sys.exit(1)
    _tell(kind, one.summary, unnamed, dry_run=dry_run, update=update)


def _run(
    runtime: Runtime, kind: str, job: Job, tell: Callable[[Fault], None], dry_run: bool
) -> Import:
    """Check under a reading session, which holds up nobody; then write in one transaction."""
    with reading(runtime) as session:
        one = Import(session, kind, job, tell)
        if not one.check(session):
            return one
        if dry_run:
            one.carry_out(session, write=False)
            return one
    try:
        with transaction(runtime) as session:
            one.carry_out(session)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise Changed("Somebody wrote the same meanwhile. Nothing was written; retry.") from error
    return one


def _unnamed(runtime: Runtime, summary: Summary) -> list[str]:
    """Codes of the sites, those that a dry run would make among them, whose letters wait."""
    with reading(runtime) as session:
        return sorted({site.code for site in holds.unnamed(session)} | set(summary.sites))


@contextmanager
def _report(file: Path | None) -> Iterator[Callable[[Fault], None]]:
    """What to do with a fault: say it, and write it to the report if one is wanted."""
    if file is None:
        yield _say
        return
    with _opened(file) as target:
        rows = csv.writer(target)
        rows.writerow(("line", "column", "value", "reason"))

        def _keep(fault: Fault) -> None:
            _say(fault)
            told = (fault.column, fault.value, fault.reason)
            rows.writerow((fault.line, *map(harmless, told)))

        yield _keep


def _opened(file: Path) -> TextIO:
    try:
        return file.open("w", encoding="utf-8", newline="")
    except OSError as error:
        reason = f"cannot write {file}: {error.strerror}"
        raise click.BadParameter(reason, param_hint="--report") from error


def _say(fault: Fault) -> None:
    click.echo(str(fault), err=True)


def harmless(value: str) -> str:
    """A refused value as a spreadsheet may open it: what might run is quoted."""
    return f"'{value}" if is_formula(value) else value


def _vault(runtime: Runtime) -> Vault:
    if runtime.vault is None:
        raise SettingsError("REGISTRY_MASTER_KEY: needed to write who patients are")
    return runtime.vault


def _tell(kind: str, summary: Summary, unnamed: list[str], *, dry_run: bool, update: bool) -> None:
    would = "would be " if dry_run else ""
    click.echo(f"{kind}: {summary.rows} rows, {summary.new} {would}new, {summary.known} known.")
    for difference in summary.differences:
        click.echo(difference)
    if update:
        click.echo(f"{summary.changed} known patients {would}changed.")
    if summary.sites:
        click.echo(
            f"Sites {would}made: {', '.join(summary.sites)}. "
            "Give each its name, telephone and hours on the page Sites."
        )
    if unnamed:
        click.echo(
            f"Letters wait until a person has named these sites on the page Sites: "
            f"{', '.join(unnamed)}."
        )
    for note, count in summary.notes.items():
        click.echo(f"{note}: {count}")


COMMANDS: tuple[click.Command, ...] = (import_,)
