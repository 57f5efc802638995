"""labs.csv: laboratory results at any date."""

from decimal import Decimal

from sqlalchemy.orm import Session

from registry.actions import laboratory
from registry.actions.facts import Measured
from registry.imports.columns import Columns, Values
from registry.imports.facts import FactReader, Item, Subject
from registry.imports.faults import Faults
from registry.imports.job import Job
from registry.imports.reading import Row
from registry.models import LabResult
from registry.models.writing import Row as Columns_
from registry.models.writing import insert_rows
from registry.queries import laboratory as results
from registry.schemas.rows import LabRowSchema


class LabReader(FactReader):
    """Each result in the unit of the laboratory table, as reported beside it."""

    name = "labs"
    keys = (LabResult.fact_key,)

    def __init__(self, session: Session, job: Job) -> None:
        super().__init__(job)
        needed = ("patient_id", "code", "value", "unit", "collected_on")
        self.columns = Columns(LabRowSchema(), needed)

    def examine(self, row: Row, values: Values, patient: Subject, faults: Faults) -> None:
        """Test, value and unit can be read, and the day has come."""
        self.in_past(row, values, ("collected_on",), faults)
        measured = _measured(values)
        found = laboratory.problems(measured)
        for problem in found:
            faults.add(row.line, problem.field, row.cells.get(problem.field, ""), problem.text)
        question = None if found else laboratory.doubt(measured)
        if question:
            self.summary.notes[f"Results to look at ({question})"] += 1

    def write(self, session: Session, items: list[Item]) -> None:
        """One row each, graded against the patient's values before treatment."""
        baselines = dict(results.baselines(session, {item.patient.id for item in items}))
        rows: list[Columns_] = []
        for item in sorted(items, key=lambda item: item.values["collected_on"]):
            columns = _columns(item, baselines)
            rows.append({"patient_id": item.patient.id, **columns, **self.stamp(item.key)})
            is_baseline = columns["collected_on"] <= item.patient.treated_on
            if is_baseline and columns["comparator"] is None:
                baselines[item.patient.id, columns["test"]] = columns["value"]
        insert_rows(session, LabResult, rows)
        self.record(session, items)


def _columns(item: Item, baselines: dict[tuple[int, str], Decimal]) -> Columns_:
    measured, patient = _measured(item.values), item.patient
    columns = laboratory.columns(measured, patient.sex)
    baseline = baselines.get((patient.id, columns["test"]))
    if baseline is None:
        return columns
    return laboratory.columns(measured, patient.sex, baseline)


def _measured(values: Values) -> Measured:
    return Measured(
        test=values["code"],
        value=values["value"],
        unit=values.get("unit", ""),
        collected_on=values["collected_on"],
        reference_low=values.get("reference_low"),
        reference_high=values.get("reference_high"),
    )
