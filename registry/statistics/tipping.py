"""Tipping point: how many of the silent would change what a comparison says."""

from bisect import bisect_left
from dataclasses import dataclass, replace

from registry.statistics.policy import SUPPRESSED, Policy, Suppressed
from registry.statistics.two_proportions import risk_difference
from registry.statistics.values import Estimate, Json, Proportion

LOWER, NONE, HIGHER = -1, 0, 1


@dataclass(frozen=True)
class TippingPoint:
    """Among `silent` patients, the numbers having the outcome that change the conclusion.

    `conclusion`: -1, 0, 1 for an interval of the difference below, around, above 0 by the rule in
    use. It is another one if `at_most` or fewer of the silent have the outcome, and if `at_least`
    or more; None: no number does it from that side.
    """

    conclusion: int
    silent: int
    at_most: int | None
    at_least: int | None

    def as_json(self) -> Json:
        return {
            "silent": self.silent,
            "at_most": self.at_most,
            "at_most_share": self._share(self.at_most),
            "at_least": self.at_least,
            "at_least_share": self._share(self.at_least),
        }

    def _share(self, some: int | None) -> float | None:
        return None if some is None or not self.silent else some / self.silent


def tipping_point(
    conclusion: int,
    lowest: Proportion,
    highest: Proportion,
    published: tuple[int, int],
    method: str = "newcombe",
) -> TippingPoint | None:
    """Tries 0 to all of the silent as having it; None where a side has nobody.

    `lowest`, `highest`: none and all of the silent have it. With each more of them the interval
    moves up, so that the borders are found by halving.
    """
    silent = highest.x - lowest.x
    if not (lowest.n and published[1]):
        return None

    def says(having: int) -> int:
        found = risk_difference(
            lowest.x + having, lowest.n, *published, method=method, level=lowest.level
        )
        return direction(found)

    numbers = range(silent + 1)
    same, above = (bisect_left(numbers, side, key=says) for side in (conclusion, conclusion + 1))
    return TippingPoint(
        conclusion, silent, same - 1 if same else None, above if above <= silent else None
    )


def released_tipping(tip: TippingPoint, policy: Policy) -> TippingPoint | Suppressed:
    """The same from shown counts, in steps of the rounding and never a small number.

    Thresholds move outward, so that what is said of them stays true: with 10 or more of the silent
    it says otherwise, if with 7 it does already.
    """
    least = policy.rounded(policy.hide_up_to + policy.base // 2)
    if tip.silent < least:
        return SUPPRESSED
    most, from_ = tip.at_most, tip.at_least
    if most is not None and most < tip.silent:
        most = most // policy.base * policy.base if most >= least else 0
    if from_:
        from_ = min(tip.silent, max(least, -(-from_ // policy.base) * policy.base))
    return replace(tip, at_most=most, at_least=from_)


def direction(difference: Estimate) -> int:
    """-1 or 1 if the whole interval lies below or above 0, else 0."""
    if difference.lower is None or difference.upper is None:
        return NONE
    return int(difference.lower > 0) - int(difference.upper < 0)
