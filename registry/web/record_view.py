"""What the page of a record shows, made of the record: next step, plan, scores, results, events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import labs, words
from registry.models import FollowUp, LabResult, OutcomeValue, Patient, Response, Site, known
from registry.queries import protocols, surveys, worklists
from registry.queries.records import Line, Record
from registry.reports import figures
from registry.survey_words import SurveyWords
from registry.web import labels
from surveys.lifecycle import FollowUpState

CALL_DUE = ("Call due", "amber")
SCALE_END = 10


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One follow-up in words; `state` is (words, colour)."""

    month: int
    due: str
    window: str
    mail: str
    answer: str
    state: tuple[str, str]
    why: str


@dataclass(frozen=True, slots=True)
class LabRow:
    """One result in words."""

    key: str
    test: str
    on: str
    value: str
    flag: str
    range: str


@dataclass(frozen=True, slots=True)
class View:
    """The record as shown. `state`: (words, colour) of the whole record."""

    day: int
    state: tuple[str, str]
    banner: tuple[str, str, str] | None
    plan: figures.Plan
    rows: Sequence[PlanRow]
    panels: Sequence[figures.Scores]
    labs: Sequence[LabRow]
    zone: ZoneInfo
    call_months: Sequence[int]


def view(session: Session, record: Record, at: datetime) -> View:
    """Everything that needs working out."""
    zone = ZoneInfo(record.demographics.zone or record.site.zone)
    today = at.astimezone(zone).date()
    due = [line.follow_up.month for line in record.lines if is_call_due(line, at)]
    return View(
        day=record.day(today),
        state=_state(record),
        banner=_banner(record, due),
        plan=_figure(record, today),
        rows=[_row(line, line.follow_up.month in due, zone) for line in record.lines],
        panels=_panels(session, record, today),
        labs=[_lab(result) for result in record.labs],
        zone=zone,
        call_months=due,
    )


def _state(record: Record) -> tuple[str, str]:
    if record.death:
        return f"Died {words.date(record.death.died_on)}", "red"
    if record.withdrawal:
        return labels.SCOPES[record.withdrawal.scope], "neutral"
    awaited = {FollowUpState.PLANNED, FollowUpState.OPEN}
    if any(line.follow_up.state in awaited for line in record.lines):
        return "In follow-up", "blue"
    return "Follow-up ended", "neutral"


def is_call_due(line: Line, at: datetime) -> bool:
    """Whether silence has become a call: by the protocol's day, or at once without letters."""
    if any(call.code in worklists.CALL_OFF for call in line.calls):
        return False
    return worklists.is_call_due(line.follow_up, at)


def _banner(record: Record, due: Sequence[int]) -> tuple[str, str, str] | None:
    """The next step in words: (heading, text, colour)."""
    if record.alerts:
        texts = "; ".join(alert.message for alert in record.alerts)
        return "Alert", f"{texts}.", "red"
    line = next((line for line in record.lines if line.follow_up.month in due), None)
    if line is not None:
        one = line.follow_up
        sent = words.plural(len(line.sent_on), "letter")
        tried = f" Called {words.plural(len(line.calls), 'time')}." if line.calls else ""
        text = f"No answer to month {one.month} after {sent}.{tried} "
        return "Call due", text + f"The window closes on {words.date(one.closes_on)}.", "amber"
    if record.holds:
        texts = "; ".join(labels.HOLDS[hold.kind] for hold in record.holds)
        return "No letters go out", f"{texts}.", "amber"
    if record.consent is None:
        return "No consent recorded", "No letter goes out until a consent is recorded.", "amber"
    return None


def _row(line: Line, call_due: bool, zone: ZoneInfo) -> PlanRow:
    one = line.follow_up
    return PlanRow(
        month=one.month,
        due=words.date(one.due_on),
        window=words.date_range(one.opens_on, one.closes_on),
        mail=_mail(line),
        answer=_answer(line),
        state=CALL_DUE if call_due else labels.FOLLOW_UP_STATES[one.state],
        why=one.state_reason or "",
    )


def _mail(line: Line) -> str:
    if line.follow_up.month == 0:
        return "never mailed"
    sent = len(line.sent_on)
    planned = sum(letter.state in ("queued", "leased", "handover") for letter in line.letters)
    said = [f"{sent} sent"] if sent else []
    said += [f"{planned} planned"] if planned else []
    return ", ".join(said) or "none yet"


def _answer(line: Line) -> str:
    if line.response is None or line.status is None:
        return "none yet" if line.follow_up.state in ("planned", "open") else "none"
    status = line.status
    mode = labels.MODES[line.response.mode]
    if status.submitted_at is None:
        return f"{status.items_answered} of {status.items_applicable} answered, not sent"
    return f"{words.date(status.answered_on)}, {mode}"


