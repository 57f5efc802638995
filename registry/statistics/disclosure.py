"""Counts that leave the registry: hidden when small, rounded otherwise, and audited by an attacker.

The `release` policy hides counts of 1 to 7 and rounds all others to the nearest 5; 0 is shown.
Everything else is computed from what is shown. A count that could be found by adding and
subtracting what is shown takes another one with it (complementary suppression), and the attacker,
who knows the policy and the rounding, must find every value from 1 to 7 possible for every small
count; otherwise more is hidden. He sees one release, not the releases before it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from registry.statistics.attacker import exposed_counts, known_noughts
from registry.statistics.policy import RELEASE, SUPPRESSED, Key, Policy, Shown, Sum, Suppressed
from registry.statistics.proportions import wilson
from registry.statistics.rates import eair
from registry.statistics.values import Json, Proportion, Rate

Cell: TypeAlias = tuple[str | None, str | None]


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
    counts: Mapping[Key, int],
    sums: Sequence[Sum[Key]],
    policy: Policy = RELEASE,
    latent: Collection[Key] = (),
) -> dict[Key, Shown]:
    """Counts that are tied by sums, as they may be shown together.

    `latent` counts are protected but have no place in the release: differences that a reader could
    form, such as n - x. Raises ValueError if a count is negative or a sum does not add up.
    """
    _check(counts, sums)
    small = {key for key, count in counts.items() if policy.is_small(count)}
    hidden = _closed(small | set(latent), counts, sums, policy)
    while exposed := exposed_counts(_as_shown(counts, hidden, policy), sums, small, policy, latent):
        hidden |= _more(exposed, hidden, counts, sums)
        hidden = _closed(hidden, counts, sums, policy)
    return {
        key: value for key, value in _as_shown(counts, hidden, policy).items() if key not in latent
    }


def _check(counts: Mapping[Key, int], sums: Iterable[Sum[Key]]) -> None:
    if min(counts.values(), default=0) < 0:
        raise ValueError("a negative count")
    for each in sums:
        if counts[each.total] != sum(counts[part] for part in each.parts):
            raise ValueError(f"the parts of {each.total!r} do not add up to it")


def _closed(
    hidden: set[Key], counts: Mapping[Key, int], sums: Iterable[Sum[Key]], policy: Policy
) -> set[Key]:
    """Hide more until no margin gives its only hidden count away by one subtraction.

    How many counts are hidden decides, never how large they are, nor what rounding would allow:
    a choice that looked at their values would tell something about them.
    """
    sums, before = list(sums), -1
    while before != len(hidden):
        before = len(hidden)
        for each in sums:
            if _is_unbroken(each, counts[each.total], each.total in hidden, policy):
                noughts: set[Key] = known_noughts(_as_shown(counts, hidden, policy), sums)
                hidden |= set(each.parts) - noughts
            if each.margin and len(hidden.intersection(each.keys)) == 1:
                hidden.add(_companion(each, hidden, counts))
    return hidden


def _is_unbroken(each: Sum[Key], total: int, hidden: bool, policy: Policy) -> bool:
    """Whether all parts are hidden, noughts too: of a small total, a hidden 0, a small group."""
    if hidden and total <= policy.hide_up_to:
        return True
    return each.breaks_down and 0 < total < policy.group


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
