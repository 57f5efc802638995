"""What follows from answers: alerts for the clinic, and health problems to look at.

The caller writes the audit event, for these rows belong to the saving or sending itself.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from registry.models import Alert, EventCategory, FollowUp, ReportedEvent, Response
from registry.protocols import Protocol, categories_of
from registry.queries import surveys as reading
from surveys.answers import matches, repetitions
from surveys.questions import Answer as Given


def raise_alerts(
    session: Session,
    follow_up: FollowUp,
    before: Mapping[str, Given],
    answers: Mapping[str, Given],
    protocol: Protocol,
    *,
    by: str,
    at: datetime,
) -> None:
    """One alert for each answer that has newly become severe; saved before it is ever sent."""
    instrument = reading.instrument_of(follow_up)
    for rule in protocol.alerts:
        known_already = set(matches(instrument, rule.when, before))
        for question in matches(instrument, rule.when, answers):
            if question not in known_already:
                session.add(
                    Alert(
                        patient_id=follow_up.patient_id,
                        site_id=follow_up.site_id,
                        follow_up_id=follow_up.id,
                        kind=rule.code,
                        question=question.code,
                        message=rule.label,
                        due_at=at + timedelta(hours=rule.within_hours),
                        recorded_at=at,
                        recorded_by=by,
                    )
                )


def report_events(
    session: Session,
    follow_up: FollowUp,
    response: Response,
    answers: Mapping[str, Given],
    protocol: Protocol,
    *,
    by: str,
    at: datetime,
) -> None:
    """The health problems that the answers tell, in the patient's words, waiting for triage."""
    rule = protocol.reported_events
    told = repetitions(reading.instrument_of(follow_up), rule.section, answers)
    for number, problem in enumerate(told, start=1):
        if rule.term not in problem:
            continue
        event = _reported_event(problem, protocol, follow_up)
        event.fact_key = f"reported:{response.id}:{number}"
        event.patient_id, event.response_id = follow_up.patient_id, response.id
        event.recorded_at, event.recorded_by = at, by
        session.add(event)
        session.add_all(
            EventCategory(
                patient_id=follow_up.patient_id,
                event_key=event.fact_key,
                category=category,
                fact_key=f"{event.fact_key}:{category}",
                recorded_at=at,
                recorded_by=by,
            )
            for category in event.categories
        )


def _reported_event(
    problem: Mapping[str, Given], protocol: Protocol, follow_up: FollowUp
) -> ReportedEvent:
    rule = protocol.reported_events
    term, severity = str(problem[rule.term]), problem.get(rule.severity)
    serious = any(condition.holds(problem) for condition in rule.serious)
    grade = rule.grades.get(str(severity))
    hospital = problem.get(rule.hospital)
    ongoing = problem.get(rule.ongoing)
    return ReportedEvent(
        term=term,
        categories=sorted(categories_of(protocol.event_categories, term, serious, grade)),
        onset_on=_onset(problem.get(rule.onset), follow_up.recall_from),
        severity=None if severity is None else str(severity),
        grade=grade,
        in_hospital=None if hospital is None else hospital in rule.in_hospital,
        still_there=None if ongoing is None else ongoing == "yes",
        serious=serious,
    )


def _onset(told: Any, recall_from: date) -> date | None:
    """The day told; of a month only, its first day that the question was about."""
    if not isinstance(told, str):
        return None
    if len(told) == len("2024-02-29"):
        return date.fromisoformat(told)
    first = date.fromisoformat(f"{told}-01")
    same_month = (first.year, first.month) == (recall_from.year, recall_from.month)
    return recall_from if same_month else first
