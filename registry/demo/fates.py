"""What will happen to each invented person, decided before the first day by the seed alone."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from registry.demo import invented
from registry.demo.invented import Illness
from registry.demo.truth import GRADES, MONTHS, WINDOWS
from surveys.timepoints import add_months

FIRST_DAY = date(2024, 1, 15)
ENROLLING_MONTHS = 8
LEAP_DAY = date(2024, 2, 29)
LIFE = 900  # days after treatment for which something is decided

MANNERS = {
    "answers": 46,
    "two_sittings": 6,
    "late": 4,
    "stops_early": 3,
    "stops_late": 4,
    "half": 2,
    "silent": 35,
}
CALLS = {"promises": 2, "answers": 4, "refused": 2, "other": 1, "no_contact": 8, "wrong_number": 1}
NO_MAIL_CALLS = CALLS | {"promises": 0, "answers": 9}


@dataclass(frozen=True, slots=True)
class Falling:
    """A health problem on its day. `told`: the patient tells it; `known`: the clinic sees it."""

    illness: Illness
    on: date
    severity: str
    stayed: bool
    told: bool
    known: bool
    related: bool | None

    @property
    def grade(self) -> int:
        """By the patient's word for how bad it is."""
        return GRADES[self.severity]

    @property
    def serious(self) -> bool:
        """A hospital stay or danger to life."""
        return self.stayed or self.severity == "life_threatening"


@dataclass(frozen=True, slots=True)
class Wave:
    """How a person takes one questionnaire: after which letter, how many days later, and in what
    manner; and what comes of a call.
    """

    manner: str
    letter: int
    wait: int
    call: str


@dataclass(frozen=True, slots=True)
class Fate:
    """Everything decided of one person. `mailbox`: good, grey (refuses the first time), full of
    years (gone from `mailbox_ends` on). `leaves`: (how, at which month).
    """

    number: str
    site: str
    name: str
    email: str | None
    telephone: str
    birth_date: date
    sex: str
    treated_on: date
    consented_on: date | None
    steroid_mg: float
    sledai: int
    grey: bool
    mailbox_ends: date | None
    dies_on: date | None
    death_known_after: int
    leaves: tuple[str, int] | None
    unsubscribes: int | None
    better: float
    waves: dict[int, Wave]
    falls: tuple[Falling, ...] = field(default=())

    @property
    def age(self) -> int:
        """Whole years at treatment."""
        born, day = self.birth_date, self.treated_on
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def fates(patients: int, seed: int) -> list[Fate]:
    """That many people, in the order in which they are treated."""
    random = Random(seed)
    last = add_months(FIRST_DAY, ENROLLING_MONTHS)
    days = sorted(_treatment_day(random, last) for _ in range(patients - 1))
    days = sorted([LEAP_DAY, *days])[: max(patients, 1)]
    return [_fate(number, day, seed) for number, day in enumerate(days, start=1)]


def _treatment_day(random: Random, last: date) -> date:
    """A working day of the months in which people are treated."""
    day = FIRST_DAY + timedelta(days=random.randrange((last - FIRST_DAY).days))
    return max(FIRST_DAY, day - timedelta(days=max(0, day.weekday() - 4)))


