"""Baseline covariates as the columns of a regression, one row per pattern of values.

A covariate is numbers or codes. Numbers enter as they are, codes as one indicator for each but the
most frequent; "not known" is a code of its own, and beside numbers an indicator. Columns that say
nothing new (the same for everyone, or made of the columns before them) are left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from registry.statistics.risk_sets import Counts, Values

Value: TypeAlias = float | str | None
UNKNOWN = "not known"
_NEW = 1e-8  # what is left of a standardised column after those before it, to count as new


@dataclass(frozen=True)
class Covariate:
    """A name, and the value in each row; None where it is not known."""

    name: str
    values: Sequence[Value]

    @property
    def is_numeric(self) -> bool:
        kinds = set(map(type, self.values)) - {type(None)}
        return all(issubclass(kind, int | float) for kind in kinds)

    def groups(self) -> dict[Value, Values] | None:
        """Which rows each category has; None for numbers of more than two values."""
        found = dict.fromkeys(self.values)
        if self.is_numeric and len([value for value in found if value is not None]) > 2:
            return {None: self._is(None)} if None in found else None
        return {value: self._is(value) for value in found}

    def columns(self, people: Counts) -> Iterator[tuple[str, Values]]:
        """The columns with their names; `people` in each row tell which code is most frequent."""
        if not self.is_numeric:
            counts: Counter[Value] = Counter()
            for value, count in zip(self.values, people.tolist(), strict=True):
                counts[value] += count
            codes = sorted(counts, key=lambda code: (-counts[code], code is None, str(code)))
            for code in codes[1:]:
                yield f"{self.name} {UNKNOWN if code is None else code}", self._is(code)
            return
        missing = self._is(None)
        yield self.name, np.array([0.0 if v is None else float(v) for v in self.values])
        if missing.any():
            yield f"{self.name} {UNKNOWN}", missing

    def _is(self, wanted: Value) -> Values:
        return np.array([value == wanted for value in self.values], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Design:
    """A matrix with an intercept and standardised columns of full rank.

    `names`: of the columns after the intercept; `owners`: whose they are; `raw`: the columns as
    they were before.
    """

    matrix: Values
    raw: Values
    names: tuple[str, ...]
    owners: tuple[str, ...]

    @property
    def covariates(self) -> tuple[str, ...]:
        """The covariates that have a column, in their order."""
        return tuple(dict.fromkeys(self.owners))


def design(covariates: Iterable[Covariate], people: Counts) -> Design:
    """The design of the rows; each stands for so many people, at least one."""
    kept = [np.ones(people.size)]
    found: list[tuple[str, str, Values]] = []
    basis = [kept[0] / np.sqrt(people.sum())]
    for each in covariates:
        for name, raw in each.columns(people):
            scaled = _standardised(raw, people)
            rest = scaled - sum(one * (one * people * scaled).sum() for one in basis)
            size = float(np.sqrt((people * rest**2).sum()))
            if size > _NEW * np.sqrt(people.sum()):
                basis.append(rest / size)
                kept.append(scaled)
                found.append((name, each.name, raw))
    raws = [raw for _, _, raw in found]
    return Design(
        np.column_stack(kept),
        np.column_stack(raws) if raws else np.empty((people.size, 0)),
        tuple(name for name, _, _ in found),
        tuple(owner for _, owner, _ in found),
    )


def _standardised(raw: Values, people: Counts) -> Values:
    middle = float(np.average(raw, weights=people))
    spread = float(np.sqrt(np.average((raw - middle) ** 2, weights=people)))
    scaled: Values = (raw - middle) / spread if spread > 0 else np.zeros(raw.size)
    return scaled
