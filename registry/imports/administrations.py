"""administrations.csv: what was given when, by which route."""

from sqlalchemy.orm import Session

from registry.imports.columns import Columns, Values
from registry.imports.facts import FactReader, Item, Subject
from registry.imports.faults import Faults
from registry.imports.job import Job
from registry.imports.reading import Row
from registry.models import Administration
from registry.models.writing import insert_rows
from registry.queries import protocols
from registry.schemas.fields import Choice
from registry.schemas.rows import ROUTES, AdministrationRowSchema


class AdministrationReader(FactReader):
    """Administrations of the first course; day 0 is the first of them."""

    name = "administrations"
    keys = (Administration.fact_key,)

    def __init__(self, session: Session, job: Job) -> None:
        super().__init__(job)
        schema = AdministrationRowSchema()
        codes = [coded.code for coded in protocols.in_force(session).protocol.routes]
        also = {word: code for word, code in ROUTES.items() if code in codes}
        schema.fields["route"] = Choice(codes, also, required=True)
        self.columns = Columns(schema, ("patient_id", "given_on", "route"))

    def examine(self, row: Row, values: Values, patient: Subject, faults: Faults) -> None:
        """Not in the future, and not before day 0."""
        self.in_past(row, values, ("given_on",), faults)
        if values["given_on"] < patient.treated_on:
            faults.add(
                row.line,
                "given_on",
                row.cells["given_on"],
                f"is before the treatment date {patient.treated_on}, which is the day of the "
                "first administration; correct one of them",
            )

    def write(self, session: Session, items: list[Item]) -> None:
        """One row each."""
        rows = [
            {
                "patient_id": item.patient.id,
                "given_on": item.values["given_on"],
                "route": item.values["route"],
                "cells": item.values.get("cells"),
                **self.stamp(item.key),
            }
            for item in items
        ]
        insert_rows(session, Administration, rows)
        self.record(session, items)
