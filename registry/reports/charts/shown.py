"""Figures of a report as marks and words: a hidden one becomes a hidden mark, never a number."""

from dataclasses import dataclass

from registry import words
from registry.reports.figures import Counted, Limits
from registry.reports.values import Figure, Number
from registry.statistics.policy import Shown, Suppressed
from registry.statistics.values import Estimate, NotEstimable, Proportion, Rate

NOBODY_DUE = "nobody is due yet"
METHODS = {
    "wilson": "Wilson",
    "wilson-continuity": "Wilson with continuity correction",
    "clopper-pearson": "Clopper-Pearson",
    "mid-p": "mid-p",
    "jeffreys": "Jeffreys",
    "agresti-coull": "Agresti-Coull",
    "newcombe": "Newcombe",
    "miettinen-nurminen": "Miettinen-Nurminen score",
    "koopman": "Koopman score",
    "score": "Miettinen-Nurminen score",
    "conditional": "exact conditional",
}


@dataclass(frozen=True)
class Stat:
    """A figure of one number: its name, the figure, and what stands under it."""

    label: str
    figure: str = ""
    under: str = ""
    bounds: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Rows:
    """A table: heads as the table macro takes them, rows of words, the caption."""

    caption: str
    heads: tuple[str | tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]


def count(shown: Shown) -> int | None:
    """The count, or None where it is hidden."""
    return None if isinstance(shown, Suppressed) else shown


def counted(figure: Figure) -> Counted:
    """x of n with its limits; no limits where nothing can be estimated."""
    if isinstance(figure, Suppressed):
        return Counted(None, None)
    return Counted(figure.x, figure.n, limits(figure))


def limits(found: Proportion | Estimate | Suppressed) -> Limits | None:
    """Estimate and interval for drawing; None where there is no estimate."""
    if isinstance(found, Suppressed) or found.estimate is None:
        return None
    return Limits(found.estimate, found.lower, found.upper)


def reason(found: Proportion | Estimate | Suppressed) -> str:
    """Why there is no estimate."""
    return "" if isinstance(found, Suppressed) else found.reason or ""


def whole(shown: Shown) -> str:
    """A count as words."""
    return words.whole(count(shown))


def of(figure: Figure) -> str:
    """ "126 of 180", or that it is hidden."""
    if isinstance(figure, Suppressed):
        return words.HIDDEN
    return f"{words.whole(figure.x)} of {words.whole(figure.n)}"


def share(figure: Figure) -> str:
    """Estimate and interval of a share without its counts."""
    if isinstance(figure, Suppressed):
        return words.HIDDEN
    if figure.estimate is None:
        return figure.reason or ""
    return words.estimate(figure.estimate, figure.lower, figure.upper)


def full(figure: Figure, zero_upper: Number | None = None) -> str:
    """Count, denominator, share and interval."""
    if isinstance(figure, Suppressed):
        return words.HIDDEN
    upper = zero_upper if isinstance(zero_upper, float) else None
    return words.share(figure.x, figure.n, figure.lower, figure.upper, upper)


def number(found: Number) -> str:
    """A share as per cent with one digit and no sign, the reason for none, or that it is hidden."""
    if isinstance(found, Suppressed):
        return words.HIDDEN
    return found.reason if isinstance(found, NotEstimable) else words.number(100 * found)


def rate(found: Rate | Suppressed) -> str:
    """A rate with its interval, the reason for none, or that it is hidden."""
    if isinstance(found, Suppressed):
        return words.HIDDEN
    if found.estimate is None:
        return found.reason or ""
    return words.rate(found.estimate, found.lower, found.upper)


def years(found: float | Suppressed) -> str:
    """Person-years with one digit, or that they are hidden."""
    return words.HIDDEN if isinstance(found, Suppressed) else words.number(found)
