"""Counts that leave the registry: hidden when small, rounded otherwise, and audited by an attacker.

The `release` policy hides counts of 1 to 7 and rounds all others to the nearest 5; 0 is shown.
Everything else is computed from what is shown. A count that could be found by adding and
subtracting what is shown takes another one with it (complementary suppression), and the attacker,
who knows the policy and the rounding, must find every value from 1 to 7 possible for every small
count; otherwise more is hidden. He sees one release, not the releases before it.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from scipy import optimize

from registry.statistics.proportions import wilson
from registry.statistics.rates import eair
from registry.statistics.values import Json, Proportion, Rate

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Policy:
    """Counts of 1 to `hide_up_to` are hidden, others rounded to `base`, groups need `group` people.

    A group smaller than that gets no rate and is not broken down.
    """

    name: str
    hide_up_to: int
    base: int
    group: int

    def is_small(self, count: int) -> bool:
        return 1 <= count <= self.hide_up_to

    def rounded(self, count: int) -> int:
        return self.base * ((count + self.base // 2) // self.base)


RELEASE = Policy("release", hide_up_to=7, base=5, group=20)


@dataclass(frozen=True)
class Suppressed:
    """What stands in place of a hidden figure; it says nothing about it."""

    def as_json(self) -> Json:
        return {"suppressed": True}


SUPPRESSED = Suppressed()
Shown: TypeAlias = int | Suppressed
Cell: TypeAlias = tuple[str | None, str | None]


@dataclass(frozen=True)
class Sum(Generic[Key]):
    """A total and the parts that add up to it; `group` if it is people broken down by something."""

    total: Key
    parts: tuple[Key, ...]
    group: bool = True

    @property
    def breaks_down(self) -> bool:
        return self.group and len(self.parts) > 1

    @property
    def keys(self) -> tuple[Key, ...]:
        return (self.total, *self.parts)


@dataclass(frozen=True)
class ReleasedTable:
    """Rows of groups by columns of categories, as shown, with the totals as shown."""

    cells: dict[str, dict[str, Shown]]
    row_totals: dict[str, Shown]
    column_totals: dict[str, Shown]
    total: Shown

    def as_json(self) -> Json:
        return {
            "cells": {row: _counts_json(cells) for row, cells in self.cells.items()},
            "row_totals": _counts_json(self.row_totals),
            "column_totals": _counts_json(self.column_totals),
            "total": shown_json(self.total),
        }


def shown_json(shown: Shown) -> int | Json:
    """A shown count as JSON: the number, or {"suppressed": true}."""
    return shown.as_json() if isinstance(shown, Suppressed) else shown


def show_count(count: int, policy: Policy = RELEASE) -> Shown:
    """One count that no shown sum contains."""
    if count < 0:
        raise ValueError(f"{count} is not a count")
    return SUPPRESSED if policy.is_small(count) else policy.rounded(count)


def shown_proportion(
    x: Shown, n: Shown, *, level: float = 0.95, policy: Policy = RELEASE
) -> Proportion | Suppressed:
    """The share and its Wilson interval from two counts of one release that held n - x as well."""
    if isinstance(x, Suppressed) or isinstance(n, Suppressed) or n < policy.group:
        return SUPPRESSED
    return wilson(x, n, level)


def release_proportion(
    x: int, n: int, *, level: float = 0.95, policy: Policy = RELEASE
) -> Proportion | Suppressed:
    """x of n alone: hidden if x, n - x or n is small, or if all or none of a small group are x."""
    if policy.is_small(n - x) or (x in (0, n) and n < policy.group):
        return SUPPRESSED
    return shown_proportion(
        show_count(x, policy), show_count(n, policy), level=level, policy=policy
    )


def release_rate(
    patients: int, n: int, days: int, *, level: float = 0.95, policy: Policy = RELEASE
) -> Rate | Suppressed:
    """First events per 100 person-years with Garwood's interval, where `patients` of n is shown."""
    if isinstance(release_proportion(patients, n, policy=policy), Suppressed):
        return SUPPRESSED
    return eair(policy.rounded(patients), days, level=level)


def release_table(rows: Mapping[str, Mapping[str, int]], policy: Policy = RELEASE) -> ReleasedTable:
    """A table of groups by categories with all totals; an absent cell is 0, one row is enough."""
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    counts: dict[Cell, int] = {
        (row, column): cells.get(column, 0) for row, cells in rows.items() for column in columns
    }
    sums = _table_sums(list(rows), columns)
    for each in reversed(sums):
        counts[each.total] = sum(counts[part] for part in each.parts)
    shown = release_counts(counts, sums, policy)
    return ReleasedTable(
        cells={row: {column: shown[row, column] for column in columns} for row in rows},
        row_totals={row: shown[row, None] for row in rows},
        column_totals={column: shown[None, column] for column in columns},
        total=shown[None, None],
    )


def release_counts(
    counts: Mapping[Key, int], sums: Sequence[Sum[Key]], policy: Policy = RELEASE
) -> dict[Key, Shown]:
    """Counts that are tied by sums, as they may be shown together.

    Put in every count that a reader could form from those shown, such as n - x, even if it will
    not be shown. Raises ValueError if a sum does not add up.
    """
    for each in sums:
        if counts[each.total] != sum(counts[part] for part in each.parts):
            raise ValueError(f"the parts of {each.total!r} do not add up to it")
    if min(counts.values(), default=0) < 0:
        raise ValueError("a negative count")
    small = {key for key, count in counts.items() if policy.is_small(count)}
    hidden = _closed(set(small), counts, sums, policy)
    while exposed := exposed_counts(_as_shown(counts, hidden, policy), sums, small, policy):
        hidden |= _more(exposed, hidden, counts, sums)
        hidden = _closed(hidden, counts, sums, policy)
    return _as_shown(counts, hidden, policy)