def _fate(number: int, treated_on: date, seed: int) -> Fate:
    random = Random(f"{seed}/{number}")
    site = random.choices(list(invented.SITES), (5, 3, 2))[0]
    sex = "female" if random.random() < 0.9 else "male"
    names = invented.FIRST_NAMES if sex == "female" else invented.FIRST_NAMES_OF_MEN
    first, last = random.choice(names), random.choice(invented.SURNAMES)
    has_email = random.random() < 0.96
    dies_on = _day(random, 0.04, treated_on, 20, LIFE)
    return Fate(
        number=f"DEMO-{number:04}",
        site=site,
        name=f"{first} {last}",
        email=f"{first}.{last}{number}@example.org".lower() if has_email else None,
        telephone=invented.TELEPHONES[site].format(random.randrange(100)),
        birth_date=treated_on - timedelta(days=random.randrange(19 * 365, 66 * 365)),
        sex=sex,
        treated_on=treated_on,
        consented_on=_consent(random, treated_on),
        steroid_mg=random.choice((0, 2.5, 5, 7.5, 10, 12.5, 15, 20, 30)),
        sledai=random.randrange(4, 21, 2),
        grey=random.random() < 0.08,
        mailbox_ends=treated_on
        if random.random() < 0.02
        else _day(random, 0.05, treated_on, 1, LIFE),
        dies_on=dies_on,
        death_known_after=random.randrange(1, 45),
        leaves=_leaves(random),
        unsubscribes=random.choice(MONTHS) if random.random() < 0.03 else None,
        better=random.random(),
        waves={month: _wave(random, has_email) for month in MONTHS},
        falls=_falls(random, treated_on, dies_on),
    )


def _day(random: Random, chance: float, start: date, low: int, high: int) -> date | None:
    happens, days = random.random() < chance, random.randrange(low, high)
    return start + timedelta(days=days) if happens else None


def _consent(random: Random, treated_on: date) -> date | None:
    """On the day or before; a few later, and of a few nothing is recorded."""
    kind = random.random()
    if kind < 0.02:
        return None
    late = random.randrange(3, 12)
    return treated_on + timedelta(days=late) if kind < 0.06 else treated_on


def _leaves(random: Random) -> tuple[str, int] | None:
    how = random.choices((None, "door", "unsubscribe_page", "staff", "contact"), (90, 4, 1, 3, 2))[
        0
    ]
    month = random.choice(MONTHS)
    return (how, month) if how else None


def _wave(random: Random, has_email: bool) -> Wave:
    manner = random.choices(list(MANNERS), list(MANNERS.values()))[0]
    calls = CALLS if has_email else NO_MAIL_CALLS
    return Wave(
        manner=manner,
        letter=random.choices((1, 2, 3, 4), (70, 18, 8, 4))[0],
        wait=random.choices((0, 1, 2, 3, 5), (30, 30, 20, 12, 8))[0],
        call=random.choices(list(calls), list(calls.values()))[0],
    )


def _falls(random: Random, treated_on: date, dies_on: date | None) -> tuple[Falling, ...]:
    """About one health problem in two years; some react to the infusion, some were ill before."""
    found = []
    if random.random() < 0.05:
        found.append(_falling(random, invented.INFUSION_REACTION, treated_on, is_clinics=True))
    weights = [illness.weight for illness in invented.ILLNESSES]
    if random.random() < 0.02:
        before = treated_on - timedelta(days=random.randrange(1, 40))
        found.append(_falling(random, invented.ILLNESSES[0], before, is_clinics=True))
    day = treated_on
    while True:
        day += timedelta(days=2 + int(random.expovariate(1 / 550)))
        if (day - treated_on).days > LIFE or (dies_on is not None and day >= dies_on):
            return tuple(found)
        illness = random.choices(invented.ILLNESSES, weights)[0]
        found.append(_falling(random, illness, day, is_clinics=False))


def _falling(random: Random, illness: Illness, on: date, *, is_clinics: bool) -> Falling:
    severity = random.choice(illness.severities)
    stayed = random.random() < {"mild": 0, "moderate": 0.1}.get(severity, 0.7)
    serious = stayed or severity == "life_threatening"
    told = not is_clinics and random.random() < 0.85
    return Falling(
        illness=illness,
        on=on,
        severity=severity,
        stayed=stayed,
        told=told,
        known=is_clinics or random.random() < (0.6 if serious else 0.25),
        related=random.choices((True, False, None), (2, 6, 2))[0] if not is_clinics else True,
    )


def closes_on(fate: Fate, month: int) -> date:
    """The last day of a time-point's window."""
    return fate.treated_on + timedelta(days=WINDOWS[month][1])
