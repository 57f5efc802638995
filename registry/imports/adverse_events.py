"""adverse_events.csv: events that the clinic recorded, and events that patients reported."""

from typing import Any

from sqlalchemy.orm import Session

from registry.imports.columns import Columns, Values
from registry.imports.facts import FactReader, Item, Subject
from registry.imports.faults import Faults
from registry.imports.job import Job
from registry.imports.reading import Row
from registry.models import AdverseEvent, EventCategory, ReportedEvent
from registry.models.writing import Row as Columns_
from registry.models.writing import insert_rows, stamp
from registry.protocols import categories_of
from registry.queries import protocols
from registry.schemas.rows import AdverseEventRowSchema

BEFORE = "Events before the treatment, kept and counted apart"
CTCAE = "5.0"


class AdverseEventReader(FactReader):
    """A patient's report that the clinic confirmed is kept as both, linked."""

    name = "adverse-events"
    keys = (AdverseEvent.fact_key, ReportedEvent.fact_key)

    def __init__(self, session: Session, job: Job) -> None:
        super().__init__(job)
        needed = ("patient_id", "term", "onset_date", "grade", "serious", "related")
        self.columns = Columns(AdverseEventRowSchema(), needed)
        self._categories = protocols.in_force(session).protocol.event_categories

    def examine(self, row: Row, values: Values, patient: Subject, faults: Faults) -> None:
        """Not in the future. Before the treatment is possible, and counted apart."""
        self.in_past(row, values, ("onset_date", "confirmed_on"), faults)
        if values["onset_date"] < patient.treated_on:
            self.summary.notes[BEFORE] += 1

    def write(self, session: Session, items: list[Item]) -> None:
        """Events and reports with their categories."""
        clinic: list[Columns_] = []
        reported: list[Columns_] = []
        categories: list[Columns_] = []
        for item in items:
            told, confirmed = item.values, "confirmed_on" in item.values
            if told.get("source") != "patient":
                clinic.append(self._event(item, item.key))
                categories += self._categories_of(item, item.key)
                continue
            event_key = f"{item.key[:62]}:c" if confirmed else None
            reported.append(self._report(item, event_key))
            categories += self._categories_of(item, item.key)
            if event_key:
                clinic.append(self._event(item, event_key))
                categories += self._categories_of(item, event_key)
        insert_rows(session, AdverseEvent, clinic)
        insert_rows(session, ReportedEvent, reported)
        insert_rows(session, EventCategory, categories)
        self.record(session, items)

    def _event(self, item: Item, key: str) -> Columns_:
        told = item.values
        return {
            "patient_id": item.patient.id,
            "term": told["term"],
            "onset_on": told["onset_date"],
            "grade": told.get("grade"),
            "ctcae_version": CTCAE if "grade" in told else None,
            "serious": told["serious"],
            "related": told.get("related"),
            "confirmed_on": told.get("confirmed_on"),
            **self.stamp(key),
        }

    def _report(self, item: Item, event_key: str | None) -> Columns_:
        told = item.values
        return {
            "patient_id": item.patient.id,
            "term": told["term"],
            "categories": self._codes(told),
            "onset_on": told["onset_date"],
            "grade": told.get("grade"),
            "serious": told["serious"],
            "related": told.get("related"),
            "state": "confirmed" if event_key else "waiting",
            "adverse_event_key": event_key,
            **self.stamp(item.key),
        }

    def _codes(self, told: Values) -> list[Any]:
        return sorted(
            categories_of(self._categories, told["term"], told["serious"], told.get("grade"))
        )

    def _categories_of(self, item: Item, event_key: str) -> list[Columns_]:
        return [
            {
                "patient_id": item.patient.id,
                "event_key": event_key,
                "category": code,
                **stamp(self.job.by, self.job.at),
            }
            for code in self._codes(item.values)
        ]
