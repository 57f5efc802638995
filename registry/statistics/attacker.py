"""The attacker who audits a release: he solves for every hidden count.

He knows the policy and the rounding and sees everything that is shown. He sees one release, not
the releases before it, and does not run the suppression on every table he can think of: where
rounding forced more to be hidden, that it did so can tell that the small counts of a sum are very
small together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Generic

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from registry.statistics.policy import RELEASE, Key, Policy, Shown, Sum, Suppressed


def exposed_counts(
    shown: Mapping[Key, Shown],
    sums: Sequence[Sum[Key]],
    protected: Collection[Key],
    policy: Policy = RELEASE,
    latent: Collection[Key] = (),
) -> set[Key]:
    """Which of the protected counts cannot have every value that the policy hides.

    For each value an integer program asks whether some table with that value agrees with all that
    is shown. Latent counts have no place in the release, not even as a hidden one, and are among
    `shown` as suppressed.
    """
    if all(isinstance(value, Suppressed) for value in shown.values()):
        return set()
    attack = _Attack(shown, sums, policy, latent)
    values = range(1, policy.hide_up_to + 1)
    tied = {key for each in sums for key in each.keys}
    return {
        key
        for key in protected
        if key in tied and not all(attack.possible(key, value) for value in values)
    }


_WHOLE = 1e-6


class _Attack(Generic[Key]):
    """All tables that agree with one release, as the constraints of an integer program."""

    def __init__(
        self,
        shown: Mapping[Key, Shown],
        sums: Sequence[Sum[Key]],
        policy: Policy,
        latent: Collection[Key],
    ) -> None:
        self.column = {key: index for index, key in enumerate(shown)}
        zeros = _perhaps_zero(shown, sums, policy) | set(latent)
        bounds = [_range(value, key in zeros, policy) for key, value in shown.items()]
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
        if not self.lower[column] <= value <= self.upper[column]:
            return False
        lower, upper = self.lower.copy(), self.upper.copy()
        lower[column] = upper[column] = value
        table = self._table(optimize.Bounds(lower, upper))
        if table is None:
            return False
        self.seen.update(enumerate(table))
        return True

    def _table(self, bounds: optimize.Bounds) -> list[int] | None:
        """A table within the bounds, or None.

        Tables with totals almost always come out in whole numbers unasked, four times as fast; and
        where there is no solution at all there is none in whole numbers.
        """
        found = self._solution(bounds, whole=False)
        if found is not None and np.abs(found - np.rint(found)).max() > _WHOLE:
            found = self._solution(bounds, whole=True)
        return None if found is None else [round(count) for count in found.tolist()]

    def _solution(self, bounds: optimize.Bounds, *, whole: bool) -> NDArray[np.float64] | None:
        size = self.lower.size
        found: NDArray[np.float64] | None = optimize.milp(
            np.zeros(size),
            integrality=np.full(size, int(whole)),
            bounds=bounds,
            constraints=self.sums,
        ).x
        return found


def known_noughts(shown: Mapping[Key, Shown], sums: Iterable[Sum[Key]]) -> set[Key]:
    """Parts of a total that is shown as 0: hiding them would hide nothing."""
    return {part for each in sums if shown[each.total] == 0 for part in each.parts}


def _range(value: Shown, may_be_zero: bool, policy: Policy) -> tuple[float, float]:
    """What the policy alone says about one count: at least, at most."""
    if isinstance(value, Suppressed):
        return (0 if may_be_zero else 1), np.inf
    if value == 0:
        return 0, 0
    half = policy.base // 2
    return max(policy.hide_up_to + 1, value - half), value + half


def _perhaps_zero(shown: Mapping[Key, Shown], sums: Sequence[Sum[Key]], policy: Policy) -> set[Key]:
    """Parts of totals that may be small, or too small to be broken down: zeros are hidden there."""
    noughts = known_noughts(shown, sums)
    perhaps: set[Key] = set()
    for each in sums:
        total = shown[each.total]
        broken_down = any(
            not isinstance(shown[part], Suppressed) for part in each.parts if part not in noughts
        )
        if isinstance(total, Suppressed) or (each.breaks_down and total <= policy.group):
            perhaps.update(() if broken_down else each.parts)
    return perhaps
