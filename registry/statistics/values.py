"""The values that statistics return, and the one way in which they become JSON.

Every value is frozen and has `as_json()`. The rules are the same for all of them:

* what cannot be estimated is `None` in Python and `null` in JSON, and `reason` says why; the key
  "reason" is there only then. An estimate may stand without an interval, never the reverse, except
  where a limit is known although the estimate is not (a median that was not reached);
* what has no bound is `math.inf` in Python and the string "infinity" in JSON;
* a function that returns one bare number returns `float | NotEstimable`, and `beside()` writes
  such numbers under their names with one "reason" beside them;
* `level` is carried by every interval, but written only by `Interval`, as the contract has it.
"""

import math
from dataclasses import dataclass

from scipy import special

Json = dict[str, object]


def z_value(level: float) -> float:
    """The two-sided standard normal quantile of a confidence level, in full precision."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1")
    return float(-special.ndtri((1 - level) / 2))


def number(value: float | None) -> float | str | None:
    """One number as JSON: null if absent, "infinity" if unbounded."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        raise ValueError("NaN is not a result: return None and a reason")
    return "infinity" if value > 0 else "-infinity"


@dataclass(frozen=True)
class NotEstimable:
    """A single number that the data cannot give, with the reason in words."""

    reason: str

    def as_json(self) -> Json:
        return {"estimate": None, "reason": self.reason}


def beside(**values: float | NotEstimable) -> Json:
    """Bare numbers under their names; those not estimable are null, with one "reason" for all."""
    missing = {name: v.reason for name, v in values.items() if isinstance(v, NotEstimable)}
    written: Json = {
        name: None if isinstance(v, NotEstimable) else number(v) for name, v in values.items()
    }
    if missing:
        written["reason"] = _joined(missing)
    return written


def _joined(missing: dict[str, str]) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, reason in missing.items():
        by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


@dataclass(frozen=True)
class Interval:
    """Two limits with their level and method."""

    lower: float | None
    upper: float | None
    level: float
    method: str
    reason: str | None = None

    def as_json(self) -> Json:
        limits: Json = {"lower": number(self.lower), "upper": number(self.upper)}
        return limits | {"level": self.level, "method": self.method} | _reason(self.reason)


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval: a difference, a median, a mean time."""

    estimate: float | None
    lower: float | None
    upper: float | None
    method: str
    level: float = 0.95
    reason: str | None = None

    def as_json(self) -> Json:
        limits: Json = {"lower": number(self.lower), "upper": number(self.upper)}
        return (
            {"estimate": number(self.estimate)}
            | limits
            | {"method": self.method}
            | _reason(self.reason)
        )


@dataclass(frozen=True)
class Rate(Estimate):
    """A number of events per person-time; the caller chose the person-time (100 years)."""


@dataclass(frozen=True)
class Proportion:
    """x of n with the interval of the share; not estimable when n is 0."""

    x: int
    n: int
    estimate: float | None
    lower: float | None
    upper: float | None
    method: str
    level: float = 0.95
    reason: str | None = None

    @property
    def interval(self) -> Interval:
        return Interval(self.lower, self.upper, self.level, self.method, self.reason)

    def as_json(self) -> Json:
        counts: Json = {"x": self.x, "n": self.n, "estimate": number(self.estimate)}
        limits: Json = {"lower": number(self.lower), "upper": number(self.upper)}
        return counts | limits | {"method": self.method} | _reason(self.reason)


def _reason(reason: str | None) -> Json:
    return {} if reason is None else {"reason": reason}
