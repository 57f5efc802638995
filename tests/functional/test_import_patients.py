"""registry import patients: the whole file or nothing, and every fault by line and column."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from factories import a_patient, a_person, a_site, vault_of
from importing import Importer, counts
from sqlalchemy import select

from registry import audit
from registry.actions import sites
from registry.actions.sites import SiteTexts
from registry.cli.common import NotMigrated, Progress
from registry.db import reading, transaction
from registry.models import (
    Consent,
    Covariate,
    Death,
    Demographics,
    Diagnosis,
    FollowUp,
    Patient,
    Site,
    TreatmentCourse,
    Withdrawal,
)
from registry.queries import identities
from registry.runtime import Runtime

HEAD = "patient_id,site,treatment_date"
WHOLE = (
    f"{HEAD},name,email,telephone,birth_date,sex,age,language,time_zone,consented_on,"
    "consent_version,diagnosis,death_date,withdrawal_date,cell_source,donor,passage,lot,"
    "certificate,cells_total,sledai,arm\n"
    "P-1,BER,2024-02-29,Ada Invented,ada@example.org,+49 30 5550100,1980-02-03,F,,en,"
    "Europe/Berlin,2024-02-20,2,drug-induced,2024-12-01,2024-11-01,Umbilical cord,Allogeneic,"
    "P3,L-7,C 12/3,1.2e8,-8.50,a\n"
    "P-2,MUC,2024-03-31,,,,,,,,,,,,,,,,,,,,,\n"
)


@pytest.fixture
def importer(registry: Runtime, tmp_path: Path) -> Importer:
    return Importer(registry, tmp_path)


def test_a_cohort_comes_in_with_all_that_is_known(importer: Importer) -> None:
    said = importer.done("patients", WHOLE)
    assert said.splitlines()[0] == "patients: 2 rows, 2 new, 0 known."
    assert "Sites made: BER, MUC." in said
    assert importer.rows(Patient.study_number) == [("P-1",), ("P-2",)]
    assert importer.rows(Demographics.sex, Demographics.age, Demographics.zone) == [
        ("female", 44, "Europe/Berlin"),
        (None, None, None),
    ]
    assert importer.rows(Consent.given_on, Consent.consent_version) == [(date(2024, 2, 20), "2")]
    assert importer.rows(Diagnosis.kind) == [("drug_induced",)]
    assert importer.rows(Death.died_on) == [(date(2024, 12, 1),)]
    assert importer.rows(Withdrawal.withdrawn_on) == [(date(2024, 11, 1),)]
    course = TreatmentCourse
    assert importer.rows(course.started_on, course.cell_source, course.donor, course.lot) == [
        (date(2024, 2, 29), "umbilical_cord", "allogeneic", "L-7"),
        (date(2024, 3, 31), None, None, None),
    ]
    assert importer.rows(Covariate.name, Covariate.number, Covariate.code) == [
        ("sledai", Decimal("-8.5"), None),
        ("arm", None, "a"),
    ]
    assert len(importer.rows(FollowUp.id)) == 10
    with reading(importer.runtime) as session:
        person = identities.person_of(session, vault_of(importer.runtime), 1)
        assert audit.verify(session).broken is None
    assert (person.name, person.email) == ("Ada Invented", "ada@example.org")
    assert person.birth_date == date(1980, 2, 3)


def test_the_same_file_again_changes_nothing(importer: Importer) -> None:
    importer.done("patients", WHOLE)
    before = counts(importer.runtime)
    assert importer.done("patients", WHOLE) == "patients: 2 rows, 0 new, 2 known.\n"
    assert importer.done("patients", WHOLE, "--update").splitlines() == [
        "patients: 2 rows, 0 new, 2 known.",
        "0 known patients changed.",
    ]
    assert counts(importer.runtime) == before


def test_columns_in_any_order_with_a_byte_order_mark(importer: Importer) -> None:
    content = "\ufefftreatment_date, site ,patient_id\r\n2024-01-01, A ,1\r\n\r\n2024-01-02,A,2\r\n"
    assert "2 rows, 2 new" in importer.done("patients", content)


def test_a_site_that_is_known_is_used_and_others_can_be_refused(importer: Importer) -> None:
    a_site(importer.runtime, "BER")
    assert importer.refused("patients", WHOLE, "--strict-sites") == [
        "line 3, column site, value 'MUC': is no site of this registry; known are: BER"
    ]
    importer.done("patients", WHOLE)
    assert importer.rows(Site.code, Site.public_name) == [("BER", "Clinic BER"), ("MUC", "")]


def test_a_dry_run_says_all_and_writes_nothing(importer: Importer) -> None:
    before = counts(importer.runtime)
    said = importer.done("patients", WHOLE, "--dry-run")
    assert said.splitlines() == [
        "patients: 2 rows, 2 would be new, 0 known.",
        "Sites would be made: BER, MUC. Give each its name, telephone and hours on the page Sites.",
    ]
    assert counts(importer.runtime) == before


def test_a_code_is_no_name_and_letters_wait_for_the_name(importer: Importer) -> None:
    content = f"{HEAD},email,consented_on\n1,LUPUS-STEM-CELLS,2025-12-01,a@example.org,2025-12-01\n"
    said = "Letters wait until a person has named these sites on the page Sites: LUPUS-STEM-CELLS."
    assert said in importer.done("patients", content, "--dry-run", "--start-mailing")
    assert said in importer.done("patients", content, "--start-mailing")
    assert importer.rows(Site.code, Site.public_name) == [("LUPUS-STEM-CELLS", "")]
    texts = SiteTexts(public_name="Linden House", telephone="+49 30 1")
    with transaction(importer.runtime) as session:
        site, at = session.scalars(select(Site)).one(), importer.runtime.clock.now()
        sites.change(session, site, texts, by="Ada", at=at)
    assert "Letters wait" not in importer.done("patients", content, "--start-mailing")


BAD_CELLS = [
    ("treatment_date", "2150-01-01", "2150-01-01 lies in the future; enrol the patient once the "),
    ("treatment_date", "29.02.2024", "is not a date; write it as year-month-day, like 2024-02-29"),
    ("treatment_date", "2023-02-29", "is a day that the calendar does not have"),
    ("treatment_date", "0024-02-29", "is not in a year between 1900 and 2200"),
    ("treatment_date", "", "is missing; every row needs it"),
    ("site", "", "is missing; every row needs it"),
    ("patient_id", "=1+1", "looks like a spreadsheet formula"),
    ("patient_id", "ada@example.org", "has signs in it other than letters, digits and"),
    ("patient_id", "P" * 41, "has 41 characters; 40 is the most"),
    ("name", "=HYPERLINK(1)", "looks like a spreadsheet formula (it begins with = + - @ or a tab)"),
    ("name", "+Ada", "looks like a spreadsheet formula"),
    ("name", "-Ada", "looks like a spreadsheet formula"),
    ("name", "@Ada", "looks like a spreadsheet formula"),
    ("name", "\tAda", "looks like a spreadsheet formula"),
    ("name", "Ada\x07", "has a control character"),
    ("lot", "=L7", "looks like a spreadsheet formula"),
    ("email", "ada@example", "is not an e-mail address; write it like name@example.org"),
    ("email", "a b@example.org", "is not an e-mail address"),
    ("telephone", "see file", "is not a telephone number; write it like +49 30 5550100"),
    ("birth_date", "2024-03-01", "2024-03-01 is after the treatment on 2024-02-29; correct one"),
    ("sex", "x", "is none of: female, male, other, unknown"),
    ("age", "121", "is not a whole number from 0 to 120"),
    ("age", "44.5", "is not a whole number from 0 to 120"),
    ("language", "English", "is not a language; write it like en or pt-BR"),
    ("time_zone", "CET+1", "is not a time zone; write it like Europe/Berlin"),
    ("consented_on", "2150-01-01", "2150-01-01 lies in the future"),
    ("death_date", "2024-02-28", "2024-02-28 is before the treatment on 2024-02-29; correct one"),
    ("death_date", "2150-01-01", "2150-01-01 lies in the future"),
    ("withdrawal_date", "2024-02-28", "is before the treatment on 2024-02-29; correct one"),
    ("sledai", "ada@example.org", "looks like an e-mail address: identity is no covariate"),
    ("sledai", "+49 30 5550100", "looks like a telephone number: identity is no covariate"),
    ("sledai", "1980-01-02", "is a date: give a number of days or years instead"),
    ("sledai", "x" * 41, "is longer than a code of 40 characters; take the column out"),
    ("sledai", "=1+1", "looks like a spreadsheet formula"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD_CELLS)
def test_a_bad_cell_is_named(importer: Importer, column: str, value: str, reason: str) -> None:
    cells = {"patient_id": "P-1", "site": "A", "treatment_date": "2024-02-29", column: value}
    content = f"{','.join(cells)}\n{','.join(cells.values())}\n"
    (fault,) = importer.refused("patients", content)
    printed = value.replace("\t", "\\x09").replace("\x07", "\\x07")
    told = f", value '{printed}'" if value else ""
    assert fault.startswith(f"line 2, column {column}{told}: ")
    assert reason in fault


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        ("patient_id,site", ["line 1, column treatment_date: this column is missing; needed: "]),
        ("patient_id;site;treatment_date", ["the cells are not apart by commas"]),
        (f"{HEAD},age,age", ["line 1, column age: two columns have this name"]),
        (f"{HEAD},", ["line 1: a column has no name"]),
        (f"{HEAD},first_name", ["line 1, column first_name: looks like identity"]),
        (f"{HEAD},mobilePhone", ["column mobilePhone: looks like identity"]),
        (f"{HEAD},home address", ["column home address: looks like identity"]),
        (f"{HEAD},e-mail", ["column e-mail: looks like identity"]),
        (f"{HEAD},dob,MRN", ["column dob: looks like identity", "column MRN: looks like identity"]),
        (f"{HEAD},date of birth", ["column date of birth: looks like identity"]),
        (f"{HEAD},a@b", ["column a@b: looks like identity"]),
        (f"{HEAD},=x", ["column =x: is no name for a covariate"]),
        (f"{HEAD},{'x' * 61}", ["is no name for a covariate: up to 60 letters, digits"]),
        ("", ["line 1: the file is empty; its first line names the columns"]),
    ],
)
def test_a_bad_header_is_named(importer: Importer, header: str, faults: list[str]) -> None:
    found = importer.refused("patients", f"{header}\n" if header else "")
    assert len(found) == len(faults)
    for one, words in zip(found, faults, strict=True):
        assert words in one


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "line 1: this is a spreadsheet; save it as CSV UTF-8 first"),
        (f"{HEAD}\n".encode("utf-16"), "line 1: the file is UTF-16; save it as CSV UTF-8"),
        (f"{HEAD},name\n1,A,2024-01-01,".encode() + b"Mar\xeda\n", "line 2, column name, value "),
        (f"{HEAD}\n1,A\n", "line 2: has 2 cells, the header has 3; put cells with commas in them"),
        (f'{HEAD}\n1,"A"x,2024-01-01\n', "line 2: cannot be read as CSV: "),
        (f'{HEAD}\n1,"A,2024-01-01\n', "line 2: cannot be read as CSV: "),
    ],
)
def test_a_broken_file_is_named(importer: Importer, content: str | bytes, words: str) -> None:
    (fault,) = importer.refused("patients", content)
    assert fault.startswith(words)


def test_bytes_that_are_no_text_are_shown(importer: Importer) -> None:
    content = f"{HEAD},name,note\n1,A,2024-01-01,".encode() + b"Mar\xeda,\xff\n"
    assert importer.refused("patients", content) == [
        "line 2, column name, value 'Mar\\xeda': is not UTF-8; save the file as UTF-8",
        "line 2, column note, value '\\xff': is not UTF-8; save the file as UTF-8",
    ]


def test_every_fault_of_the_file_is_told_and_counted(importer: Importer) -> None:
    content = f"{HEAD},age\n1,A,x,200\n1,A,2024-01-01,\n2,B,2024-01-01,\n2,B,2024-01-01,\n"
    result = importer.run("patients", content)
    assert result.stderr.splitlines() == [
        (
            "line 2, column treatment_date, value 'x': is not a date; "
            "write it as year-month-day, like 2024-02-29"
        ),
        "line 2, column age, value '200': is not a whole number from 0 to 120",
        "line 5, column patient_id, value '2': stands in line 4 already; a patient has one row",
        "3 faults in patients.csv. Nothing was written.",
    ]
    assert result.stdout == ""


def test_faults_can_be_kept_as_a_file_that_runs_nothing(importer: Importer, tmp_path: Path) -> None:
    report = tmp_path / "faults.csv"
    importer.refused("patients", f"{HEAD},name\n1,A,2024-01-01,=1+1\n", "--report", str(report))
    header, row = report.read_text(encoding="utf-8").splitlines()
    assert header == "line,column,value,reason"
    assert row.startswith("2,name,'=1+1,")


def test_a_good_file_leaves_an_empty_report(importer: Importer, tmp_path: Path) -> None:
    report = tmp_path / "faults.csv"
    importer.done("patients", WHOLE, "--report", str(report))
    assert report.read_text(encoding="utf-8").splitlines() == ["line,column,value,reason"]


def many(column: str, cells: list[str]) -> str:
    """A file with one covariate."""
    rows = (f"{number},A,2024-01-01,{cell}" for number, cell in enumerate(cells))
    return "\n".join([f"{HEAD},{column}", *rows, ""])


def test_a_column_of_codes_has_at_most_fifty(importer: Importer) -> None:
    codes = [f"c{number}" for number in range(51)]
    (fault,) = importer.refused("patients", many("arm", codes))
    assert fault == (
        "line 52, column arm, value 'c50': is code number 51 of this column; 50 are the most"
    )
    importer.done("patients", many("arm", codes[:50]))


def test_numbers_and_codes_are_not_mixed(importer: Importer) -> None:
    for cells, line, odd in ((["1", "n/a", "2"], 3, "n/a"), (["a", "b", "7"], 4, "7")):
        (fault,) = importer.refused("patients", many("crp", cells))
        assert fault == (
            f"line {line}, column crp, value '{odd}': numbers and codes are mixed in this column; "
            "leave the cell empty where nothing is known"
        )


def test_a_covariate_stays_a_number_or_a_code_from_file_to_file(importer: Importer) -> None:
    importer.done("patients", f"{HEAD},crp,arm\n1,A,2024-01-01,5,a\n")
    faults = importer.refused("patients", f"{HEAD},crp,arm\n2,A,2024-01-01,high,7\n")
    assert [fault.split(":")[0] for fault in faults] == [
        "line 2, column crp, value 'high'",
        "line 2, column arm, value '7'",
    ]
    assert "in this column and what is known of it" in faults[0]


def test_a_known_patient_with_other_content_is_refused(importer: Importer) -> None:
    importer.done("patients", f"{HEAD},sex,name\n1,A,2024-01-01,f,Ada Invented\n")
    other = f"{HEAD},sex,name,sledai\n1,B,2024-02-01,m,Eve Invented,4\n"
    told = ", ".join(importer.refused("patients", other))
    for words in (
        "column site, value 'B': this patient belongs to site A; an import moves nobody",
        (
            "column treatment_date, value '2024-02-01': this patient is known with another value "
            "('2024-01-01'); to change it add --update"
        ),
        "column sex, value 'male': this patient is known with another value ('female')",
        "column name, value 'Eve Invented': this patient is known with another value; to change",
        "column sledai, value '4': this patient is known with another value ('')",
    ):
        assert words in told


@pytest.mark.parametrize("told", ["birth_date,1980-05-05", "age,43"])
def test_a_treatment_date_before_birth_is_no_update(importer: Importer, told: str) -> None:
    column, value = told.split(",")
    importer.done("patients", f"{HEAD},{column}\n1,A,2024-01-01,{value}\n")
    (fault,) = importer.refused("patients", f"{HEAD}\n1,A,1950-01-01\n", "--update")
    assert fault.startswith(
        "line 2, column treatment_date, value '1950-01-01': "
        "1950-01-01 is before the patient was born"
    )
    assert "1980" not in fault
    importer.done("patients", f"{HEAD}\n1,A,2023-12-01\n", "--update")


def test_a_birth_date_after_treatment_or_diagnosis_is_no_update(importer: Importer) -> None:
    known = {"diagnosed_on": date(2025, 12, 1), "treated_on": date(2025, 12, 29)}
    number = a_patient(importer.runtime, "A", study_number="K-1", **known).study_number
    for born, what in (("2025-12-30", "treatment on 2025-12-29"), ("2025-12-28", "diagnosis on")):
        content = f"{HEAD},birth_date\n{number},A,2025-12-29,{born}\n"
        (fault,) = importer.refused("patients", content, "--update")
        assert "line 2, column birth_date" in fault
        assert f"{born} is after the {what}" in fault
    both = f"{HEAD},birth_date\n{number},A,2026-01-02,2025-11-30\n"
    importer.done("patients", both, "--update")


def test_an_empty_cell_says_nothing_of_a_known_patient(importer: Importer) -> None:
    importer.done("patients", WHOLE)
    before = counts(importer.runtime)
    content = f"{HEAD},sex,death_date,sledai\nP-1,BER,2024-02-29,unknown,,\n"
    assert "0 new, 1 known" in importer.done("patients", content)
    assert counts(importer.runtime) == before


def test_without_consented_on_a_version_is_no_consent(importer: Importer) -> None:
    content = (
        f"{HEAD},consented_on,consent_version\n1,A,2024-01-01,,2\n2,A,2024-01-01,2024-01-01,\n"
    )
    importer.done("patients", content)
    assert importer.rows(Consent.patient_id, Consent.consent_version) == [(2, "not recorded")]
    assert "2 known" in importer.done("patients", content)


def test_words_that_the_protocol_does_not_have_are_kept_and_told(importer: Importer) -> None:
    said = importer.done("patients", f"{HEAD},diagnosis\n1,A,2024-01-01,Lupus nephritis\n")
    assert "diagnosis 'Lupus nephritis', which is none of the protocol's and kept as it is: 1" in (
        said
    )
    assert importer.rows(Diagnosis.kind) == [("Lupus nephritis",)]


def test_one_address_under_two_numbers_is_told(importer: Importer) -> None:
    a_patient(importer.runtime, person=a_person(email="eve@example.org"))
    content = f"{HEAD},email\n1,A,2024-01-01,{{}}\n2,A,2024-01-01,{{}}\n3,A,2024-01-01,{{}}\n"
    addresses = ("ada@example.org", "ADA@example.org", "eve@example.org")
    said = importer.done("patients", content.format(*addresses))
    assert "Patients who share an e-mail address with another (one person twice?): 2" in said


def test_a_database_without_tables_is_told_what_to_do(
    make: Callable[[str], Runtime], tmp_path: Path
) -> None:
    importer = Importer(make(f"sqlite:///{tmp_path}/empty.sqlite"), tmp_path)
    result = importer.run("patients", WHOLE)
    assert isinstance(result.exception, NotMigrated)
    assert "Run `registry migrate`" in str(result.exception)


def test_a_report_that_cannot_be_written_is_wrong_use(importer: Importer, tmp_path: Path) -> None:
    result = importer.run("patients", WHOLE, "--report", str(tmp_path / "no" / "report.csv"))
    assert result.exit_code == 2
    assert "No such file or directory" in result.stderr


def test_a_bar_is_shown_on_a_terminal_once_the_work_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(Progress, "PATIENCE", 0.0)
    for stream, is_shown in ((Terminal(), True), (StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        with Progress("patients", length=4) as progress:
            progress.moved(2)
            progress.moved(2)
        assert ("patients" in stream.getvalue()) is is_shown
    monkeypatch.setattr(Progress, "PATIENCE", 60.0)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with Progress("patients", length=4) as progress:
        progress.moved(4)
    assert terminal.getvalue() == ""


def test_wrong_use_ends_with_two(importer: Importer) -> None:
    assert importer.run("pets", WHOLE).exit_code == 2
    assert importer.run("patients", WHOLE, "--no-such-option").exit_code == 2
