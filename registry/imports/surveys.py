"""surveys.csv: answers with their outcomes, and why there are none."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.actions.endings import AWAITED, WAITING
from registry.imports.columns import Columns, Values
from registry.imports.facts import FactReader, Item, Subject
from registry.imports.faults import Faults
from registry.imports.job import Job
from registry.imports.reading import Row
from registry.models import (
    Disposition,
    FollowUp,
    OutboxEmail,
    OutcomeValue,
    Response,
    ResponseStatus,
)
from registry.models.writing import Row as Columns_
from registry.models.writing import insert_numbered, insert_rows, stamp
from registry.queries import protocols
from registry.schemas.fields import read_number
from registry.schemas.rows import ANSWERED, SurveyRowSchema
from surveys.lifecycle import ANSWERED as ANSWERED_STATES
from surveys.lifecycle import FollowUpState, OutboxState
from surveys.timepoints import in_window

OUTSIDE = "Answers outside their window, kept and counted apart"
LEFT_OUT = "Rows without an answer but with outcomes, which are left out"


class SurveyReader(FactReader):
    """Several rows of one patient and month are all kept; the statistics say which counts."""

    name = "surveys"
    keys = (Response.import_key, Disposition.fact_key)

    def __init__(self, session: Session, job: Job) -> None:
        super().__init__(job)
        needed = ("patient_id", "wave_month", "status", "completed_on")
        self.columns = Columns(SurveyRowSchema(), needed, open_ended=True)
        self._protocol = protocols.in_force(session).protocol
        self._months = sorted({0, *self._protocol.by_month})

    def examine(self, row: Row, values: Values, patient: Subject, faults: Faults) -> None:
        """A month of the protocol, a day for each answer, and a number for each outcome."""
        self.in_past(row, values, ("invited_on", "completed_on"), faults)
        month, is_answer = values["wave_month"], values["status"] in ANSWERED
        if month not in self._months:
            listed = ", ".join(map(str, self._months))
            cell = row.cells["wave_month"]
            faults.add(row.line, "wave_month", cell, f"is no month of the protocol: {listed}")
        elif is_answer and "completed_on" not in values:
            faults.add(row.line, "completed_on", "", "is missing; an answer needs its day")
        elif is_answer and month and self._is_outside(month, values, patient):
            self.summary.notes[OUTSIDE] += 1
        outcomes = self._outcomes(row, faults)
        if outcomes and not is_answer:
            self.summary.notes[LEFT_OUT] += 1
        values["outcomes"] = outcomes if is_answer else {}

    def _is_outside(self, month: int, values: Values, patient: Subject) -> bool:
        timepoint = self._protocol.by_month[month].timepoint
        return not in_window(patient.treated_on, timepoint, values["completed_on"])

    def _outcomes(self, row: Row, faults: Faults) -> Values:
        found: Values = {}
        for name in self.columns.others:
            cell = row.cells.get(name, "").strip()
            if not cell:
                continue
            number = read_number(cell)
            if number is None:
                faults.add(
                    row.line,
                    name,
                    row.cells[name],
                    "is not a number; outcomes are numbers, yes is 1 and no is 0",
                )
            elif name in self._protocol.by_outcome and number not in (0, 1):
                faults.add(row.line, name, cell, "is neither 1 (yes) nor 0 (no)")
            else:
                found[name] = number
        return found

    def write(self, session: Session, items: list[Item]) -> None:
        """Responses with outcomes, dispositions, and the follow-ups that are answered by them."""
        answers = [item for item in items if item.values["status"] in ANSWERED]
        self._write_answers(session, answers)
        rows = [self._disposition(item) for item in items if item.values["status"] not in ANSWERED]
        insert_rows(session, Disposition, rows)
        self._settle(session, answers)
        self.record(session, items)

    def _write_answers(self, session: Session, items: list[Item]) -> None:
        if not items:
            return
        ids = insert_numbered(session, Response, [self._response(item) for item in items])
        pairs = list(zip(ids, items, strict=True))
        insert_rows(session, ResponseStatus, [self._status(*pair) for pair in pairs])
        outcomes = [
            {
                "response_id": response_id,
                "code": code,
                "value": value,
                **stamp(self.job.by, self.job.at),
            }
            for response_id, item in pairs
            for code, value in item.values["outcomes"].items()
        ]
        insert_rows(session, OutcomeValue, outcomes)

    def _response(self, item: Item) -> Columns_:
        return {
            "patient_id": item.patient.id,
            "month": item.values["wave_month"],
            "mode": "import",
            "import_key": item.key,
            "invited_on": item.values.get("invited_on"),
            "recorded_by": self.job.by,
            "recorded_at": self.job.at,
        }

    def _status(self, response_id: int, item: Item) -> Columns_:
        """`recall_from` stays open: the file does not say from when the questions asked."""
        day = item.values["completed_on"]
        return {
            "response_id": response_id,
            "patient_id": item.patient.id,
            "month": item.values["wave_month"],
            "status": item.values["status"],
            "answered_on": day,
            "submitted_at": datetime.combine(day, time(12), UTC),
            **stamp(self.job.by, self.job.at),
        }

    def _disposition(self, item: Item) -> Columns_:
        told = item.values
        return {
            "patient_id": item.patient.id,
            "month": told["wave_month"],
            "code": told["status"],
            "noted_on": told.get("completed_on", told.get("invited_on")),
            "source": "import",
            **self.stamp(item.key),
        }

    def _settle(self, session: Session, items: Iterable[Item]) -> None:
        """Nobody is asked again what the file answers, nor about a time it covers."""
        days: dict[int, dict[int, date]] = {}
        for item in items:
            of_patient = days.setdefault(item.patient.id, {})
            of_patient[item.values["wave_month"]] = item.values["completed_on"]
        rows = session.scalars(
            select(FollowUp)
            .where(
                FollowUp.patient_id.in_(days),
                FollowUp.month > 0,
                FollowUp.state.not_in(ANSWERED_STATES),
            )
            .with_for_update()
        )
        settled = [row.id for row in rows if self._settle_one(row, days[row.patient_id])]
        session.execute(
            update(OutboxEmail)
            .where(OutboxEmail.follow_up_id.in_(settled), OutboxEmail.state.in_(WAITING))
            .values(state=OutboxState.CANCELLED, state_reason="answered", ended_at=self.job.at)
        )

    def _settle_one(self, row: FollowUp, days: Mapping[int, date]) -> bool:
        """Whether the follow-up is answered by the file; one to come asks from the last answer."""
        before = [day for month, day in days.items() if 0 < month < row.month]
        if row.state in AWAITED:
            row.recall_from = max(row.recall_from, *before) if before else row.recall_from
        day = days.get(row.month)
        if day is None or day < row.opens_on:
            return False
        state = FollowUpState.ANSWERED if day <= row.closes_on else FollowUpState.ANSWERED_LATE
        row.state, row.state_reason, row.ended_at = state, "imported", self.job.at
        return True
