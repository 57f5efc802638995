"""Scores and outcomes of one set of answers, by the protocol's rules."""

from collections.abc import Mapping
from decimal import Decimal

from registry.protocols.model import Outcome, Protocol
from surveys.questions import Answer


def values_of(protocol: Protocol, answers: Mapping[str, Answer]) -> dict[str, Decimal]:
    """Each score and each outcome that rests on answers; 1 met, 0 not met; undecided: absent."""
    scores = _scores(protocol, answers)
    met = {outcome.code: _met(outcome, answers, scores) for outcome in protocol.outcomes}
    return scores | {code: Decimal(value) for code, value in met.items() if value is not None}


def _scores(protocol: Protocol, answers: Mapping[str, Answer]) -> dict[str, Decimal]:
    found: dict[str, Decimal | None] = {}
    for score in protocol.scores:
        if score.mean:
            found[score.code] = score.mean.value(answers)
        if score.dose:
            found[score.code] = score.dose.value(answers, protocol.steroids.factors)
    return {code: value for code, value in found.items() if value is not None}


def _met(
    outcome: Outcome, answers: Mapping[str, Answer], scores: Mapping[str, Decimal]
) -> bool | None:
    if outcome.answer:
        return outcome.answer.met(answers)
    return outcome.score.met(scores) if outcome.score else None
