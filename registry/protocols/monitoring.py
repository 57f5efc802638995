"""What a protocol says of the monthly looks at serious events, fixed before there are any."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from registry.statistics.sequential import History, Plan


@dataclass(frozen=True)
class PublishedRate:
    """First serious events in the person-years of a study, and where that is printed."""

    events: int
    years: Decimal
    source: str


@dataclass(frozen=True)
class Monitoring:
    """The rate of first serious events that is tolerated, or the published one, and the spending.

    `basis`: who decided it, and why. By the time that so many of `most_expected` events are
    expected, that share to the power of `exponent` of `alpha` is spent.
    """

    basis: str
    most_expected: Decimal
    tolerated_per_100_years: Decimal | None = None
    published: PublishedRate | None = None
    alpha: Decimal = Decimal("0.05")
    exponent: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Refuse what cannot be monitored."""
        _ = self.plan

    @property
    def plan(self) -> Plan:
        """As `registry.statistics.sequential` takes it."""
        rate, study = self.tolerated_per_100_years, self.published
        return Plan(
            most=float(self.most_expected),
            rate=None if rate is None else float(rate) / 100,
            history=None if study is None else History(study.events, float(study.years)),
            alpha=float(self.alpha),
            exponent=float(self.exponent),
        )

    @property
    def key(self) -> str:
        """A mark of the plan's numbers: with others the looks begin anew."""
        return hashlib.sha256(repr(self.plan).encode()).hexdigest()[:16]
