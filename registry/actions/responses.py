"""Answers: kept page by page, sent once, corrected with a reason; and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import answer_versions as versions
from registry.actions import consequences
from registry.actions.facts import Problem, Unusable
from registry.errors import DomainError
from registry.models import (
    FollowUp,
    OutboxEmail,
    Response,
)
from registry.protocols import Protocol
from registry.queries import surveys as reading
from registry.queries.courses import first_course
from registry.queries.surveys import Standing
from surveys.lifecycle import FollowUpState
from surveys.questions import Answer as Given
from surveys.timepoints import last_civil_day, recall_at_enrolment

ENROLMENT_DAYS = 15  # month 0 can be answered until the day before month 1's window opens

WHY_NOT = {
    Standing.ANSWERED: "it was sent already; what is wrong in it is corrected, with a reason",
    Standing.CLOSED: "its link ended on {last_day}; the clinic can still enter them",
    Standing.ENDED: "it was called off, for the patient left, died or took back the consent",
}
OF_THE_PATIENT = (
    "patient_id",
    "site_id",
    "zone",
    "language",
    "instrument_code",
    "instrument_version",
    "consent_version",
    "context",
)


class NotAnswerable(DomainError):
    """This questionnaire takes no answers: it was sent, it is over, or the patient has left."""


@dataclass(frozen=True)
class Entry:
    """How answers came: mode and respondent (codes of the response table)."""

    mode: str = "web"
    respondent: str = "self"


def save(
    session: Session,
    follow_up_id: int,
    answers: Mapping[str, Given],
    protocol: Protocol,
    entry: Entry,
    *,
    by_clinic: bool = False,
    by: str,
    at: datetime,
) -> Response:
    """Keep all answers so far. The first call makes the response; equal answers change nothing.
    How a response came is how it came last: a form that was begun on the web and comes on paper
    after all is a paper form.

    `by_clinic`: staff enter them, whom the end of the link does not bind.
    Raises NotAnswerable once it was sent, is over, or the patient has left.
    """
    follow_up = _locked(session, follow_up_id)
    refuse_unless_answerable(follow_up, at, by_clinic=by_clinic)
    response = reading.response_of(session, follow_up) or _begin(session, follow_up, entry, by, at)
    before = reading.answers_of(session, response)
    changed = [code for code in {*before, *answers} if before.get(code) != answers.get(code)]
    came = _came(response, entry)
    if not changed:
        if came:
            _record(session, follow_up, "answers.saved", came, by=by, at=at)
        return response
    versions.replace_answers(session, response, changed, answers, by=by, at=at, reason=None)
    consequences.raise_alerts(session, follow_up, before, answers, protocol, by=by, at=at)
    on = reading.local_day(follow_up, at)
    versions.set_status(session, follow_up, response, answers, protocol, on, None, by=by, at=at)
    changes = came | {code: answers.get(code) for code in changed}
    _record(session, follow_up, "answers.saved", changes, by=by, at=at)
    return response


def _came(response: Response, entry: Entry) -> dict[str, Any]:
    """Note how a response comes now; gives what is otherwise than before."""
    changes = {}
    for name in ("mode", "respondent"):
        before, now = getattr(response, name), getattr(entry, name)
        if before != now:
            setattr(response, name, now)
            changes[name] = (before, now)
    return changes


def submit(
    session: Session,
    follow_up_id: int,
    protocol: Protocol,
    answered_on: date | None = None,
    *,
    by_clinic: bool = False,
    by: str,
    at: datetime,
) -> bool:
    """Send what was kept. False, and nothing is done, where it was sent before.

    `answered_on`: the day on a paper form; else today in the patient's zone. Whatever letters of
    this follow-up still wait are cancelled in the same transaction.
    """
    follow_up = _locked(session, follow_up_id)
    on = reading.local_day(follow_up, at)
    if reading.standing(follow_up, on) is Standing.ANSWERED:
        return False
    refuse_unless_answerable(follow_up, at, by_clinic=by_clinic)
    response = reading.response_of(session, follow_up)
    if response is None:
        raise NotAnswerable("Nothing has been answered yet. Answer the first questions first.")
    answers = reading.answers_of(session, response)
    day = answered_on or on
    _refuse_day(follow_up, day, at)
    versions.set_status(session, follow_up, response, answers, protocol, day, at, by=by, at=at)
    versions.set_outcomes(session, response, answers, protocol, by=by, at=at, reason=None)
    consequences.report_events(session, follow_up, response, answers, protocol, by=by, at=at)
    _close(session, follow_up, day, at)
    _record(session, follow_up, "answers.sent", {"state": follow_up.state}, by=by, at=at)
    return True


def correct_answer(
    session: Session,
    follow_up_id: int,
    answers: Mapping[str, Given],
    protocol: Protocol,
    reason: str,
    *,
    by: str,
    at: datetime,
) -> None:
    """Lay corrected answers over sent ones, as new versions with the reason; outcomes follow.

    `answers` is the whole corrected set. Raises NotAnswerable where nothing was sent yet.
    """
    follow_up = _locked(session, follow_up_id)
    response = reading.response_of(session, follow_up)
    status = reading.status_of(session, response) if response else None
    if response is None or status is None or status.submitted_at is None:
        raise NotAnswerable("This questionnaire was not sent yet: enter it, do not correct it.")
    before = reading.answers_of(session, response)
    changed = [code for code in {*before, *answers} if before.get(code) != answers.get(code)]
    versions.replace_answers(session, response, changed, answers, by=by, at=at, reason=reason)
    versions.set_status(
        session,
        follow_up,
        response,
        answers,
        protocol,
        status.answered_on,
        status.submitted_at,
        by=by,
        at=at,
        reason=reason,
    )
    versions.set_outcomes(session, response, answers, protocol, by=by, at=at, reason=reason)
    changes = {code: (before.get(code), answers.get(code)) for code in changed}
    _record(session, follow_up, "answers.corrected", changes, by=by, at=at, reason=reason)


def open_enrolment_questionnaire(
    session: Session, patient_id: int, *, by: str, at: datetime
) -> FollowUp:
    """The patient's month 0 questionnaire; made on first use. It is never mailed."""
    rows = {
        row.month: row
        for row in session.scalars(select(FollowUp).where(FollowUp.patient_id == patient_id))
    }
    if 0 in rows:
        return rows[0]
    follow_up = _month_zero(rows[min(rows)], first_course(session, patient_id).started_on, at)
    session.add(follow_up)
    session.flush()
    _record(session, follow_up, "questionnaire.opened", {"month": 0}, by=by, at=at)
    return follow_up