def exposed_counts(
    shown: Mapping[Key, Shown],
    sums: Sequence[Sum[Key]],
    protected: Collection[Key],
    policy: Policy = RELEASE,
) -> set[Key]:
    """The attacker: which of the protected counts cannot have every value that the policy hides.

    For each value an integer program asks whether some table with that value agrees with all that
    is shown: a shown count lies within its rounding, a hidden one is positive unless it belongs to
    a total that may have been too small to be broken down.
    """
    if all(isinstance(value, Suppressed) for value in shown.values()):
        return set()
    attack = _Attack(shown, sums, policy)
    values = range(1, policy.hide_up_to + 1)
    tied = {key for each in sums for key in each.keys}
    return {
        key
        for key in protected
        if key in tied and not all(attack.possible(key, value) for value in values)
    }


class _Attack(Generic[Key]):
    """All tables that agree with one release, as the constraints of an integer program."""

    def __init__(
        self, shown: Mapping[Key, Shown], sums: Sequence[Sum[Key]], policy: Policy
    ) -> None:
        self.column = {key: index for index, key in enumerate(shown)}
        bounds = [_range(key, value, shown, sums, policy) for key, value in shown.items()]
        self.lower, self.upper = np.array(bounds, dtype=float).T
        matrix = np.zeros((len(sums), len(self.column)))
        for row, each in enumerate(sums):
            matrix[row, [self.column[part] for part in each.parts]] = 1
            matrix[row, self.column[each.total]] = -1
        self.sums = optimize.LinearConstraint(matrix, 0, 0)
        self.seen: set[tuple[int, int]] = set()

    def possible(self, key: Key, value: int) -> bool:
        """Whether some table has this count at this value; the tables found are remembered."""
        column = self.column[key]
        if (column, value) in self.seen:
            return True
        lower, upper = self.lower.copy(), self.upper.copy()
        lower[column] = upper[column] = value
        if lower[column] < self.lower[column]:
            return False
        found = optimize.milp(
            np.zeros(lower.size),
            integrality=np.ones(lower.size),
            bounds=optimize.Bounds(lower, upper),
            constraints=self.sums,
        )
        if found.x is None:
            return False
        self.seen.update(enumerate(np.rint(found.x).astype(int).tolist()))
        return True


def _range(
    key: Key, value: Shown, shown: Mapping[Key, Shown], sums: Iterable[Sum[Key]], policy: Policy
) -> tuple[float, float]:
    if isinstance(value, Suppressed):
        may_be_zero = any(
            key in each.parts and _may_be_unbroken(each, shown, policy) for each in sums
        )
        return (0 if may_be_zero else 1), np.inf
    if value == 0:
        return 0, 0
    half = policy.base // 2
    return max(policy.hide_up_to + 1, value - half), value + half


def _may_be_unbroken(each: Sum[Key], shown: Mapping[Key, Shown], policy: Policy) -> bool:
    total = shown[each.total]
    return isinstance(total, Suppressed) or (each.breaks_down and total <= policy.group)


def _closed(
    hidden: set[Key], counts: Mapping[Key, int], sums: Sequence[Sum[Key]], policy: Policy
) -> set[Key]:
    """Hide more until no sum gives its only hidden count away by one subtraction.

    How many counts are hidden decides, never how large they are, nor what rounding would allow:
    a choice that looked at their values would tell something about them.
    """
    before = -1
    while before != len(hidden):
        before = len(hidden)
        for each in sums:
            unbroken = each.breaks_down and 0 < counts[each.total] < policy.group
            if unbroken or each.total in hidden:
                hidden |= set(each.parts)
            if len(hidden.intersection(each.keys)) == 1:
                hidden.add(_companion(each, hidden, counts))
    return hidden


def _more(
    exposed: Collection[Key],
    hidden: Collection[Key],
    counts: Mapping[Key, int],
    sums: Iterable[Sum[Key]],
) -> set[Key]:
    """One more count of every sum with an exposed count; when there is none left, everything."""
    touched = (each for each in sums if not set(each.keys).isdisjoint(exposed))
    return {_companion(each, hidden, counts) for each in touched} - set(hidden) or set(counts)


def _companion(each: Sum[Key], hidden: Collection[Key], counts: Mapping[Key, int]) -> Key:
    """The smallest part that is still shown and not 0, else the total."""
    parts = [part for part in each.parts if part not in hidden and counts[part] > 0]
    return min(parts, key=lambda part: counts[part]) if parts else each.total


def _as_shown(
    counts: Mapping[Key, int], hidden: Collection[Key], policy: Policy
) -> dict[Key, Shown]:
    return {
        key: SUPPRESSED if key in hidden else policy.rounded(count) for key, count in counts.items()
    }


def _table_sums(rows: Sequence[str], columns: Sequence[str]) -> list[Sum[Cell]]:
    """The grand total both ways, then row and column totals; None stands for "all"."""
    every: Cell = (None, None)
    row_totals: list[Cell] = [(row, None) for row in rows]
    column_totals: list[Cell] = [(None, column) for column in columns]
    return [
        Sum(every, tuple(row_totals)),
        Sum(every, tuple(column_totals)),
        *(Sum(total, tuple((total[0], column) for column in columns)) for total in row_totals),
        *(
            Sum(total, tuple((row, total[1]) for row in rows), group=False)
            for total in column_totals
        ),
    ]


def _counts_json(counts: Mapping[str, Shown]) -> dict[str, int | Json]:
    return {name: shown_json(shown) for name, shown in counts.items()}
