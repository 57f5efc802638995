"""Published figures: shares of patients, measures and effects, each with its place and status."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from registry.published import arithmetic
from registry.published.vocabulary import DERIVED, SECONDARY, Counted, Horizon, Origin, Status


@dataclass(frozen=True)
class Interval:
    """An interval as printed, in the unit of its figure."""

    lower: Decimal
    upper: Decimal

    def __post_init__(self) -> None:
        if self.lower > self.upper:
            raise ValueError(f"the interval {self.lower} to {self.upper} runs backwards")


@dataclass(frozen=True)
class PersonTime:
    """Years under observation; `printed` is false where they were worked out here."""

    years: Decimal
    printed: bool
    basis: str


@dataclass(frozen=True)
class _Row:
    code: str
    month: Decimal | None
    source: str
    study: str = field(default="", kw_only=True, metadata={"given": True})
    number: int = field(default=0, kw_only=True, metadata={"given": True})
    means: str | None = field(default=None, kw_only=True)
    note: str | None = field(default=None, kw_only=True)
    horizon: Horizon = field(default=Horizon.TIME_POINT, kw_only=True)

    @property
    def when(self) -> str:
        """The time-point in words."""
        if self.month is None:
            return "no single time-point"
        number = f"{self.month.normalize():f}"
        months = f"{number} month" if number == "1" else f"{number} months"
        spans = (Horizon.TIME_POINT, Horizon.NOMINAL)
        return months if self.horizon in spans else f"a {self.horizon} of {months}"


@dataclass(frozen=True)
class Figure(_Row):
    """A share of patients: x of n, the percentage as printed, and how the count came about.

    `faulty` says why a printed percentage does not fit its count; such a figure is only listed.
    """

    arm: str
    x: int | None = None
    n: int | None = None
    printed: str | None = None
    counted: Counted = Counted.PRINTED
    basis: str | None = None
    faulty: str | None = None
    analysis: str | None = None
    interval: Interval | None = None
    person_time: PersonTime | None = None
    rate: str | None = None
    origin: Origin = field(default=Origin.PAPER, metadata={"given": True})
    barred: str | None = field(default=None, metadata={"given": True})

    @property
    def unusable(self) -> str | None:
        """Why the figure is listed and never compared; None if it may stand beside the registry."""
        if self.barred:
            return self.barred
        if self.faulty:
            return f"printed percentage does not fit: {self.faulty}"
        if self.x is None or self.n is None:
            return _uncountable(self)
        if self.printed and not arithmetic.is_plain(self.printed):
            return f"printed only as {self.printed} %, which cannot be checked against the count"
        return None

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader must be told beside the figure."""
        derived = DERIVED.get(self.counted)
        said = f"{derived} ({self.basis})" if derived and self.basis else derived
        return tuple(flag for flag in (said, SECONDARY.get(self.origin)) if flag)

    @property
    def status(self) -> Status:
        """Usable, flagged or listed; decided by what the record says, not by hand."""
        if self.unusable:
            return Status.LISTED
        return Status.FLAGGED if self.flags else Status.USABLE

    @property
    def feasible(self) -> tuple[int, ...]:
        """Every count that the printed percentage allows for n (statistics 7.1); () if unknown."""
        if self.n is None or self.printed is None or not arithmetic.is_plain(self.printed):
            return ()
        return arithmetic.feasible(self.n, self.printed)


def _uncountable(figure: Figure) -> str:
    reason = {
        Counted.ESTIMATE: "a time-to-event estimate without a count",
        Counted.RATE_ONLY: "only a rate is printed",
    }.get(figure.counted, "only a percentage is printed, without count and denominator")
    if figure.n is not None and figure.counted is Counted.PERCENT_ONLY:
        reason = "only a percentage is printed, without a count"
    if figure.x is not None:
        reason = "the denominator is not printed"
    return f"{reason} ({figure.basis})" if figure.basis else reason


@dataclass(frozen=True)
class Measure(_Row):
    """A measured quantity in one arm: mean and sd, or median and range, with its unit."""

    arm: str
    unit: str
    n: int | None = None
    mean: Decimal | None = None
    sd: Decimal | None = None
    median: Decimal | None = None
    range: str | None = None

    def __post_init__(self) -> None:
        if (self.mean is None) == (self.median is None):
            raise ValueError("give either a mean or a median")
        if self.sd is not None and self.sd < 0:
            raise ValueError("sd cannot be below 0")


@dataclass(frozen=True)
class Effect(_Row):
    """A difference or ratio between arms, as printed."""

    contrast: str
    measure: str
    estimate: Decimal
    interval: Interval | None = None
    studies: int | None = None
    p: str | None = None

    def __post_init__(self) -> None:
        inside = self.interval is None or (
            self.interval.lower <= self.estimate <= self.interval.upper
        )
        if not inside:
            raise ValueError(f"the estimate {self.estimate} lies outside its interval")


Row = Figure | Measure | Effect
