"""Versions of answers, of how far a response is, and of the outcomes that follow.

The caller writes the audit event, for these rows belong to its saving, sending or correcting.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy.orm import Session

from registry.models import Answer, FollowUp, OutcomeValue, Response, ResponseStatus
from registry.models.writing import end_current, insert_rows
from registry.protocols import Protocol
from registry.protocols.values import values_of
from registry.queries import surveys as reading
from surveys.answers import Completeness, completeness, count
from surveys.questions import Answer as Given


def replace_answers(
    session: Session,
    response: Response,
    changed: Iterable[str],
    answers: Mapping[str, Given],
    *,
    by: str,
    at: datetime,
    reason: str | None,
) -> None:
    """End the current answers of these questions, and write the new ones that there are, with the
    reason where they correct what was sent.
    """
    codes = sorted(changed)
    end_current(session, Answer, response.id, at, codes)
    rows = [
        {
            "response_id": response.id,
            "question": code,
            "value": answers[code],
            "fact_key": f"answer:{response.id}:{code}",
            "reason": reason,
            "recorded_at": at,
            "recorded_by": by,
        }
        for code in codes
        if code in answers
    ]
    insert_rows(session, Answer, rows)


def set_status(
    session: Session,
    follow_up: FollowUp,
    response: Response,
    answers: Mapping[str, Given],
    protocol: Protocol,
    answered_on: date,
    submitted_at: datetime | None,
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """A new version of how far the response is. What was never sent is at most partial."""
    instrument = reading.instrument_of(follow_up)
    context = reading.context_of(follow_up, answered_on)
    rule = protocol.completeness
    status = completeness(instrument, context, answers, rule.complete, rule.partial)
    if submitted_at is None and status is Completeness.COMPLETE:
        status = Completeness.PARTIAL
    items = count(instrument, context, answers)
    end_current(session, ResponseStatus, response.id, at)
    row = {
        "response_id": response.id,
        "patient_id": response.patient_id,
        "month": response.month,
        "status": status.value,
        "answered_on": answered_on,
        "submitted_at": submitted_at,
        "recall_from": follow_up.recall_from,
        "items_answered": items.answered,
        "items_applicable": items.applicable,
        "fact_key": f"response:{response.id}",
        "reason": reason,
        "recorded_at": at,
        "recorded_by": by,
    }
    insert_rows(session, ResponseStatus, [row])


def set_outcomes(
    session: Session,
    response: Response,
    answers: Mapping[str, Given],
    protocol: Protocol,
    *,
    by: str,
    at: datetime,
    reason: str | None,
) -> None:
    """New versions of every score and outcome that follows from the answers."""
    values = values_of(protocol, answers)
    end_current(session, OutcomeValue, response.id, at)
    rows = [
        {
            "response_id": response.id,
            "code": code,
            "value": value,
            "fact_key": f"outcome:{response.id}:{code}",
            "reason": reason,
            "recorded_at": at,
            "recorded_by": by,
        }
        for code, value in values.items()
    ]
    insert_rows(session, OutcomeValue, rows)
