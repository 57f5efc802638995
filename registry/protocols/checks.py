"""What must hold between the parts of a protocol; each fault is told by its place."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from registry.protocols.model import OutcomeKind, Protocol
from surveys.instruments import Instrument
from surveys.lifecycle import reminders
from surveys.questions import Condition, QuestionType
from surveys.timepoints import add_months

Fault = tuple[str, str]
"""Where (a key of the file) and what is wrong."""

_FOUR_YEARS = [date(2024, 1, 1) + timedelta(days=n) for n in range(1461)]


def faults(protocol: Protocol, instrument: Instrument) -> Iterator[Fault]:
    """Everything in the protocol that does not fit together."""
    yield from _repeated_codes(protocol)
    yield from _schedule(protocol, instrument)
    yield from _amounts(protocol)
    yield from _rules(protocol, instrument)
    yield from _outcomes(protocol, instrument)
    yield from _categories(protocol)
    yield from _reported(protocol, instrument)


def _repeated_codes(protocol: Protocol) -> Iterator[Fault]:
    lists: dict[str, Iterable[str]] = {
        "outcomes": [item.code for item in protocol.outcomes]
        + [item.code for item in protocol.scores],
        "alerts": (item.code for item in protocol.alerts),
        "event_categories": (item.code for item in protocol.event_categories),
        "consents": (f"{item.code} ({item.language})" for item in protocol.consents),
        "medicine_classes": (item.code for item in protocol.medicine_classes),
        "diagnosis_types": (item.code for item in protocol.diagnosis_types),
        "cell_sources": (item.code for item in protocol.cell_sources),
        "donors": (item.code for item in protocol.donors),
        "routes": (item.code for item in protocol.routes),
        "observation_items": (item.code for item in protocol.observation_items),
    }
    variables = Counter(item.variable for item in protocol.matching)
    yield from (("matching", f"{name} stands twice") for name, n in variables.items() if n > 1)
    for key, codes in lists.items():
        counts = Counter(codes)
        if not counts:
            yield key, "needs at least one entry"
        yield from ((key, f"{code} stands twice") for code, n in counts.items() if n > 1)


def _schedule(protocol: Protocol, instrument: Instrument) -> Iterator[Fault]:
    last_day = 0
    for rule in protocol.timepoints:
        place = f"timepoints, month {rule.month}"
        if rule.month not in instrument.months or rule.month < 1:
            yield place, f"the instrument has the months {sorted(instrument.months - {0})}"
        if not last_day < rule.opens_day < rule.closes_day:
            yield place, "windows must be in order of time and may not overlap"
        last_day = rule.closes_day
        due = [(add_months(day, rule.month) - day).days for day in _FOUR_YEARS]
        if not rule.opens_day <= min(due) <= max(due) <= rule.closes_day:
            yield place, f"the due day (day {min(due)} to {max(due)}) must lie in the window"
        invited_on, closes_on = date(2024, 1, 1), date(2024, 1, 1)
        closes_on += timedelta(days=rule.closes_day - max(due))
        dropped = [
            item for item in reminders(rule.reminders, invited_on, closes_on) if item.dropped
        ]
        if dropped:
            yield place, f"reminder {dropped[0].number} can never go out: {dropped[0].dropped}"
        if not 0 <= rule.reminders.alert_before_close < (closes_on - invited_on).days:
            yield place, "alert_before_close must lie between the due day and the last day"


def _amounts(protocol: Protocol) -> Iterator[Fault]:
    limits = protocol.completeness
    if not 0 < limits.partial < limits.complete <= 1:
        yield "completeness", "partial must be above 0 and under complete, complete at most 1"
    if protocol.sending.invitation_gap_days < 0:
        yield "sending", "invitation_gap_days must be 0 or more"
    for key in ("link_days", "safety_days", "days_per_year"):
        if getattr(protocol, key) <= 0:
            yield key, "must be above 0"
    if any(dose <= 0 for dose in protocol.steroids.equal_to_5_mg.values()):
        yield "steroids", "doses must be above 0"


def _rules(protocol: Protocol, instrument: Instrument) -> Iterator[Fault]:
    for score in protocol.scores:
        place = f"scores, {score.code}"
        if score.mean:
            yield from _scales(instrument, score.mean.questions, place)
            if not 1 <= score.mean.minimum_answered <= len(score.mean.questions):
                yield place, "minimum_answered must lie between 1 and the number of questions"
        if score.dose:
            yield from _condition(instrument, score.dose.taking, place)
            yield from _questions(instrument, (score.dose.medicine, score.dose.dose), place)
    for alert in protocol.alerts:
        yield from _condition(instrument, alert.when, f"alerts, {alert.code}")


def _questions(instrument: Instrument, codes: Iterable[str], place: str) -> Iterator[Fault]:
    known = {question.text_code for question in instrument.questions}
    yield from ((place, f"{code} is no question") for code in codes if code not in known)


def _scales(instrument: Instrument, codes: Iterable[str], place: str) -> Iterator[Fault]:
    scales = {q.code for q in instrument.questions if q.type is QuestionType.SCALE}
    yield from ((place, f"{code} is no scale question") for code in codes if code not in scales)


def _condition(instrument: Instrument, condition: Condition, place: str) -> Iterator[Fault]:
    """The question exists under that code or, in a repeated section, under that text code."""
    found = next((q for q in instrument.questions if q.text_code == condition.question), None)
    if found is None:
        yield place, f"{condition.question} is no question"
        return
    codes = {condition.equals, *condition.any_of} - {None}
    is_number = found.type in {QuestionType.SCALE, QuestionType.NUMBER}
    if not codes <= set(found.choices) or (condition.at_least is not None and not is_number):
        yield place, f"{condition.question} can never have that answer"


def _outcomes(protocol: Protocol, instrument: Instrument) -> Iterator[Fault]:
    months = {rule.month for rule in protocol.timepoints}
    scores = {score.code for score in protocol.scores}
    categories = {category.code for category in protocol.event_categories}
    for outcome in protocol.outcomes:
        place = f"outcomes, {outcome.code}"
        if not outcome.months or not set(outcome.months) <= months:
            yield place, f"months must be among {sorted(months)}"
        if outcome.answer:
            condition = Condition(outcome.answer.question, any_of=outcome.answer.any_of)
            yield from _condition(instrument, condition, place)
        if outcome.score and outcome.score.score not in scores:
            yield place, f"{outcome.score.score} is no score of this protocol"
        if outcome.kind is OutcomeKind.EVENT and outcome.event not in categories:
            yield place, f"{outcome.event} is no event category of this protocol"
    primary = protocol.by_outcome.get(protocol.primary.outcome)
    if primary is None or protocol.primary.months not in primary.months:
        yield "primary", "must name an outcome and one of its months"


def _categories(protocol: Protocol) -> Iterator[Fault]:
    earlier: set[str] = set()
    for category in protocol.event_categories:
        if category.within is not None and category.within not in earlier:
            yield f"event_categories, {category.code}", f"{category.within} must stand before it"
        earlier.add(category.code)


def _reported(protocol: Protocol, instrument: Instrument) -> Iterator[Fault]:
    rule, place = protocol.reported_events, "reported_events"
    sections = {section.code: section for section in instrument.sections}
    if rule.section not in sections:
        yield place, f"{rule.section} is no section of the instrument"
        return
    asked = {question.text_code: question for question in sections[rule.section].questions}
    for code in (rule.term, rule.onset, rule.severity, rule.hospital, rule.ongoing):
        if code not in asked:
            yield place, f"{code} is no question of section {rule.section}"
            return
    if set(rule.grades) != set(asked[rule.severity].choices):
        yield place, f"grades must cover the answers {list(asked[rule.severity].choices)}"
    if not set(rule.in_hospital) <= set(asked[rule.hospital].choices):
        yield place, f"in_hospital must be among {list(asked[rule.hospital].choices)}"
    for condition in rule.serious:
        yield from _condition(instrument, condition, place)
