"""What may stand side by side: the registry's outcomes against published figures, or why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from registry.published.figures import Effect, Figure, Row
from registry.published.library import Library
from registry.published.studies import Study
from registry.published.vocabulary import Horizon, Role


class Outcome(Protocol):
    """An outcome of the registry's protocol, as far as pairing needs it."""

    @property
    def code(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def published_code(self) -> str | None: ...
    @property
    def months(self) -> Sequence[int]: ...


class Why(StrEnum):
    """The kinds of reason for not setting a published row beside the registry."""

    OTHER_TIME = "other time-point"
    OTHER_DEFINITION = "other definition"
    NOT_CHECKABLE = "figure cannot be used"
    REPORTED_TWICE = "cohort reported twice"
    NO_SHARE = "not a share of patients"
    NO_OUTCOME = "not measured in the registry"


@dataclass(frozen=True)
class Pair:
    """A published figure beside an outcome at `months`; `cautions` are printed with it."""

    outcome: Outcome
    months: int
    figure: Figure
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Apart:
    """A published row not set beside the registry, and why; `outcome` is the nearest one."""

    outcome: Outcome | None
    row: Row
    why: Why
    reason: str


@dataclass(frozen=True)
class Pairing:
    """Everything that stands side by side, and everything near it that does not."""

    beside: tuple[Pair, ...]
    apart: tuple[Apart, ...]


def pair(outcomes: Sequence[Outcome], library: Library) -> Pairing:
    """Decide for each outcome, time-point and published row: side by side, or the reason why not.

    Same code and same month stand side by side. A row is listed with its reason when the code is
    the same but the month is not, when the code is a near one, when the figure cannot be used, or
    when it belongs to a trial that is always shown. A cohort that would stand twice is warned of.
    """
    rough = [found for outcome in outcomes for found in _of_outcome(outcome, library)]
    beside = [item for item in rough if isinstance(item, Pair)]
    apart = [item for item in rough if isinstance(item, Apart)]
    apart.extend(_blinded_rest(library, beside, apart))
    return Pairing(tuple(_warned(item, beside, library) for item in beside), tuple(apart))


def _of_outcome(outcome: Outcome, library: Library) -> Iterator[Pair | Apart]:
    wanted = outcome.published_code
    for row in library.rows:
        if wanted is None or row.code not in library.codes:
            continue
        if row.code == wanted:
            yield _same_code(outcome, row, library)
        elif library.codes[row.code].near == wanted:
            yield Apart(outcome, row, Why.OTHER_DEFINITION, _definitions(row, outcome, library))


def _same_code(outcome: Outcome, row: Row, library: Library) -> Pair | Apart:
    if not isinstance(row, Figure):
        kind = "a ratio or difference between arms" if isinstance(row, Effect) else "a measurement"
        return Apart(outcome, row, Why.NO_SHARE, f"{kind}, not a share of patients in one arm")
    if row.unusable:
        return Apart(outcome, row, Why.NOT_CHECKABLE, row.unusable)
    if again := _again(row, library):
        return Apart(outcome, row, Why.REPORTED_TWICE, again)
    months = tuple(outcome.months)
    if not _at_time_point(row) or row.month not in {Decimal(month) for month in months}:
        return Apart(outcome, row, Why.OTHER_TIME, _times(row, months))
    return Pair(outcome, int(row.month or 0), row, _cautions(row, library))


def _at_time_point(row: Row) -> bool:
    return row.horizon in (Horizon.TIME_POINT, Horizon.NOMINAL)


def _times(row: Row, months: tuple[int, ...]) -> str:
    ours = ", ".join(str(month) for month in months)
    word = "at" if row.month is None or _at_time_point(row) else "over"
    return f"published {word} {row.when}; the registry has {ours} months"


def _definitions(row: Row, outcome: Outcome, library: Library) -> str:
    theirs = library.codes[row.code].label
    said = f" ({row.means})" if row.means else ""
    return f"published: {theirs}{said}; the registry: {outcome.label}"


def _again(figure: Figure, library: Library) -> str | None:
    study = library.study(figure.study)
    if study.reports_again is None:
        return None
    first = library.study(study.reports_again)
    twin = any(row.code == figure.code and row.month == figure.month for row in first.figures)
    return f"{first.label} reports the same patients; its figure counts" if twin else None


def _cautions(figure: Figure, library: Library) -> tuple[str, ...]:
    study = library.study(figure.study)
    nominal = "time-point is nominal" if figure.horizon is Horizon.NOMINAL else None
    basis = figure.basis if figure.basis and not figure.flags else None
    said = (*figure.flags, basis, figure.analysis, figure.note, nominal, _design(figure, study))
    return tuple(text for text in said if text)


def _design(figure: Figure, study: Study) -> str | None:
    if study.arms[figure.arm].role is Role.CONTROL:
        return "control arm: these patients did not have the treatment under study"
    return None if study.blinded else "not blinded"


def _warned(item: Pair, beside: Sequence[Pair], library: Library) -> Pair:
    others = (
        library.overlap(item.figure, other.figure)
        for other in beside
        if (other.outcome.code, other.months) == (item.outcome.code, item.months)
    )
    twice = dict.fromkeys(f"counted twice? {why}" for why in others if why)
    return Pair(item.outcome, item.months, item.figure, (*item.cautions, *twice))


def _blinded_rest(
    library: Library, beside: Sequence[Pair], apart: Sequence[Apart]
) -> Iterator[Apart]:
    placed = {(row.study, row.number) for row in (item.row for item in apart)}
    placed |= {(item.figure.study, item.figure.number) for item in beside}
    for row in library.blinded_trial_figures():
        if (row.study, row.number) not in placed:
            label = library.codes[row.code].label
            yield Apart(None, row, Why.NO_OUTCOME, f"no outcome of the protocol is {label}")
