"""What is true of the people of the demonstration.

The simulation writes it down itself when somebody answers, falls ill, dies or leaves. Nothing here
is ever read from the database: that is what makes it a check of the report.
"""

from dataclasses import dataclass, field
from datetime import date

WINDOWS = {1: (16, 44), 3: (61, 121), 6: (138, 228), 12: (305, 425), 24: (640, 820)}
"""Days since treatment in which an answer counts, as the public contract says."""

TARGETS = {1: 30, 3: 91, 6: 183, 12: 365, 24: 730}
"""The day by which an event or a death counts for a time-point."""

MONTHS = tuple(WINDOWS)
SAFETY_DAYS = 730
DAYS_PER_YEAR = 365.25
NAMED = {
    "any event": "any_event",
    "serious event": "serious_event",
    "grade 3 or higher": "grade3plus",
    "infection": "infection",
    "serious infection": "serious_infection",
    "herpes zoster": "herpes_zoster",
    "malignancy": "malignancy",
    "infusion reaction": "infusion_reaction",
    "thrombosis": "thrombosis",
    "thrombosis or embolism": "thrombosis",
}
"""Terms that stand for a whole category: their rows count every event in it."""

GRADES = {"mild": 1, "moderate": 2, "severe": 3, "life_threatening": 4}


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """Answers of one time-point: on which day, and whether they were ever sent.

    `status` is complete, partial or break_off. `since`: the day from which it asked for new
    problems. `met` holds the outcomes that rest on answers, as far as the answers decide them.
    """

    month: int
    on: date
    status: str
    sent: bool
    since: date
    met: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """A health problem under the words in which it was recorded; `groups` are ours, by hand."""

    term: str
    on: date
    grade: int
    serious: bool
    related: bool | None
    groups: frozenset[str]

    @property
    def categories(self) -> frozenset[str]:
        """Every category that it counts in."""
        found = {"any_event", *self.groups}
        found |= {"serious_event"} if self.serious else set()
        found |= {"grade3plus"} if self.grade >= 3 else set()
        if self.serious and "infection" in self.groups:
            found.add("serious_infection")
        return frozenset(found)


@dataclass(slots=True)
class Told:
    """A health problem that a patient told in a questionnaire. `state`: what the clinic made of it;
    `number` is its place in the questionnaire of that month.
    """

    event: Event
    month: int
    number: int
    state: str = "waiting"


@dataclass(frozen=True, slots=True)
class Note:
    """Why there is no answer at a time-point, as a call or a bounce told it."""

    month: int
    code: str
    on: date


@dataclass(slots=True)
class Person:
    """Everything that a report may count of one patient.

    `left_on` is the day of leaving the registry, not of wanting no contact. `seen` are days of
    administrations, `bloods` days of blood tests, and for anti-dsDNA whether it was raised.
    """

    number: str
    site: str
    treated_on: date
    consented_on: date | None
    steroid_mg: float | None
    questionnaires: list[Questionnaire] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    seen: list[date] = field(default_factory=list)
    bloods: list[tuple[date, bool | None]] = field(default_factory=list)
    died_on: date | None = None
    left_on: date | None = None

    def answer_of(self, month: int) -> Questionnaire | None:
        """The questionnaire of a time-point, as it stands now."""
        return next((one for one in self.questionnaires if one.month == month), None)

    def keep(self, one: Questionnaire) -> None:
        """Write down a questionnaire; the same month again is the same one, gone on with."""
        self.questionnaires = [old for old in self.questionnaires if old.month != one.month]
        self.questionnaires.append(one)

    def asked_since(self, month: int) -> date:
        """The day that a questionnaire asks from: the last one sent for an earlier month."""
        sent = [one for one in self.questionnaires if one.sent and 0 < one.month < month]
        return max((one.on for one in sent), default=self.treated_on)
