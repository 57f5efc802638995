"""What a protocol says: schedule, rules, outcomes, categories and lists, as frozen data."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from registry.protocols.categories import Category
from registry.protocols.monitoring import Monitoring
from registry.statistics.methods import DEFAULT, Methods
from surveys.instruments import Instrument, instrument
from surveys.lifecycle import ReminderRule, SendWindow
from surveys.questions import Condition
from surveys.scoring import AnswerRule, DoseScore, MeanScore, ScoreRule
from surveys.timepoints import PlannedFollowUp, Timepoint, plan


class OutcomeKind(StrEnum):
    """Where an outcome comes from."""

    ANSWER = "answer"
    SCORE = "score"
    LAB = "lab"
    EVENT = "event"
    DEATH = "death"


class MissingRule(StrEnum):
    """How the silent count where one figure stands beside a published one; keys of the report."""

    OBSERVED_ONLY = "observed_only"
    NRI = "nri"
    WORST_CASE = "worst_case"
    BEST_CASE = "best_case"
    WHILE_ALIVE = "while_alive"


@dataclass(frozen=True)
class Coded:
    """A code that is stored and the words that staff see."""

    code: str
    label: str


@dataclass(frozen=True)
class InstrumentRef:
    """Which version of which instrument the protocol uses."""

    code: str
    version: int


@dataclass(frozen=True)
class TimepointRule:
    """A time-point, its window in inclusive days since treatment, and how it reminds."""

    month: int
    opens_day: int
    closes_day: int
    reminders: ReminderRule

    @property
    def timepoint(self) -> Timepoint:
        """Month and window, as `surveys.timepoints` takes them."""
        return Timepoint(self.month, self.opens_day, self.closes_day)


@dataclass(frozen=True)
class Sending:
    """Local hours for letters: ISO times, weekdays from Monday = 0; two invitations to one patient
    are at least `invitation_gap_days` apart.
    """

    opens: str
    closes: str
    weekdays: tuple[int, ...]
    invitation_gap_days: int = 7

    def __post_init__(self) -> None:
        """Refuse hours that never open."""
        _ = self.window

    @property
    def window(self) -> SendWindow:
        """The hours, as `surveys.lifecycle.next_send_instant` takes them."""
        opens, closes = time.fromisoformat(self.opens), time.fromisoformat(self.closes)
        return SendWindow(opens, closes, frozenset(self.weekdays))


@dataclass(frozen=True)
class Completeness:
    """Least shares of the questions that apply, answered, to be complete and to be partial."""

    complete: Decimal
    partial: Decimal


@dataclass(frozen=True)
class Group:
    """Patients who get the questions of one group; someone whose sex or age is unknown does too."""

    code: str
    sexes: tuple[str, ...]
    from_age: int
    to_age: int


@dataclass(frozen=True)
class Score:
    """A number computed from answers, by exactly one of the rules."""

    code: str
    label: str
    definition: str
    mean: MeanScore | None = None
    dose: DoseScore | None = None

    def __post_init__(self) -> None:
        """Refuse no rule and two."""
        if (self.mean is None) == (self.dose is None):
            raise ValueError(f"score {self.code}: give `mean` or `dose`, and only one of them")


@dataclass(frozen=True)
class LabRule:
    """A result of that test (code of the laboratory table) in the window with that flag."""

    test: str
    flag: str


@dataclass(frozen=True)
class Population:
    """Only patients whose baseline covariate is known and at least that."""

    covariate: str
    at_least: Decimal


@dataclass(frozen=True)
class Outcome:
    """What is counted and beside what it may stand.

    `favourable` says whether having it is good for the patient; `differs` what must be printed
    beside a published figure of `published_code`.
    """

    code: str
    label: str
    definition: str
    kind: OutcomeKind
    months: tuple[int, ...]
    favourable: bool
    published_code: str | None = None
    differs: tuple[str, ...] = ()
    missing_rule: MissingRule = MissingRule.OBSERVED_ONLY
    population: Population | None = None
    answer: AnswerRule | None = None
    score: ScoreRule | None = None
    lab: LabRule | None = None
    event: str | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that is not of the outcome's kind."""
        rules = {"answer": self.answer, "score": self.score, "lab": self.lab, "event": self.event}
        given = [name for name, rule in rules.items() if rule is not None]
        if given != [self.kind.value] and (given or self.kind is not OutcomeKind.DEATH):
            raise ValueError(f"outcome {self.code}: give the rule `{self.kind}` and no other")


