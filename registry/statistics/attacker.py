"""The attacker who audits a release: he solves for every hidden count.

He knows the policy and the rounding and sees everything that is shown. He sees one release, not
the releases before it, and does not run the suppression on every table he can think of: where
rounding forced more to be hidden, that it did so can tell that the small counts of a sum are very
small together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Generic

import numpy as np
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
        bounds = [_range(key, shown, sums, policy, latent) for key in shown]
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
    key: Key,
    shown: Mapping[Key, Shown],
    sums: Iterable[Sum[Key]],
    policy: Policy,
    latent: Collection[Key],
) -> tuple[float, float]:
    """What the policy alone says about one count: at least, at most."""
    value = shown[key]
    if isinstance(value, Suppressed):
        unbroken = any(key in each.parts and _may_be_unbroken(each, shown, policy) for each in sums)
        return (0 if unbroken or key in latent else 1), np.inf
    if value == 0:
        return 0, 0
    half = policy.base // 2
    return max(policy.hide_up_to + 1, value - half), value + half


def _may_be_unbroken(each: Sum[Key], shown: Mapping[Key, Shown], policy: Policy) -> bool:
    """Whether the total may be small, or too small to be broken down: then zeros are hidden too."""
    if not all(isinstance(shown[part], Suppressed) for part in each.parts):
        return False
    total = shown[each.total]
    return isinstance(total, Suppressed) or (each.breaks_down and total <= policy.group)