def _figure(record: Record, today: date) -> figures.Plan:
    state = {"answered_late": figures.State.ANSWERED}
    return figures.Plan(
        record.treated_on,
        today,
        tuple(
            figures.PlannedFollowUp(
                month=line.follow_up.month,
                due_on=line.follow_up.due_on,
                first_on=line.follow_up.opens_on,
                last_on=line.follow_up.closes_on,
                state=state.get(line.follow_up.state) or figures.State(line.follow_up.state),
                answered_on=line.status.answered_on if line.is_sent and line.status else None,
                answer=_how(line),
                mails=line.sent_on,
                calls=tuple(c.noted_on for c in line.calls if c.source == "call" and c.noted_on),
            )
            for line in record.lines
            if line.follow_up.month > 0
        ),
        (
            *(figures.PlannedEvent(event.onset_on) for event in record.events),
            *(
                figures.PlannedEvent(told.onset_on, waits=True)
                for told in record.reported
                if told.onset_on and told.state == "waiting"
            ),
        ),
    )


def _how(line: Line) -> figures.Answer:
    by_web = line.response is None or line.response.mode == "web"
    return figures.Answer.WEB if by_web else figures.Answer.CLINIC


def _panels(session: Session, record: Record, today: date) -> list[figures.Scores]:
    """The protocol's scores of this patient over time; a month gone by without one is a gap."""
    values = _values(session, record.patient.id)
    found = []
    for score in record.protocol.scores:
        points = []
        for line in record.lines:
            month = line.follow_up.month
            value = values.get((score.code, month))
            if value is None and line.follow_up.closes_on >= today:
                continue
            points.append(figures.Point(month, None if value is None else figures.Limits(value)))
        about, high = ("0 none, 10 worst", SCALE_END) if score.mean else ("mg a day", _top(points))
        if any(point.score for point in points):
            found.append(figures.Scores(score.label, about, 0, high, tuple(points), digits=1))
    return found


def _top(points: Sequence[figures.Point]) -> float:
    """A round number at or above the highest value."""
    highest = max((point.score.value for point in points if point.score), default=0.0)
    return next((top for top in (10, 20, 40, 60, 100) if top >= highest), highest)


def _values(session: Session, patient_id: int) -> Mapping[tuple[str, int], float]:
    rows = session.execute(
        select(OutcomeValue.code, Response.month, OutcomeValue.value)
        .join(Response, Response.id == OutcomeValue.response_id)
        .where(Response.patient_id == patient_id, known(OutcomeValue))
        .order_by(Response.id)
    )
    return {(code, month): float(value) for code, month, value in rows}


def _lab(result: LabResult) -> LabRow:
    test = labs.find(result.test)
    graded = f", grade {result.grade}" if result.grade else ""
    flag = f"{result.flag}{graded}" if result.flag and result.flag != "normal" else ""
    value = words.number(float(result.value), test.decimals) if result.value is not None else "?"
    return LabRow(
        key=result.fact_key,
        test=test.label,
        on=words.date(result.collected_on),
        value=f"{result.comparator or ''}{value} {result.unit}",
        flag=flag,
        range=_range(result, test.decimals),
    )


def _range(result: LabResult, decimals: int) -> str:
    low, high = result.reference_low, result.reference_high
    if low is None and high is None:
        return "no limits known"
    whose = "" if result.reference_from == "laboratory" else " (for orientation)"
    if low is None:
        return f"up to {words.number(float(high or 0), decimals)}{whose}"
    if high is None:
        return f"from {words.number(float(low), decimals)}{whose}"
    return f"{words.number(float(low), decimals)} to {words.number(float(high), decimals)}{whose}"


@dataclass(frozen=True, slots=True)
class AnsweredSection:
    """One part of a questionnaire with its answered questions: (question, answer) in words."""

    code: str
    title: str
    rows: Sequence[tuple[str, str]]


def answered_sections(
    session: Session, patient: Patient, follow_up: FollowUp
) -> list[AnsweredSection]:
    """The answers in the patient's words, part by part."""
    site = session.get_one(Site, patient.site_id)
    protocol = protocols.of_id(session, patient.protocol_id).protocol
    given = surveys.answers_of(session, surveys.response_of(session, follow_up))
    texts = SurveyWords(follow_up, site, protocol.emergency, follow_up.due_on)
    found = []
    for part in surveys.instrument_of(follow_up).sections:
        rows = [
            (str(texts.of(question, "text")), str(texts.answer(question, given[question.code])))
            for question in part.questions
            if question.code in given
        ]
        if rows:
            found.append(AnsweredSection(part.code, str(texts.section(part.code, "title")), rows))
    return found
