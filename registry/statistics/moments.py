"""What a study prints of its patients at baseline, as averages that ours must have when weighted.

A mean asks for one average, a standard deviation for a second (of the squared distance from the
mean), a median for half of the patients above it, a share for one indicator.

Source: Phillippo et al. 2016, NICE DSU Technical Support Document 18, appendix D.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from registry.statistics.design import Covariate
from registry.statistics.risk_sets import Values


@dataclass(frozen=True)
class Mean:
    """The mean of a number, and its standard deviation where it is printed."""

    covariate: str
    mean: float
    sd: float | None = None


@dataclass(frozen=True)
class Median:
    """The median of a number."""

    covariate: str
    median: float


@dataclass(frozen=True)
class Share:
    """The share of patients who have a code, from 0 to 1."""

    covariate: str
    code: str
    share: float


Target: TypeAlias = Mean | Median | Share


def subject(target: Target) -> str:
    """What it is a figure of: the covariate, with its code for a share."""
    if isinstance(target, Share):
        return f"{target.covariate} {target.code}"
    return target.covariate


@dataclass(frozen=True, eq=False)
class Moments:
    """A column per average with its name, its subject, and the average that is wanted.

    `columns`: patients in rows.
    """

    names: tuple[str, ...]
    subjects: tuple[str, ...]
    columns: Values
    wanted: Values

    def only(self, places: Sequence[int]) -> "Moments":
        """Some of the columns."""
        return Moments(
            tuple(self.names[i] for i in places),
            tuple(self.subjects[i] for i in places),
            self.columns[:, list(places)],
            self.wanted[list(places)],
        )


def impossible(target: Target) -> str | None:
    """Why no patients at all can have this, in words."""
    match target:
        case Mean(covariate=name, sd=float(sd)) if sd < 0:
            return f"a standard deviation of {name} below 0 cannot be"
        case Share(covariate=name, code=code, share=share) if not 0 <= share <= 1:
            return f"a share of {name} {code} outside 0 to 1 cannot be"
    return None


def known_rows(targets: Sequence[Target], covariates: Sequence[Covariate]) -> NDArray[np.bool_]:
    """In which rows all that is to be matched is known."""
    wanted = {target.covariate for target in targets}
    rows = np.ones(len(covariates[0].values), dtype=np.bool_)
    for each in covariates:
        if each.name in wanted and None in each.values:
            rows &= np.array([value is not None for value in each.values], dtype=np.bool_)
    return rows


def moments(
    targets: Sequence[Target], covariates: Sequence[Covariate], rows: NDArray[np.bool_]
) -> Moments:
    """The columns of some rows, in which everything is known.

    Raises KeyError for a covariate that is not among them.
    """
    by_name = {each.name: each for each in covariates}
    found: list[tuple[str, str, Values, float]] = []
    for target in targets:
        values = by_name[target.covariate].values
        kept = values if rows.all() else list(compress(values, rows))
        for name, column, wanted in _columns(target, kept):
            found.append((name, subject(target), column, wanted))
    names, subjects, columns, averages = zip(*found, strict=True)
    return Moments(names, subjects, np.column_stack(columns), np.array(averages))


def _columns(target: Target, values: Sequence[object]) -> list[tuple[str, Values, float]]:
    """Name, column and wanted average. The square is taken around the wanted mean: the same is
    asked, and no digits are lost where the numbers are far from 0.
    """
    if isinstance(target, Share):
        indicator = np.array([value == target.code for value in values], dtype=np.float64)
        return [(subject(target), indicator, target.share)]
    numbers = np.array(values, dtype=np.float64)
    if isinstance(target, Median):
        above = (numbers > target.median).astype(np.float64)
        return [(f"{target.covariate} above {target.median:g}", above, 0.5)]
    found = [(f"{target.covariate}, mean", numbers, target.mean)]
    if target.sd is not None:
        square = (numbers - target.mean) ** 2
        found.append((f"{target.covariate}, SD", square, target.sd**2))
    return found
