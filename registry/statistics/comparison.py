"""The registry beside a published figure: both are samples, neither is a constant.

The verdict is made from three differences, registry minus published, each with its interval:
under the paper's own rule for missing answers, and at the lowest and the highest share that the
silent patients leave possible.

* "registry lower" or "registry higher": all three intervals lie on that side of 0;
* "not determined: depends on the n silent": the rule's interval leaves out 0 but a bound's does
  not agree, or the two bounds point to opposite sides;
* "too few to tell": anything else. It never means that the two are equal.
"""

import math
from dataclasses import dataclass

from registry.statistics.missing import RULES, OutcomeCounts, best_case, worst_case
from registry.statistics.proportions import wilson
from registry.statistics.values import Estimate, Json, Proportion

TOO_FEW = "too few to tell"
_DIRECTIONS = {-1: "registry lower", 1: "registry higher"}


def risk_difference(x1: int, n1: int, x2: int, n2: int, level: float = 0.95) -> Estimate:
    """p1 - p2 by Newcombe's hybrid score interval, method 10 (Newcombe 1998, Stat Med 17:873)."""
    first, second = wilson(x1, n1, level), wilson(x2, n2, level)
    if not (n1 and n2):
        empty = first.reason or second.reason
        return Estimate(None, None, None, "newcombe", level, empty)
    (p1, l1, u1), (p2, l2, u2) = _parts(first), _parts(second)
    difference = p1 - p2
    lower = difference - math.hypot(p1 - l1, u2 - p2)
    upper = difference + math.hypot(u1 - p1, p2 - l2)
    return Estimate(difference, max(-1.0, lower), min(1.0, upper), "newcombe", level)


@dataclass(frozen=True)
class Comparison:
    """One registry figure beside one published figure, with the bounds the silent leave open."""

    rule: str
    registry: Proportion
    published: Proportion
    risk_difference: Estimate
    lowest: Proportion
    highest: Proportion
    silent: int
    verdict: str

    def as_json(self) -> Json:
        return {
            "registry": self.registry.as_json() | {"rule": self.rule},
            "published": self.published.as_json(),
            "risk_difference": self.risk_difference.as_json(),
            "verdict": self.verdict,
        }


def compare_outcome(
    counts: OutcomeCounts, rule: str, published_x: int, published_n: int, level: float = 0.95
) -> Comparison:
    """A patient-reported outcome, counted by `rule` (a name in missing.RULES), beside a paper's."""
    return compare(
        RULES[rule](counts, level),
        (published_x, published_n),
        rule=rule,
        lowest=worst_case(counts, level),
        highest=best_case(counts, level),
        silent=counts.silent,
    )


def compare(
    registry: Proportion,
    published: tuple[int, int],
    *,
    rule: str,
    lowest: Proportion | None = None,
    highest: Proportion | None = None,
    silent: int = 0,
) -> Comparison:
    """Any registry proportion beside x of n; without bounds nobody is silent."""
    low, high = lowest or registry, highest or registry
    differences = [
        risk_difference(p.x, p.n, *published, level=registry.level) for p in (registry, low, high)
    ]
    return Comparison(
        rule=rule,
        registry=registry,
        published=wilson(*published, registry.level),
        risk_difference=differences[0],
        lowest=low,
        highest=high,
        silent=silent,
        verdict=_verdict([_direction(d) for d in differences], silent),
    )


def _verdict(directions: list[int], silent: int) -> str:
    by_rule, lowest, highest = directions
    if by_rule and by_rule == lowest == highest:
        return _DIRECTIONS[by_rule]
    if silent and (by_rule or lowest * highest < 0):
        return f"not determined: depends on the {silent} silent"
    return TOO_FEW


def _direction(difference: Estimate) -> int:
    """-1 or 1 if the whole interval lies below or above 0, else 0."""
    if difference.lower is None or difference.upper is None:
        return 0
    return int(difference.lower > 0) - int(difference.upper < 0)


def _parts(share: Proportion) -> tuple[float, float, float]:
    return share.estimate or 0.0, share.lower or 0.0, share.upper or 0.0
