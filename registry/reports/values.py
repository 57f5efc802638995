"""What a report is made of: frozen figures that pages, charts, files and JSON all take.

Whatever may not leave the registry under the profile is `SUPPRESSED` here already: nothing that
takes these values can show more than they hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from registry.protocols import Outcome
from registry.published import Pair
from registry.statistics.comparison import Comparison
from registry.statistics.incidence import IncidenceStep
from registry.statistics.maic import Matched
from registry.statistics.maic_contrasts import Contrasts
from registry.statistics.maic_sensitivity import Resampled, Variant
from registry.statistics.policy import SUPPRESSED, Shown, Suppressed
from registry.statistics.survival import MeanTime, Step
from registry.statistics.two_rates import RateComparison
from registry.statistics.values import Estimate, Interval, NotEstimable, Proportion, Rate
from registry.statistics.weighting import Refused, Weighted
from surveys.timepoints import Timepoint

Figure: TypeAlias = Proportion | Suppressed
Number: TypeAlias = float | NotEstimable | Suppressed


@dataclass(frozen=True)
class OutcomeFigures:
    """One outcome at one time-point by each rule for the silent.

    `days`: of an event or a death, the days at risk of the due to the first; None of the others.
    `ipw`: those whose outcome is known, weighted for whose is.
    """

    outcome: Outcome
    by_rule: Mapping[str, Figure]
    silent: Shown
    sentence: str
    days: Shown | None = None
    ipw: Weighted | Refused | Suppressed = SUPPRESSED

    @property
    def headline(self) -> Figure:
        """The figure under the protocol's rule for this outcome."""
        return self.by_rule[self.outcome.missing_rule.value]


@dataclass(frozen=True)
class Wave:
    """One time-point: who was asked, what became of it, the rates, the outcomes.

    `event_day` is the day by which events and deaths count for it.
    """

    timepoint: Timepoint
    event_day: int
    due: Shown
    not_yet_due: Shown
    dispositions: Mapping[str, Shown]
    e: Number
    rates: Mapping[str, Number]
    rr1: Figure
    out_of_window: Shown
    duplicates: Shown
    outcomes: Mapping[str, OutcomeFigures]

    @property
    def rr1_interval(self) -> Interval | Suppressed:
        """The interval of response rate 1."""
        return self.rr1 if isinstance(self.rr1, Suppressed) else self.rr1.interval


@dataclass(frozen=True)
class LabelFigures:
    """Events under one label: patients with one of n, all events, and rates per 100 person-years.

    `zero_event_upper` is the one-sided bound of the share, where nobody had the event.
    """

    label: str
    patients: Shown
    n: Shown
    incidence: Figure
    events: Shown
    person_years: float | Suppressed
    person_years_to_first: float | Suppressed
    event_rate: Rate | Suppressed
    eair: Rate | Suppressed
    zero_event_upper: Number


@dataclass(frozen=True)
class SafetyFigures:
    """One source of events; `kinds` are any, serious, grade3plus and related.

    `reported`, `confirmed`, `unreconciled` count what patients told, whichever source this is.
    """

    kinds: Mapping[str, LabelFigures]
    by_term: Mapping[str, LabelFigures]
    before_treatment: Shown
    after_follow_up: Shown
    reported: Shown
    confirmed: Shown
    unreconciled: Shown
    never_asked: Shown


@dataclass(frozen=True)
class At:
    """Survival at the end of a day with its limits, and who was at risk on it."""

    day: int
    survival: float | None
    lower: float | None
    upper: float | None
    at_risk: Shown
    reason: str | None = None


@dataclass(frozen=True)
class RiskRow:
    """On a day: at risk now; died and censored before it."""

    day: int
    at_risk: Shown
    events: Shown
    censored: Shown


@dataclass(frozen=True)
class CurveFigures:
    """A survival curve: figures on the days of the report, steps for drawing, people at risk.

    `steps` is empty where the curve may not be drawn.
    """

    title: str
    definition: str
    deaths: Shown
    at: Mapping[int, At | Suppressed]
    median: Estimate | Suppressed
    rmst: MeanTime | Suppressed
    steps: tuple[Step, ...]
    risk: tuple[RiskRow, ...]


@dataclass(frozen=True)
class Share:
    """The share with an event by the end of a day with its limits, and who was at risk on it."""

    day: int
    incidence: float | None
    lower: float | None
    upper: float | None
    at_risk: Shown
    reason: str | None = None


@dataclass(frozen=True)
class CauseRow:
    """On a day: at risk now; had the event, died without it and left without either before it."""

    day: int
    at_risk: Shown
    events: Shown
    deaths: Shown
    censored: Shown


@dataclass(frozen=True)
class IncidenceFigures:
    """A cumulative incidence with death competing: days of the report, steps, people at risk.

    `events` and `deaths` (without the event) of the whole curve; `steps` is empty where it may not
    be drawn.
    """

    title: str
    definition: str
    events: Shown
    deaths: Shown
    at: Mapping[int, Share | Suppressed]
    steps: tuple[IncidenceStep, ...]
    risk: tuple[CauseRow, ...]


@dataclass(frozen=True)
class SurvivalFigures:
    """Both curves, the first serious event with death competing, and how far follow-up reaches.

    `silent_year`: neither dead nor withdrawn and without contact for 365 days; `never_at_risk`:
    consented on or after their last day; `follow_up`: its median in days by reverse Kaplan-Meier.
    """

    overall: CurveFigures
    last_contact: CurveFigures
    first_serious: IncidenceFigures
    silent_year: Shown
    never_at_risk: Shown
    follow_up: Estimate | Suppressed


@dataclass(frozen=True)
class Note:
    """What must be said of a matched figure; `subject` is that of the figure."""

    subject: str
    text: str


@dataclass(frozen=True)
class MatchedSide:
    """Our patients weighted to be like a study's, its figure beside; `found` may be a refusal.

    `absent`: characteristics that matter and could not be matched; `notes`: what must be said
    of those that were; `variants`: the same with something left out; `resampled`: where asked for.
    """

    found: Matched | Refused
    contrasts: Contrasts | None = None
    variants: tuple[Variant, ...] = ()
    absent: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    resampled: Resampled | None = None


@dataclass(frozen=True)
class SideBySide:
    """A published figure beside the registry's; `comparison` None: the counts may not be shown."""

    pair: Pair
    outcome: Outcome
    study: str
    arm: str
    source: str
    comparison: Comparison | None
    rates: RateComparison | Suppressed
    matched: MatchedSide | Suppressed
    mismatches: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """What the two figures together say."""
        return self.comparison.verdict if self.comparison else HIDDEN_VERDICT


HIDDEN_VERDICT = "not shown: small counts"
