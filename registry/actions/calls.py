"""Calls to silent patients: what came of each is a disposition of the response rate."""

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from registry import audit
from registry.actions.facts import Problem, Unusable
from registry.models import Disposition, FollowUp
from registry.models.writing import stamp
from surveys.timepoints import last_civil_day

OUTCOMES = ("promised", "no_contact", "refused", "undeliverable", "other")
PATIENCE = timedelta(days=3)  # until somebody who wants to answer is called again


def record_call(
    session: Session,
    follow_up: FollowUp,
    code: str,
    called_on: date,
    note: str | None = None,
    *,
    by: str,
    at: datetime,
) -> Disposition:
    """What came of a call about one questionnaire: reached and will answer, nobody reached,
    refused, a number that is not theirs, cannot answer. Raises Unusable for a day to come.

    Answers given by telephone are entered as answers, a death is recorded as one: neither is here.
    """
    if called_on > last_civil_day(at):
        raise Unusable([Problem("called_on", f"{called_on} lies in the future")])
    call = Disposition(
        patient_id=follow_up.patient_id,
        month=follow_up.month,
        code=code,
        noted_on=called_on,
        source="call",
        note=note,
        **stamp(by, at),
    )
    session.add(call)
    if code == "promised":
        follow_up.call_on = called_on + PATIENCE
    audit.record(
        session,
        by=by,
        at=at,
        action="call.recorded",
        subject=f"patient:{follow_up.patient_id}",
        changes={"month": follow_up.month, "code": code, "called_on": called_on, "note": note},
    )
    return call