def _month_zero(first: FollowUp, treated_on: date, at: datetime) -> FollowUp:
    """The row of month 0, after the patient's first planned follow-up."""
    last_day = date.fromordinal(treated_on.toordinal() + ENROLMENT_DAYS)
    return FollowUp(
        month=0,
        due_on=treated_on,
        opens_on=treated_on,
        closes_on=last_day,
        link_ends_on=max(last_day, reading.local_day(first, at)),
        recall_from=recall_at_enrolment(treated_on),
        state=FollowUpState.OPEN.value,
        opened_at=at,
        **{name: getattr(first, name) for name in OF_THE_PATIENT},
    )


def _locked(session: Session, follow_up_id: int) -> FollowUp:
    """The follow-up, held until the end of the transaction: two tabs take turns."""
    return session.get_one(FollowUp, follow_up_id, with_for_update=True, populate_existing=True)


def refuse_unless_answerable(follow_up: FollowUp, at: datetime, *, by_clinic: bool = False) -> None:
    """Raise NotAnswerable, with the reason in words, unless answers are taken."""
    on = reading.local_day(follow_up, at)
    standing = reading.standing(follow_up, on, by_clinic=by_clinic)
    if standing is not Standing.ANSWERABLE:
        why = WHY_NOT[standing].format(last_day=follow_up.link_ends_on)
        raise NotAnswerable(f"The month {follow_up.month} questionnaire takes no answers: {why}.")


def _refuse_day(follow_up: FollowUp, day: date, at: datetime) -> None:
    """A day on a paper form that cannot be: it would count for another time, or for none."""
    if day > last_civil_day(at):
        raise Unusable([Problem("answered_on", f"{day} lies in the future")])
    if day < follow_up.recall_from:
        text = f"{day} is before {follow_up.recall_from}, from which day on these questions ask"
        raise Unusable([Problem("answered_on", text)])


def _begin(session: Session, follow_up: FollowUp, entry: Entry, by: str, at: datetime) -> Response:
    response = Response(
        patient_id=follow_up.patient_id,
        follow_up_id=follow_up.id,
        month=follow_up.month,
        instrument_code=follow_up.instrument_code,
        instrument_version=follow_up.instrument_version,
        consent_version=follow_up.consent_version,
        mode=entry.mode,
        respondent=entry.respondent,
        recorded_at=at,
        recorded_by=by,
    )
    session.add(response)
    session.flush()
    return response


def _close(session: Session, follow_up: FollowUp, answered_on: date, at: datetime) -> None:
    in_time = answered_on <= follow_up.closes_on
    state = FollowUpState.ANSWERED if in_time else FollowUpState.ANSWERED_LATE
    follow_up.state, follow_up.state_reason, follow_up.ended_at = state.value, None, at
    session.execute(
        update(OutboxEmail)
        .where(
            OutboxEmail.follow_up_id == follow_up.id, OutboxEmail.state.in_(("queued", "leased"))
        )
        .values(state="cancelled", state_reason="answered", ended_at=at)
    )
    if follow_up.month:
        session.execute(
            update(FollowUp)
            .where(
                FollowUp.patient_id == follow_up.patient_id,
                FollowUp.month > follow_up.month,
                FollowUp.state.in_(("planned", "open")),
                FollowUp.recall_from < answered_on,
            )
            .values(recall_from=answered_on)
        )


def _record(
    session: Session,
    follow_up: FollowUp,
    action: str,
    changes: Mapping[str, Any],
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    told = {f"month {follow_up.month}: {name}": value for name, value in changes.items()}
    audit.record_of_patient(
        session, follow_up.patient_id, action, told, by=by, at=at, reason=reason
    )
