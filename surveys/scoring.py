"""Scores and outcomes of one response, by rules that the protocol gives as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from surveys.questions import PREFER_NOT_TO_SAY, Answer, Condition

Answers = Mapping[str, Answer]
_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class MeanScore:
    """The mean of the answered scales; there is none under `minimum_answered`."""

    questions: tuple[str, ...]
    minimum_answered: int

    def value(self, answers: Answers) -> Decimal | None:
        """The mean, to four places."""
        given = [
            number for code in self.questions if (number := _number(answers, code)) is not None
        ]
        if len(given) < self.minimum_answered:
            return None
        return (sum(given, Decimal()) / len(given)).quantize(_PLACES)


@dataclass(frozen=True, slots=True)
class DoseScore:
    """A daily dose in mg of the reference medicine; 0 for those who say they take none.

    `taking` is met by those who take it; `medicine` says which one, `dose` how many mg a day.
    """

    taking: Condition
    medicine: str
    dose: str

    def value(self, answers: Answers, factors: Mapping[str, Decimal]) -> Decimal | None:
        """The dose times the medicine's factor; none while either is not known."""
        if not Condition(self.taking.question, answered=True).holds(answers):
            return None
        if not self.taking.holds(answers):
            return Decimal(0)
        dose, factor = _number(answers, self.dose), factors.get(str(answers.get(self.medicine)))
        if dose is None or (factor is None and dose):
            return None
        return (dose * (factor or 0)).quantize(_PLACES)


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """Met by those codes of one question; undecided without an answer."""

    question: str
    any_of: tuple[str, ...]

    def met(self, answers: Answers) -> bool | None:
        """Whether the answer is among the codes; None when there is none."""
        if not Condition(self.question, answered=True).holds(answers):
            return None
        return Condition(self.question, any_of=self.any_of).holds(answers)


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """Met by a score of at most, or at least, the threshold; undecided without the score."""

    score: str
    at_most: Decimal | None = None
    at_least: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse no threshold and two."""
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give at_most or at_least, and only one of them")

    def met(self, scores: Mapping[str, Decimal]) -> bool | None:
        """Whether the score keeps to the threshold; None when there is none."""
        score = scores.get(self.score)
        if score is None:
            return None
        return score <= self.at_most if self.at_most is not None else score >= (self.at_least or 0)


def _number(answers: Answers, code: str) -> Decimal | None:
    answer = answers.get(code)
    if answer == PREFER_NOT_TO_SAY or not isinstance(answer, int | float):
        return None
    return Decimal(str(answer))