@dataclass(frozen=True)
class AlertRule:
    """An answer that the clinic has to look at within so many hours."""

    code: str
    label: str
    when: Condition
    within_hours: int


@dataclass(frozen=True)
class ReportedEvents:
    """Which questions of a repeated section tell a health problem, and how they are read."""

    section: str
    term: str
    onset: str
    severity: str
    hospital: str
    ongoing: str
    grades: Mapping[str, int]
    in_hospital: tuple[str, ...]
    serious: tuple[Condition, ...]


@dataclass(frozen=True)
class Primary:
    """The comparison named before any result was seen."""

    outcome: str
    months: int


@dataclass(frozen=True)
class ConsentVersion:
    """The text that a patient agreed to."""

    code: str
    language: str
    title: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Steroids:
    """Daily doses in mg that equal 5 mg of prednisone, and where that is printed."""

    source: str
    equal_to_5_mg: Mapping[str, Decimal]

    @property
    def factors(self) -> dict[str, Decimal]:
        """Mg of prednisone that 1 mg of each equals."""
        return {name: 5 / dose for name, dose in self.equal_to_5_mg.items()}


@dataclass(frozen=True)
class Characteristic:
    """What studies print of their patients at baseline as `variable`, and the covariate here.

    `code`: which code of the covariate a printed share is the share of; None for numbers.
    """

    variable: str
    covariate: str
    code: str | None = None


@dataclass(frozen=True)
class Protocol:
    """One version of a protocol; `text` is the whole of it, readable again by `from_text`."""

    code: str
    version: int
    title: str
    instrument: InstrumentRef
    timepoints: tuple[TimepointRule, ...]
    link_days: int
    safety_days: int
    days_per_year: Decimal
    sending: Sending
    completeness: Completeness
    groups: tuple[Group, ...]
    scores: tuple[Score, ...]
    outcomes: tuple[Outcome, ...]
    primary: Primary
    alerts: tuple[AlertRule, ...]
    reported_events: ReportedEvents
    event_categories: tuple[Category, ...]
    always_reported_terms: tuple[str, ...]
    consents: tuple[ConsentVersion, ...]
    steroids: Steroids
    medicine_classes: tuple[Coded, ...]
    diagnosis_types: tuple[Coded, ...]
    cell_sources: tuple[Coded, ...]
    donors: tuple[Coded, ...]
    routes: tuple[Coded, ...]
    observation_items: tuple[Coded, ...]
    emergency: str
    statistics: Methods = DEFAULT
    weighting: tuple[str, ...] = ()
    monitoring: Monitoring | None = None
    matching: tuple[Characteristic, ...] = ()
    text: str = field(default="", metadata={"given": True})
    fingerprint: str = field(default="", metadata={"given": True})

    @property
    def questionnaire(self) -> Instrument:
        """The instrument that the protocol uses."""
        return instrument(self.instrument.code, self.instrument.version)

    @cached_property
    def by_month(self) -> Mapping[int, TimepointRule]:
        """The time-points by month."""
        return {rule.month: rule for rule in self.timepoints}

    @cached_property
    def by_outcome(self) -> Mapping[str, Outcome]:
        """The outcomes by code."""
        return {outcome.code: outcome for outcome in self.outcomes}

    def plan(self, treated_on: date) -> tuple[PlannedFollowUp, ...]:
        """The dated follow-ups of a patient treated that day."""
        return plan(treated_on, (rule.timepoint for rule in self.timepoints), self.link_days)
