"""What the four files of facts share: patients by number, and rows that are read only once.

Each row has a key made from its content and from how many equal rows stood before it in the file:
two equal rows are two rows, and the same file again adds none.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from registry import audit
from registry.imports.columns import Columns, Values
from registry.imports.faults import Faults
from registry.imports.job import Job, Summary
from registry.imports.reading import Row
from registry.models import Demographics, Patient, TreatmentCourse, known
from registry.models.versions import Versioned
from surveys.timepoints import last_civil_day


@dataclass(frozen=True, slots=True)
class Subject:
    """The patient of a row."""

    id: int
    treated_on: date
    sex: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One good row that the registry does not have yet."""

    line: int
    key: str
    patient: Subject
    values: Values


class FactReader(ABC):
    """Reads a file of facts twice. The first reading learns which rows stand more than once."""

    name: str
    columns: Columns
    keys: Collection[InstrumentedAttribute[Any]]
    """The columns that keep the keys of rows."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.today = last_civil_day(job.at)
        self.summary = Summary()
        self._is_second = False
        self._marks = array("Q")
        self._repeated: dict[int, int] = {}
        self._superseded: set[str] = set()

    def again(self, session: Session, *, write: bool) -> None:
        """Begin the second reading."""
        self.summary, self._is_second = Summary(), True
        # no index holds what was superseded, which is little: it is read once
        self._superseded = {
            key
            for column, model in self._versioned()
            for key in session.scalars(select(column).where(~known(model)))
        }

    def header(self, names: list[str], faults: Faults) -> bool:
        """Whether the columns can be used."""
        return self.columns.header(names, faults)

    def check(self, session: Session, rows: list[Row], faults: Faults) -> list[Item]:
        """The good rows of a batch that are new; what is wrong goes to `faults`."""
        self.summary.rows += len(rows)
        parsed = [(row, self.columns.parse(row, faults)) for row in rows]
        good = [(row, values) for row, values in parsed if values is not None]
        patients = subjects(session, {values["patient_id"] for _, values in good})
        items = []
        for row, values in good:
            patient = patients.get(values["patient_id"])
            if patient is None:
                reason = "is no patient of this registry; import patients.csv first"
                faults.add(row.line, "patient_id", values["patient_id"], reason)
                continue
            before = faults.count
            self.examine(row, values, patient, faults)
            if faults.count == before:
                items.append(Item(row.line, self._key(row), patient, values))
        return self._unknown(session, items)

    def finish(self, faults: Faults) -> None:
        """Remember which rows stand more than once: their copies are numbered when read again."""
        marks, counts = np.unique(np.array(self._marks, np.uint64), return_counts=True)
        self._repeated = dict.fromkeys((int(mark) for mark in marks[counts > 1]), 0)

    def _key(self, row: Row) -> str:
        content = sorted((name, cell.strip()) for name, cell in row.cells.items() if cell.strip())
        text = json.dumps([self.name, content], ensure_ascii=True)
        digest = hashlib.sha256(text.encode())
        mark = int.from_bytes(digest.digest()[:8], "big")
        if not self._is_second:
            self._marks.append(mark)
            return ""
        if mark in self._repeated:
            self._repeated[mark] += 1
            digest.update(f"#{self._repeated[mark]}".encode())
        return digest.hexdigest()

    def _unknown(self, session: Session, items: list[Item]) -> list[Item]:
        if not self._is_second:
            return items
        had = self._had(session, [item.key for item in items])
        new = [item for item in items if item.key not in had]
        self.summary.new += len(new)
        self.summary.known += len(items) - len(new)
        return new

    def _had(self, session: Session, keys: list[str]) -> set[str]:
        """The keys that are kept already, in whatever version."""
        found = self._superseded.intersection(keys)
        versioned = dict(self._versioned())
        for column in self.keys:
            current = [known(versioned[column])] if column in versioned else []
            found |= set(session.scalars(select(column).where(column.in_(keys), *current)))
        return found

    def _versioned(self) -> list[tuple[InstrumentedAttribute[Any], type[Versioned]]]:
        models = [(column, column.parent.class_) for column in self.keys]
        return [(column, model) for column, model in models if issubclass(model, Versioned)]

    @abstractmethod
    def examine(self, row: Row, values: Values, patient: Subject, faults: Faults) -> None:
        """What is wrong with the row beyond its single cells."""

    @abstractmethod
    def write(self, session: Session, items: list[Item]) -> None:
        """Write good rows."""

    def in_past(self, row: Row, values: Values, names: Iterable[str], faults: Faults) -> None:
        """Refuse days of these columns that have not come anywhere yet."""
        for name in names:
            day = values.get(name)
            if day is not None and day > self.today:
                faults.add(row.line, name, row.cells[name], "lies in the future")

    def stamp(self, key: str) -> dict[str, Any]:
        """Who recorded a row, when, and its key."""
        return {"fact_key": key, "recorded_by": self.job.by, "recorded_at": self.job.at}

    def record(self, session: Session, items: list[Item]) -> None:
        """One line in the trail of each patient of the batch, with the keys of the rows."""
        of_patient: dict[int, list[str]] = {}
        for item in items:
            of_patient.setdefault(item.patient.id, []).append(item.key)
        entries = [
            audit.Entry(f"patient:{patient_id}", f"{self.name}.imported", {"rows": keys})
            for patient_id, keys in of_patient.items()
        ]
        audit.record_many(session, entries, by=self.job.by, at=self.job.at)


def subjects(session: Session, numbers: Collection[str]) -> dict[str, Subject]:
    """The patients with these study numbers."""
    rows = session.execute(
        select(Patient.id, Patient.study_number, TreatmentCourse.started_on, Demographics.sex)
        .join(TreatmentCourse, TreatmentCourse.patient_id == Patient.id)
        .join(Demographics, Demographics.patient_id == Patient.id)
        .where(
            Patient.study_number.in_(numbers),
            TreatmentCourse.number == 1,
            known(TreatmentCourse),
            known(Demographics),
        )
    )
    return {row.study_number: Subject(row.id, row.started_on, row.sex) for row in rows}
