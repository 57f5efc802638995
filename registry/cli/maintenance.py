"""migrate, audit verify, backup: keeping the registry whole."""

import sys
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit, audit_facts, backup, door_role, migrate
from registry.actions import installation
from registry.actions.protocols import prepare_registry
from registry.cli.common import Progress, runtime_from_env
from registry.db import reading, transaction
from registry.errors import NotFound
from registry.models import Patient


@click.command("migrate")
def migrate_() -> None:
    """Bring the database to the schema of this software; an empty one gets the bundled protocol."""
    with runtime_from_env() as runtime:
        migrate.to_head(runtime.sessions.engine)
        with transaction(runtime) as session:
            at = runtime.clock.now()
            prepare_registry(session, by="registry migrate", at=at)
            installation.pair(session, runtime.journal, by="registry migrate", at=at)
            if runtime.settings.door_database_url and not runtime.settings.embedded:
                door_role.set_up(session.connection(), runtime.settings.door_database_url)
        click.echo("The database is at the newest schema.", err=True)


@click.group("audit")
def audit_() -> None:
    """The audit trail."""


@audit_.command("verify")
@click.option("--patient", help="only this patient's chain (study number)")
def verify(patient: str | None) -> None:
    """Walk every chain from start to head, and compare every fact with what its events recorded;
    exit 1 at the first broken link, or if a fact was changed behind the registry's back.
    """
    with runtime_from_env() as runtime, reading(runtime) as session:
        patient_id = _patient(session, patient) if patient else None
        verdict = audit.verify(session, f"patient:{patient_id}" if patient_id else None)
        click.echo(f"{verdict.events} events in {verdict.chains} chains hold.")
        if verdict.broken:
            click.echo(f"BROKEN: {verdict.broken}", err=True)
            sys.exit(1)
        count = 1 if patient_id else audit_facts.patients(session)
        with Progress("Comparing facts", count) as bar:
            facts = audit_facts.verify(session, patient_id, bar.moved)
    _tell(facts)


def _tell(facts: audit_facts.Facts) -> None:
    differences = facts.faults or "no"
    click.echo(f"{facts.rows} rows of facts compared with the trail: {differences} differences.")
    if facts.erased:
        click.echo(f"{facts.erased} patients are erased: their emptied identity agrees.")
    click.echo(
        "Not compared, for the trail holds no hashes of them: follow-ups, letters, links, holds, "
        "alerts, users, clinics, protocols, settings, claims, safety looks, the patients' keys and "
        "what they are found by."
    )
    for fault in facts.first:
        click.echo(f"CHANGED: {fault}", err=True)
    if facts.faults > len(facts.first):
        click.echo(f"CHANGED: {facts.faults - len(facts.first)} more", err=True)
    if facts.faults:
        sys.exit(1)


def _patient(session: Session, study_number: str) -> int:
    found = session.scalar(select(Patient.id).where(Patient.study_number == study_number))
    if found is None:
        raise NotFound(f"There is no patient {study_number}. Give the study number.")
    return found


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup_(file: Path) -> None:
    """Copy the database consistently into FILE, while the registry runs."""
    with runtime_from_env() as runtime:
        backup.backup(runtime.sessions.engine, file)
    click.echo(f"{file}: {file.stat().st_size} bytes. The keys are not in it: keep them apart.")


COMMANDS: tuple[click.Command, ...] = (migrate_, audit_, backup_)
