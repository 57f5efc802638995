"""What an enrolment says, as plain values, and what must hold between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from registry.errors import Invalid
from registry.queries.identities import Person

SEXES = ("female", "male", "other")
OLDEST = 120


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, and what to do; `field` as in the form, JSON or file."""

    field: str
    text: str


class Unusable(Invalid):
    """What came in breaks rules; `problems` names each of them by field."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.text}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """Which text the patient agreed to, in which language, when."""

    version: str
    given_on: date
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicineTaken:
    """A medicine at baseline; the prednisone equivalent is computed for steroids we know."""

    medicine_class: str
    name: str = ""
    daily_dose_mg: Decimal | None = None
    prednisone_mg_per_day: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The cells of a treatment course, as the record gives them."""

    cell_source: str | None = None
    donor: str | None = None
    passage: str | None = None
    lot: str | None = None
    certificate: str | None = None
    cells_total: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One administration."""

    given_on: date
    route: str
    cells: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One item of the record of the first 24 to 48 hours."""

    observed_on: date
    item: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A laboratory result as reported: test by LOINC code or name, value with its comparator.

    `reference_low`, `reference_high`: the reporting laboratory's limits in the reported unit.
    """

    test: str
    value: str
    unit: str
    collected_on: date
    reference_low: Decimal | None = None
    reference_high: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """All that is known of a patient when the registry first hears of them.

    No `study_number`: one is given out. `medicines` None: not recorded; empty: takes none.
    """

    site_id: int
    treated_on: date
    study_number: str | None = None
    person: Person = field(default_factory=Person)
    sex: str | None = None
    age: int | None = None
    language: str = "en"
    zone: str | None = None
    consent: ConsentGiven | None = None
    diagnosis: str | None = None
    diagnosed_on: date | None = None
    medicines: tuple[MedicineTaken, ...] | None = None
    course: Course = field(default_factory=Course)
    administrations: tuple[Given, ...] = ()
    observations: tuple[Observed, ...] = ()
    labs: tuple[Measured, ...] = ()
    covariates: Mapping[str, Decimal | str] = field(default_factory=dict)
    died_on: date | None = None
    withdrawn_on: date | None = None


def date_problems(enrolment: Enrolment, today: date) -> Iterator[Problem]:
    """Dates that cannot be: in the future, or before the treatment."""
    treated_on = enrolment.treated_on
    if treated_on > today:
        yield Problem(
            "treated_on",
            f"{treated_on} lies in the future; enrol the patient once the treatment was given",
        )
    consent = enrolment.consent
    past = {
        "consented_on": consent.given_on if consent else None,
        "diagnosed_on": enrolment.diagnosed_on,
        "died_on": enrolment.died_on,
        "withdrawn_on": enrolment.withdrawn_on,
    }
    for name, day in past.items():
        if day is not None and day > today:
            yield Problem(name, f"{day} lies in the future")
    for name in ("died_on", "withdrawn_on"):
        day = past[name]
        if day is not None and day < treated_on:
            yield Problem(name, f"{day} is before the treatment on {treated_on}; correct one")
    yield from birth_problems(
        enrolment.person.birth_date, treated_on, enrolment.diagnosed_on, today
    )


def birth_problems(
    born: date | None, treated_on: date, diagnosed_on: date | None, today: date
) -> Iterator[Problem]:
    """Why nobody with this treatment and this diagnosis (where its day is known) was born then."""
    if born is None:
        return
    if born > today:
        yield Problem("birth_date", f"{born} lies in the future")
    for what, day in (("treatment", treated_on), ("diagnosis", diagnosed_on)):
        if day is not None and born > day:
            yield Problem("birth_date", f"{born} is after the {what} on {day}; correct one")


def before_birth(treated_on: date, born: date | None, age: int | None, aged_on: date) -> str | None:
    """Why this cannot be the day of treatment of somebody born then (where that is known), or of
    that age on the day `aged_on`; None if it can be. The birth date is not told.
    """
    if born is not None:
        return f"{treated_on} is before the patient was born" if treated_on < born else None
    if age is None or treated_on.year >= aged_on.year - age - 1:
        return None
    return f"{treated_on} is before the patient was born: on {aged_on} the age was {age}"


def record_problems(enrolment: Enrolment, today: date) -> Iterator[Problem]:
    """What does not fit in the lists that come with an enrolment."""
    given = [item.given_on for item in enrolment.administrations]
    if given and min(given) != enrolment.treated_on:
        yield Problem(
            "administrations",
            f"the first was given on {min(given)}, the treatment date is {enrolment.treated_on}; "
            "day 0 is the first administration",
        )
    dated = {
        "administrations": given,
        "observations": [item.observed_on for item in enrolment.observations],
        "labs": [item.collected_on for item in enrolment.labs],
    }
    for name, days in dated.items():
        yield from (Problem(name, f"{day} lies in the future") for day in days if day > today)
