"""patients.csv: new patients are enrolled; known ones are compared, and updated when asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import enrolment, sites
from registry.actions.facts import Enrolment, before_birth, date_problems
from registry.imports.columns import Columns, Values
from registry.imports.covariates import Covariates, known_covariates
from registry.imports.faults import Faults
from registry.imports.job import Job, Summary
from registry.imports.known_patients import IDENTITY, Known, apply, known_patients
from registry.imports.patient_rows import PatientRows, merged, plain, shown, told_by
from registry.imports.reading import Row
from registry.models import Site
from registry.queries import identities, protocols
from registry.schemas.rows import PatientRowSchema
from surveys.timepoints import last_civil_day

CSV_NAMES = {
    "treated_on": "treatment_date",
    "died_on": "death_date",
    "withdrawn_on": "withdrawal_date",
}
SHARED = "Patients who share an e-mail address with another (one person twice?)"


@dataclass(frozen=True, slots=True)
class Item:
    """One good row: a new patient's enrolment; or a known patient, by id, with the differences."""

    line: int
    number: str
    enrolment: Enrolment
    patient_id: int | None = None
    differences: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


class PatientReader:
    """Reads patients.csv twice: `check` for every batch, then `check` and `write`."""

    name = "patients"

    def __init__(self, session: Session, job: Job) -> None:
        self._job = job
        self._today = last_civil_day(job.at)
        self._sites = _sites(session)
        self._columns = Columns(PatientRowSchema(), ("patient_id", "site", "treatment_date"), True)
        self._covariates = Covariates(*known_covariates(session))
        self._rows = PatientRows(protocols.in_force(session).protocol)
        self._new_sites: dict[str, None] = {}
        self._begin()

    def _begin(self) -> None:
        self.summary = Summary()
        self._lines: dict[str, int] = {}
        self._addresses: dict[str, str] = {}

    def again(self, session: Session, *, write: bool) -> None:
        """Begin the second reading: the sites that the first one found are made."""
        self._begin()
        self._sites = _sites(session)  # another import may have made them meanwhile
        self._new_sites = {code: None for code in self._new_sites if code not in self._sites}
        self.summary.sites = list(self._new_sites)
        for code in self._new_sites if write else ():
            texts = sites.SiteTexts(zone=self._job.zone)  # the code is not for patients
            made = sites.add(session, code, texts, by=self._job.by, at=self._job.at)
            self._sites[code] = made.id

    def header(self, names: list[str], faults: Faults) -> bool:
        """Whether the columns can be used."""
        before = faults.count
        if self._columns.header(names, faults):
            self._covariates.header(self._columns.others, faults)
        return faults.count == before

    def check(self, session: Session, rows: list[Row], faults: Faults) -> list[Item]:
        """The good rows of a batch; what is wrong goes to `faults`."""
        self.summary.rows += len(rows)
        parsed = [pair for row in rows if (pair := self._item(row, faults))]
        numbers = [item.number for _, item in parsed]
        found = known_patients(session, self._job.vault, numbers)
        self._note_addresses(session, parsed, found)
        items = []
        for values, item in parsed:
            if item.number in found:
                item = self._compared(session, found[item.number], values, item, faults)
                self.summary.known += not item.differences
                self.summary.changed += bool(item.differences)
            else:
                self.summary.new += 1
            items.append(item)
        return items

    def _item(self, row: Row, faults: Faults) -> tuple[Values, Item] | None:
        before = faults.count
        values = self._columns.parse(row, faults)
        self._covariates.look(row, faults)
        if values is None:
            return None
        self._check_number(row.line, values["patient_id"], faults)
        self._check_site(row, values["site"], faults)
        site_id = self._sites.get(values["site"], 0)
        covariates = self._covariates.values(row)
        told = self._rows.enrolment(values, site_id, covariates, self.summary.notes)
        self._check_dates(row.line, told, faults, row.cells)
        if faults.count > before:
            return None
        return values, Item(row.line, values["patient_id"], told)

    def _check_dates(
        self, line: int, told: Enrolment, faults: Faults, cells: Mapping[str, str]
    ) -> None:
        for problem in date_problems(told, self._today):
            column = CSV_NAMES.get(problem.field, problem.field)
            faults.add(line, column, cells.get(column, ""), problem.text)

    def _check_number(self, line: int, number: str, faults: Faults) -> None:
        first = self._lines.setdefault(number, line)
        if first != line:
            faults.add(
                line,
                "patient_id",
                number,
                f"stands in line {first} already; a patient has one row",
            )

    def _check_site(self, row: Row, site: str, faults: Faults) -> None:
        if site in self._sites:
            return
        if self._job.strict_sites:
            listed = ", ".join(sorted(self._sites)) or "none yet"
            faults.add(row.line, "site", site, f"is no site of this registry; known are: {listed}")
            return
        self._new_sites.setdefault(site)
        self.summary.sites = list(self._new_sites)

    def _note_addresses(
        self, session: Session, parsed: list[tuple[Values, Item]], found: Mapping[str, Known]
    ) -> None:
        """One address under two numbers may be one person twice: worth a look, no fault."""
        vault = self._job.vault
        digests = {
            item.number: vault.email_digest(item.enrolment.person.email)
            for _, item in parsed
            if item.enrolment.person.email
        }
        elsewhere = identities.owners(session, digests.values())
        for number, digest in digests.items():
            own = found[number].patient_id if number in found else None
            in_file = self._addresses.setdefault(digest[:16], number)
            if in_file != number or elsewhere.get(digest, own) != own:
                self.summary.notes[SHARED] += 1

    def _compared(
        self, session: Session, known: Known, values: Values, item: Item, faults: Faults
    ) -> Item:
        """A known patient's row, with what it says otherwise; faults unless that is wanted."""
        told = told_by(values, item.enrolment)
        differences = known.differences(told)
        for column, (old, new) in differences.items():
            reason = self._refusal(session, known, column, old, new)
            if reason:
                faults.add(item.line, column, plain(new), reason)
            else:
                self.summary.differences.append(
                    f"line {item.line}, {item.number}: {column} {shown(column, old, new)}"
                )
        self._check_dates(item.line, merged(item.enrolment, known), faults, {})
        self._check_birth(item.line, known, differences, faults)
        return replace(item, patient_id=known.patient_id, differences=differences)

    def _check_birth(
        self, line: int, known: Known, differences: Mapping[str, tuple[Any, Any]], faults: Faults
    ) -> None:
        """A new treatment date, against the birth date as it will stand, else against the age."""
        if "treatment_date" not in differences or "birth_date" in differences:
            return  # a birth date in the row was compared with it as for a new patient
        before, new = differences["treatment_date"]
        values = known.values
        unborn = before_birth(new, values.get("birth_date"), values.get("age"), before)
        if unborn:
            faults.add(line, "treatment_date", plain(new), unborn)

    def _refusal(
        self, session: Session, known: Known, column: str, old: Any, new: Any
    ) -> str | None:
        if column == "site":
            return f"this patient belongs to site {old}; an import moves nobody"
        if not self._job.update:
            was = "" if column in IDENTITY else f" ('{plain(old)}')"
            return f"this patient is known with another value{was}; to change it add --update"
        if column == "email":
            owner = identities.by_email(session, self._job.vault, new, other_than=known.patient_id)
            return "is the address of another patient" if owner is not None else None
        return None

    def finish(self, faults: Faults) -> None:
        """What only the whole file tells."""
        self._covariates.finish(faults)

    def write(self, session: Session, items: list[Item]) -> None:
        """Enrol the new ones and update the known ones."""
        job = self._job
        new = {item.number: item.enrolment for item in items if item.patient_id is None}
        if new:
            enrolment.enrol_many(
                session,
                new,
                vault=job.vault,
                by=job.by,
                at=job.at,
                imported=True,
                start_mailing=job.start_mailing,
            )
        for item in items:
            if item.patient_id is not None and item.differences:
                apply(session, item.patient_id, item.differences, job, item.line)


def _sites(session: Session) -> dict[str, int]:
    """The id of each site by its code."""
    return {row.code: row.id for row in session.execute(select(Site.code, Site.id))}
