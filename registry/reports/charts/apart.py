"""Published figures that do not stand beside the registry, each with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from registry import words
from registry.published import (
    Apart,
    Effect,
    Figure,
    Library,
    Measure,
    Row,
    Study,
    Why,
    arithmetic,
)
from registry.published.vocabulary import Counted
from registry.reports.values import SideBySide
from registry.statistics.printed_intervals import standard_error
from registry.statistics.proportions import wilson
from registry.statistics.values import NotEstimable

ABOVE = "Stands beside the registry above."
GROUPS = {
    Why.REPORTED_TWICE: "A cohort that another paper reports too",
    Why.OTHER_TIME: "Another time-point",
    Why.NO_SHARE: "Not a share of patients",
    Why.NO_OUTCOME: "Not measured in the registry",
    Why.NOT_CHECKABLE: "A figure that cannot be used",
    Why.OTHER_DEFINITION: "Another definition",
}
FOLDED = (Why.NOT_CHECKABLE, Why.OTHER_DEFINITION)


@dataclass(frozen=True)
class Listed:
    """One published figure: where it stands, what is printed, its interval, why it is not drawn."""

    study: str
    what: str
    printed: str
    interval: str
    reason: str


@dataclass(frozen=True)
class Group:
    """Figures that are not drawn for one kind of reason; large kinds are folded away."""

    title: str
    rows: tuple[Listed, ...]
    is_folded: bool


@dataclass(frozen=True)
class TrialRow:
    """One outcome of a trial: what each arm printed, in the order of the arms, and the reason."""

    what: str
    printed: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Trial:
    """A blinded trial with every figure it printed, drawn above or not, with the reason."""

    label: str
    design: str
    cite: str
    arms: tuple[str, ...]
    rows: tuple[TrialRow, ...]


def groups(apart: Sequence[Apart], library: Library) -> list[Group]:
    """What is not drawn, by the kind of reason; the blinded trial has its own list."""
    always = {study.id for study in library.studies if study.always_shown}
    found = []
    for why, title in GROUPS.items():
        rows = [each for each in apart if each.why is why and each.row.study not in always]
        listed = tuple(_listed(each, library) for each in rows)
        if listed:
            found.append(Group(title, listed, why in FOLDED))
    return found


def _listed(each: Apart, library: Library) -> Listed:
    row, study = each.row, library.study(each.row.study)
    return Listed(
        _who(row, study),
        f"{library.codes[row.code].label}, {row.when}",
        printed(row),
        interval(row),
        _sentence(each.reason),
    )


def _who(row: Row, study: Study) -> str:
    arm = getattr(row, "arm", None)
    if arm is None or len(study.arms) == 1:
        return study.label
    return f"{study.label}, {study.arms[arm].name}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def trials(apart: Sequence[Apart], beside: Sequence[SideBySide], library: Library) -> list[Trial]:
    """The trials that are always on the page, whatever they say."""
    reasons = {(e.row.study, e.row.number): f"{e.why.value}: {e.reason}" for e in reversed(apart)}
    reasons |= {(e.study, e.pair.figure.number): ABOVE for e in beside}
    return [_trial(study, reasons, library) for study in library.studies if study.always_shown]


def _trial(study: Study, reasons: Mapping[tuple[str, int], str], library: Library) -> Trial:
    by_outcome: dict[str, list[Row]] = {}
    for row in study.rows:
        by_outcome.setdefault(f"{library.codes[row.code].label}, {row.when}", []).append(row)
    rows = tuple(
        TrialRow(
            what,
            tuple(_of_arm(found, arm) for arm in study.arms),
            _sentence(reasons.get((study.id, found[0].number), "listed only")),
        )
        for what, found in by_outcome.items()
    )
    arms = tuple(arm.name for arm in study.arms.values())
    return Trial(study.label, _sentence(study.design), study.cite.line, arms, rows)


def _of_arm(rows: Sequence[Row], arm: str) -> str:
    """What one arm printed, with the interval of its count."""
    told = [_with_interval(row) for row in rows if getattr(row, "arm", None) == arm]
    return "; ".join(told) or "not printed"


def _with_interval(row: Row) -> str:
    if isinstance(row, Figure) and row.x is not None and row.n:
        found = wilson(row.x, row.n)
        return words.share(row.x, row.n, found.lower, found.upper)
    return printed(row)


def blinded_sentences(library: Library) -> list[str]:
    """What the blinded trials found: their first outcome that every arm counted."""
    found = []
    for study in library.studies:
        told = _first_shared(study, library) if study.always_shown else ""
        if told:
            found.append(f"In the blinded trial, {study.label}, {told}.")
    return found


def _first_shared(study: Study, library: Library) -> str:
    for first in study.figures:
        same = {
            each.arm: each
            for each in study.figures
            if (each.code, each.month) == (first.code, first.month) and each.x is not None
        }
        if len(same) == len(study.arms) > 1:
            label = library.codes[first.code].label
            counts = " and ".join(
                f"{each.x} of {each.n} with {study.arms[arm].name}" for arm, each in same.items()
            )
            return f"{label[:1].lower()}{label[1:]} at {first.when} was {counts}"
    return ""


def printed(row: Row) -> str:
    """The figure as the paper has it."""
    if not isinstance(row, Figure):
        return _measured(row)
    percent = f"{row.printed}{words.PERCENT}" if row.printed else ""
    if row.x is not None and row.n is not None:
        told = f"{words.whole(row.x)} of {words.whole(row.n)}"
        return f"{told}, printed {percent}" if percent else told
    if percent:
        return f"{percent} of {words.whole(row.n)}" if row.n else percent
    return row.rate or "no count"


def _measured(row: Row) -> str:
    for name in ("mean", "median", "estimate"):
        value = getattr(row, name, None)
        if value is not None:
            spread = getattr(row, "sd", None)
            unit = getattr(row, "unit", None) or getattr(row, "measure", "")
            lead = "median " if name == "median" else ""
            tail = f" (SD {spread})" if spread is not None else ""
            return f"{lead}{value}{tail} {unit}".strip().replace("-", words.MINUS)
    return "no figure"


def interval(row: Row) -> str:
    """The share with its interval, worked out from the printed count; without a count, the printed
    interval with the standard error behind it.
    """
    if isinstance(row, Figure) and row.x is not None and row.n:
        found = wilson(row.x, row.n)
        return words.estimate(row.x / row.n, found.lower, found.upper)
    if isinstance(row, Measure) or row.interval is None:
        return "no count"
    told = f"printed {row.interval.lower} to {row.interval.upper}".replace("-", words.MINUS)
    behind = _behind(row)
    return f"{told}; {behind}" if behind else told


def _behind(row: Figure | Effect) -> str:
    """The standard error on the scale of the printed interval; shares as fractions."""
    limits = row.interval
    if limits is None:
        return ""
    if isinstance(row, Effect):
        scales = ("log",) if "ratio" in row.measure else ("linear",)
        found = standard_error(row.estimate, limits.lower, limits.upper, scales)
    elif row.printed and arithmetic.is_plain(row.printed):
        share = Decimal(row.printed).scaleb(-2)
        low, high = limits.lower.scaleb(-2), limits.upper.scaleb(-2)
        if not low <= share <= high:
            return "the printed interval does not hold the share"
        scale = "log(-log)" if row.counted is Counted.ESTIMATE else "logit"
        found = standard_error(share, low, high, ("linear", scale))
    else:
        return ""
    if isinstance(found, NotEstimable):
        return found.reason
    return f"standard error {words.number(found.se, 3)} ({found.scale})"


def sources(beside: Sequence[SideBySide]) -> list[str]:
    """Where each figure that stands beside the registry was read, each line once."""
    return list(dict.fromkeys(each.source for each in beside))


def conflicts(beside: Sequence[SideBySide], library: Library) -> list[str]:
    """What is printed in the papers beside the registry and does not agree with itself."""
    studies = dict.fromkeys(each.study for each in beside)
    return list(dict.fromkeys(c.says for study in studies for c in library.conflicts_of(study)))
