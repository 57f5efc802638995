"""Commands under odd use: files over each other, bytes that are no text, two at once."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories import a_site
from importing import Importer, counts, environment
from sqlalchemy import select

from registry.actions import sites
from registry.actions.sites import SiteTexts
from registry.app import create_app
from registry.cli import registry as command
from registry.cli.imports import harmless
from registry.db import reading, transaction
from registry.errors import SettingsError
from registry.imports import Import, Job, Source
from registry.models import Patient
from registry.runtime import Runtime
from registry.schemas.fields import PAGES

HEAD = "patient_id,site,treatment_date"


@pytest.fixture
def importer(registry: Runtime, tmp_path: Path) -> Importer:
    return Importer(registry, tmp_path)


def test_the_report_of_faults_never_overwrites_the_file_itself(
    importer: Importer, tmp_path: Path
) -> None:
    content = f"{HEAD}\nP-1,A,2024-02-30\n"
    file = tmp_path / "patients.csv"
    for name in (str(file), str(tmp_path / "." / "patients.csv")):
        assert importer.run("patients", content, "--report", name).exit_code == 2
        assert file.read_text() == content


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\x1b[31mred", b"=cmd|x", b"a\x00b"])
def test_any_name_of_a_column_can_be_told(importer: Importer, tmp_path: Path, name: bytes) -> None:
    report = tmp_path / "faults.csv"
    for kind, head in (("patients", HEAD), ("labs", "patient_id,code,value,unit,collected_on")):
        content = head.encode() + b"," + name + b"\n"
        (fault,) = importer.refused(kind, content, "--report", str(report))
        assert fault.isprintable()
        line = report.read_text(encoding="utf-8").splitlines()[1]
        assert line.isprintable()
        assert not line.startswith("1,=")


@pytest.mark.parametrize("number", ["..", "A/../B", "A//B", "/A", "A/", ".", "A/history", "A/plan"])
def test_a_study_number_is_no_address_of_a_page(importer: Importer, number: str) -> None:
    (fault,) = importer.refused("patients", f"{HEAD}\n{number},A,2025-02-03\n")
    assert "reads like the address of a page" in fault


def test_every_page_of_a_patient_is_kept_out_of_study_numbers(registry: Runtime) -> None:
    rules = [rule.rule for rule in create_app(registry).url_map.iter_rules()]
    behind = {found[1] for rule in rules if (found := re.search(r"<path:number>/([\w-]+)", rule))}
    assert behind <= PAGES, "add the new page to PAGES"


def test_a_site_that_came_meanwhile_is_used(
    registry: Runtime, importer: Importer, tmp_path: Path
) -> None:
    a_site(registry, "B")
    file = tmp_path / "patients.csv"
    file.write_text(f"{HEAD}\nP-1,NEW,2025-02-03\n", encoding="utf-8")
    at = registry.clock.now()
    assert registry.vault is not None
    job = Job(source=Source(file), vault=registry.vault, zone="UTC", by="import", at=at)
    with reading(registry) as session:
        one = Import(session, "patients", job, print)
        assert one.check(session)
    with transaction(registry) as session:
        sites.add(session, "NEW", SiteTexts(public_name="New"), by="somebody", at=at)
    with transaction(registry) as session:
        one.carry_out(session)
    assert one.summary.sites == []
    with reading(registry) as session:
        assert session.scalars(select(Patient.study_number)).all() == ["P-1"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("report", "--known-at", "0001-01-01T00:00:00+14:00"),
        ("report", "--known-at", "9999-12-31T23:59:59-14:00"),
        ("tick", "--at", "0001-01-01T00:00:00+14:00"),
        ("report", "--json", "/dev/null/report.json"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_a_sentence(
    registry: Runtime, wrong: tuple[str, ...]
) -> None:
    before = counts(registry)
    done = CliRunner().invoke(command, list(wrong), env=environment(registry))
    assert done.exit_code == 2, done.output
    assert "Error: Invalid value" in done.stderr
    assert counts(registry) == before


@pytest.mark.parametrize("name", ["REGISTRY_PUBLIC_URL", "REGISTRY_DOOR_URL"])
@pytest.mark.parametrize(
    "address", ["registry.example.org", "", "ftp://x", "https://", "http://[", "http://x/?a"]
)
def test_an_address_that_no_letter_could_carry_is_refused(name: str, address: str) -> None:
    done = CliRunner().invoke(command, ["migrate"], env={name: address})
    assert isinstance(done.exception, SettingsError)
    assert name in str(done.exception)


def test_what_a_spreadsheet_might_run_is_quoted() -> None:
    assert harmless("=1+1") == "'=1+1"


@pytest.mark.parametrize("words", ["migrate", "serve", "report", "tick", "conservation"])
def test_a_misspelt_folder_begins_no_registry_somewhere_else(tmp_path: Path, words: str) -> None:
    missing = tmp_path / "typo" / "deep"
    env = {"REGISTRY_DATABASE_URL": f"sqlite:///{missing}/registry.sqlite"}
    done = CliRunner().invoke(command, words.split(), env=env)
    assert isinstance(done.exception, SettingsError)
    told = str(done.exception)
    assert f"there is no folder {missing} for registry.sqlite" in told
    assert "make the folder first" in told
    assert not (tmp_path / "typo").exists()
