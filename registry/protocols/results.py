"""What a protocol makes of one response: scores, outcomes, status, alerts, reported problems."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from registry.protocols.categories import categories_of
from registry.protocols.model import AlertRule, Protocol
from surveys.answers import Completeness, Context, completeness, matches, repetitions
from surveys.questions import Answer

Answers = Mapping[str, Answer]


@dataclass(frozen=True)
class RaisedAlert:
    """An alert rule met by the answer to `question` (its own code in a repeated section)."""

    rule: AlertRule
    question: str


@dataclass(frozen=True)
class ReportedProblem:
    """A new health problem as the patient tells it; `grade` is a first reading of the severity."""

    term: str
    onset_on: date | None
    severity: str | None
    grade: int | None
    in_hospital: bool | None
    still_there: bool | None
    serious: bool
    categories: frozenset[str]


def results(protocol: Protocol, month: int, answers: Answers) -> dict[str, Decimal]:
    """Scores, and outcomes of that month as 1 or 0, by code; what cannot be decided is left out."""
    scores = {
        score.code: value
        for score in protocol.scores
        if (value := _score(protocol, score.code, answers)) is not None
    }
    met = {
        outcome.code: _met(protocol, outcome.code, scores, answers)
        for outcome in protocol.outcomes
        if month in outcome.months
    }
    return scores | {code: Decimal(value) for code, value in met.items() if value is not None}


def _score(protocol: Protocol, code: str, answers: Answers) -> Decimal | None:
    score = next(score for score in protocol.scores if score.code == code)
    if score.mean:
        return score.mean.value(answers)
    return score.dose.value(answers, protocol.steroids.factors) if score.dose else None


def _met(
    protocol: Protocol, code: str, scores: Mapping[str, Decimal], answers: Answers
) -> bool | None:
    outcome = protocol.by_outcome[code]
    if outcome.answer:
        return outcome.answer.met(answers)
    return outcome.score.met(scores) if outcome.score else None


def status(protocol: Protocol, context: Context, answers: Answers) -> Completeness:
    """How complete the answers are by the protocol's shares."""
    shares = protocol.completeness
    return completeness(protocol.questionnaire, context, answers, shares.complete, shares.partial)


def alerts(protocol: Protocol, answers: Answers) -> tuple[RaisedAlert, ...]:
    """Every alert that the answers raise, one for each repetition that meets the rule."""
    return tuple(
        RaisedAlert(rule, question.code)
        for rule in protocol.alerts
        for question in matches(protocol.questionnaire, rule.when, answers)
    )


def reported_problems(
    protocol: Protocol, answers: Answers, since: date
) -> tuple[ReportedProblem, ...]:
    """The new health problems among the answers; those without a name are left out.

    Where only the month of onset is known, it is the month's first day, or `since` (the day the
    question asked from) if that lies later in the same month.
    """
    rule = protocol.reported_events
    told = repetitions(protocol.questionnaire, rule.section, answers)
    return tuple(_problem(protocol, one, since) for one in told if rule.term in one)


def _problem(protocol: Protocol, told: Answers, since: date) -> ReportedProblem:
    rule = protocol.reported_events
    term, severity = str(told[rule.term]), told.get(rule.severity)
    hospital, ongoing = told.get(rule.hospital), told.get(rule.ongoing)
    serious = any(condition.holds(told) for condition in rule.serious)
    grade = rule.grades.get(str(severity))
    return ReportedProblem(
        term=term,
        onset_on=_onset(told.get(rule.onset), since),
        severity=None if severity is None else str(severity),
        grade=grade,
        in_hospital=None if hospital is None else hospital in rule.in_hospital,
        still_there=None if ongoing is None else ongoing == "yes",
        serious=serious,
        categories=categories_of(protocol.event_categories, term, serious, grade),
    )


def _onset(told: Answer | None, since: date) -> date | None:
    if told is None:
        return None
    text = str(told)
    if len(text) == len("2026-01-31"):
        return date.fromisoformat(text)
    first = date.fromisoformat(f"{text}-01")
    return max(first, since) if (first.year, first.month) == (since.year, since.month) else first


def groups_of(protocol: Protocol, sex: str | None, age: int | None) -> frozenset[str]:
    """The question groups that fit a patient; unknown sex or age leaves nobody out."""
    return frozenset(
        group.code
        for group in protocol.groups
        if (sex is None or sex in group.sexes)
        and (age is None or group.from_age <= age <= group.to_age)
    )
