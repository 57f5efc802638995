"""Published figures that do not stand beside the registry, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry import words
from registry.published import Apart, Figure, Library, Row, Study, Why
from registry.reports.values import SideBySide
from registry.statistics.proportions import wilson

ORDER = (Why.REPORTED_TWICE, Why.OTHER_TIME, Why.NO_SHARE, Why.NOT_CHECKABLE, Why.NO_OUTCOME)


@dataclass(frozen=True)
class Listed:
    """One published figure: where it stands, what is printed, its interval, why it is not drawn."""

    study: str
    what: str
    printed: str
    interval: str
    reason: str


@dataclass(frozen=True)
class Trial:
    """A blinded trial with every figure it printed, drawn above or not, with the reason."""

    label: str
    design: str
    cite: str
    rows: tuple[Listed, ...]


def listed(apart: Sequence[Apart], library: Library) -> list[Listed]:
    """What is not drawn, but for other definitions and the blinded trial's own list."""
    shown = {study.id for study in library.studies if study.always_shown}
    rows = [each for each in apart if each.why in ORDER and each.row.study not in shown]
    return [_listed(each.row, each, library) for each in sorted(rows, key=lambda e: _place(e))]


def _place(each: Apart) -> tuple[int, str, str]:
    return ORDER.index(each.why), each.outcome.label if each.outcome else "", each.row.study


def other_definitions(apart: Sequence[Apart], library: Library) -> list[Listed]:
    """The large group whose outcome is a near one."""
    shown = {study.id for study in library.studies if study.always_shown}
    near = [each for each in apart if each.why is Why.OTHER_DEFINITION]
    rows = [each for each in near if each.row.study not in shown]
    return [_listed(each.row, each, library) for each in rows]


def trials(apart: Sequence[Apart], beside: Sequence[SideBySide], library: Library) -> list[Trial]:
    """The trials that are always on the page."""
    return [
        _trial(study, apart, beside, library) for study in library.studies if study.always_shown
    ]


def _trial(
    study: Study, apart: Sequence[Apart], beside: Sequence[SideBySide], library: Library
) -> Trial:
    reasons = {(e.row.study, e.row.number): e for e in reversed(apart)}
    drawn = {(e.study, e.pair.figure.number) for e in beside}
    rows = tuple(
        _listed(
            row,
            None if (study.id, row.number) in drawn else reasons.get((study.id, row.number)),
            library,
        )
        for row in study.rows
    )
    return Trial(study.label, study.design, study.cite.line, rows)


def _listed(row: Row, why: Apart | None, library: Library) -> Listed:
    study = library.study(row.study)
    label = library.codes[row.code].label
    return Listed(
        _who(row, study),
        f"{label}, {row.when}",
        printed(row),
        _interval(row),
        "Drawn above." if why is None else _reason(why),
    )


def _who(row: Row, study: Study) -> str:
    arm = getattr(row, "arm", None)
    if arm is None or len(study.arms) == 1:
        return study.label
    return f"{study.label}, {study.arms[arm].name}"


def _reason(why: Apart) -> str:
    text = f"{why.why.value}: {why.reason}"
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def printed(row: Row) -> str:
    """The figure as the paper has it."""
    if not isinstance(row, Figure):
        return _measured(row)
    if row.x is not None and row.n is not None:
        told = f"{words.whole(row.x)} of {words.whole(row.n)}"
        return f"{told}, printed {row.printed}{words.PERCENT}" if row.printed else told
    if row.printed:
        return f"{row.printed}{words.PERCENT}" + (f" of {words.whole(row.n)}" if row.n else "")
    return row.rate or "no count"


def _measured(row: Row) -> str:
    for name, unit in (("mean", ""), ("median", "median "), ("estimate", "")):
        value = getattr(row, name, None)
        if value is not None:
            spread = getattr(row, "sd", None)
            kind = getattr(row, "unit", None) or getattr(row, "measure", "")
            tail = f" (SD {spread})" if spread is not None else ""
            return f"{unit}{value}{tail} {kind}".strip()
    return "no figure"


def _interval(row: Row) -> str:
    if not isinstance(row, Figure) or row.x is None or not row.n:
        return "not from counts"
    found = wilson(row.x, row.n)
    if found.estimate is None:
        return "not from counts"
    return words.estimate(found.estimate, found.lower, found.upper)


def sources(beside: Sequence[SideBySide]) -> list[str]:
    """Where each figure that stands beside the registry was read, each line once."""
    return list(dict.fromkeys(each.source for each in beside))


def conflicts(beside: Sequence[SideBySide], library: Library) -> list[str]:
    """What is printed in the papers beside the registry and does not agree with itself."""
    studies = dict.fromkeys(each.study for each in beside)
    return list(dict.fromkeys(c.says for study in studies for c in library.conflicts_of(study)))
