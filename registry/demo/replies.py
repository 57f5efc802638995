"""What a person answers to a questionnaire: by code of the question, in the order of asking."""

from dataclasses import dataclass
from datetime import date
from random import Random

from registry.demo.fates import Falling, Fate
from registry.demo.truth import Questionnaire

SYMPTOMS = (
    *("fatigue", "joints", "muscles", "fever", "rash", "mouth_ulcers", "chest_pain"),
    *("breathlessness", "cold_fingers", "hair_loss", "head", "dry_eyes", "glands", "sun"),
)
RARELY_BAD = {"fever", "chest_pain", "breathlessness", "head", "glands"}
CHANGES = (
    "much_better",
    "better",
    "a_little_better",
    "same",
    "a_little_worse",
    "worse",
    "much_worse",
)
STRENGTHS = {"prednisone": 1.0, "prednisolone": 1.0, "methylprednisolone": 1.25}
OPTIONAL = "call_time"
MOST_PROBLEMS = 5
FEW_SHARE, ENOUGH_SHARE = 0.5, 0.8

Value = str | list[str] | None
"""A code, a text, a number as typed, an ISO day or month, codes; None: prefers not to say."""


@dataclass(frozen=True)
class Reply:
    """Everything that a person answers, and which health problems are told in it."""

    values: dict[str, Value]
    problems: tuple[Falling, ...]

    @property
    def asked(self) -> int:
        """How many questions there are that want an answer."""
        return len(self.values) - (OPTIONAL in self.values)

    @property
    def answered(self) -> int:
        """How many of them get one."""
        return sum(v is not None for code, v in self.values.items() if code != OPTIONAL)

    def status(self) -> str:
        """How complete it is when it is sent: four fifths and the first question, or half."""
        share = self.answered / self.asked
        if share >= ENOUGH_SHARE and self.values.get("overall_change", "") is not None:
            return "complete"
        return "partial" if share >= FEW_SHARE else "break_off"

    def met(self) -> dict[str, bool]:
        """The outcomes that the answers decide."""
        found = {}
        change = self.values.get("overall_change")
        if change is not None:
            found["responder"] = change in CHANGES[:2]
        dose = self._prednisone_mg()
        if dose is not None:
            found["steroid_reduced"] = dose <= 7.5
        return found

    def _prednisone_mg(self) -> float | None:
        medicines = self.values["medicines"]
        if not isinstance(medicines, list):
            return None
        if "corticosteroid" not in medicines:
            return 0.0
        medicine, dose = self.values["steroid_medicine"], self.values["steroid_dose"]
        if not isinstance(medicine, str) or not isinstance(dose, str):
            return None
        return float(dose) * STRENGTHS[medicine]

    def onset(self, number: int, since: date) -> date:
        """When a told problem began; of a month alone the first day that was asked about."""
        told = str(self.values[f"problem_when_{number}"])
        exact = len(told) == len("2024-02-29")
        return date.fromisoformat(told) if exact else max(date.fromisoformat(f"{told}-01"), since)

    def sent(self, month: int, on: date, since: date) -> Questionnaire:
        """The truth of it once it was sent on that day."""
        return Questionnaire(month, on, self.status(), sent=True, since=since, met=self.met())


def reply(
    fate: Fate, month: int, on: date, problems: list[Falling], seed: int, *, half: bool = False
) -> Reply:
    """What the person answers on that day. `half`: would rather not say most of it."""
    random = Random(f"{seed}/{fate.number}/{month}")
    values: dict[str, Value] = {}
    if month:
        values["overall_change"] = _change(random, fate)
    values |= {code: _step(random, code, fate) for code in SYMPTOMS}
    values |= _medicines(random, fate, month) | _daily_life(random)
    told = problems[:MOST_PROBLEMS]
    stays = [problem for problem in told if problem.stayed]
    values["hospital"] = "yes" if stays else "no"
    if stays:
        values["hospital_nights"] = str(2 + random.randrange(9))
        values["hospital_reason"] = stays[0].illness.told
    if month:
        values |= _problems(random, told)
    if fate.sex == "female" and 12 <= fate.age + month // 12 <= 55:
        values["pregnancy"] = "no" if random.random() < 0.97 else "not_sure"
    values["may_call"] = "yes" if random.random() < 0.7 else "no"
    if values["may_call"] == "yes":
        values[OPTIONAL] = random.choice((["morning"], ["afternoon", "evening"], []))
    return Reply(_declined(random, values, half), tuple(told))


def _change(random: Random, fate: Fate) -> str:
    weights = (3.0, 6.0, 5.0, 4.0, 2.0, 1.0, 0.5)
    if fate.better > 0.55:
        weights = (7.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.2)
    return random.choices(CHANGES, weights)[0]


def _step(random: Random, code: str, fate: Fate) -> str:
    most = 4.0 if code in RARELY_BAD else 9 - 4 * fate.better
    if code in RARELY_BAD and random.random() < 0.012:
        return str(random.randrange(7, 11))
    return str(int(random.triangular(0, most, most / 3)))


def _medicines(random: Random, fate: Fate, month: int) -> dict[str, Value]:
    taken = [code for code in ("nsaid", "antimalarial") if random.random() < 0.5]
    dose = fate.steroid_mg
    if month > 1 and random.random() < 0.5 + 0.3 * fate.better:
        dose = dose / 2
    if dose >= 1:
        taken.append("corticosteroid")
    if random.random() < 0.4:
        taken.append("immunosuppressant")
    if not taken:
        return {"medicines": ["none"]}
    found: dict[str, Value] = {"medicines": list(taken)}
    if "corticosteroid" in taken:
        found["steroid_medicine"] = random.choices(list(STRENGTHS), (6, 6, 1))[0]
        found["steroid_dose"] = f"{dose:g}"
    return found


def _daily_life(random: Random) -> dict[str, Value]:
    works = random.choices(
        ("full_time", "part_time", "studying", "off_sick", "home", "retired"), (6, 4, 2, 1, 2, 2)
    )[0]
    found: dict[str, Value] = {"activities": str(random.randrange(8)), "work": works}
    if works in ("full_time", "part_time", "studying", "off_sick"):
        found["work_days_missed"] = str(random.choice((0, 0, 0, 1, 2, 5)))
    if works in ("full_time", "part_time", "studying"):
        found["work_effect"] = str(random.randrange(8))
    return found


def _problems(random: Random, told: list[Falling]) -> dict[str, Value]:
    found: dict[str, Value] = {"new_problems": "yes" if told else "no"}
    for n, problem in enumerate(told, start=1):
        found[f"problem_what_{n}"] = problem.illness.told
        exact = random.random() < 0.8
        found[f"problem_when_{n}"] = problem.on.isoformat()[: 10 if exact else 7]
        found[f"problem_severity_{n}"] = problem.severity
        seen = "seen" if problem.grade > 1 else "no"
        found[f"problem_hospital_{n}"] = "stayed" if problem.stayed else seen
        found[f"problem_ongoing_{n}"] = "yes" if random.random() < 0.3 else "no"
        if n < MOST_PROBLEMS:
            found[f"problem_another_{n}"] = "yes" if n < len(told) else "no"
    return found


def _declined(random: Random, values: dict[str, Value], half: bool) -> dict[str, Value]:
    """A person who says little keeps back the first question and most symptoms; others now and
    then a symptom. What branches is never kept back.
    """
    if half:
        return {
            code: None if code in ("overall_change", *SYMPTOMS[:8]) else value
            for code, value in values.items()
        }
    return {
        code: None if code in SYMPTOMS and random.random() < 0.01 else value
        for code, value in values.items()
    }
