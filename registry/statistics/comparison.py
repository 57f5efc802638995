"""The registry beside a published figure: both are samples, neither is a constant.

The verdict is made from three differences, registry minus published, each with its interval:
under the paper's own rule for missing answers, and at the lowest and the highest share that the
silent patients leave possible.

* "registry lower" or "registry higher": all three intervals lie on that side of 0;
* "not determined: depends on the n silent": the rule's interval leaves out 0 but a bound's does
  not agree, or the two bounds point to opposite sides;
* "too few to tell": anything else. It never means that the two are equal.
"""

from dataclasses import dataclass

from registry.statistics.methods import DEFAULT, Methods
from registry.statistics.missing import RULES, OutcomeCounts, best_case, worst_case
from registry.statistics.policy import Suppressed
from registry.statistics.proportions import proportion
from registry.statistics.tables import TableTests, table_tests
from registry.statistics.tipping import TippingPoint, direction, tipping_point
from registry.statistics.two_proportions import odds_ratio, risk_difference, risk_ratio
from registry.statistics.values import Estimate, Json, Proportion, beside

TOO_FEW = "too few to tell"
_DIRECTIONS = {-1: "registry lower", 1: "registry higher"}


@dataclass(frozen=True)
class Comparison:
    """One registry figure beside one published figure, with the bounds the silent leave open."""

    rule: str
    registry: Proportion
    published: Proportion
    risk_difference: Estimate
    risk_ratio: Estimate
    odds_ratio: Estimate
    tests: TableTests
    lowest: Proportion
    highest: Proportion
    silent: int
    tipping: TippingPoint | Suppressed | None
    verdict: str

    def as_json(self) -> Json:
        return {
            "registry": self.registry.as_json() | {"rule": self.rule},
            "published": self.published.as_json(),
            "risk_difference": self.risk_difference.as_json(),
            "risk_ratio": self.risk_ratio.as_json(),
            "odds_ratio": self.odds_ratio.as_json(),
            **beside(p_fisher=self.tests.fisher, p_boschloo=self.tests.boschloo),
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
    methods: Methods = DEFAULT,
) -> Comparison:
    """Any registry proportion beside x of n; without bounds nobody is silent."""
    level, low, high = registry.level, lowest or registry, highest or registry
    differences = [
        risk_difference(p.x, p.n, *published, methods.difference, level)
        for p in (registry, low, high)
    ]
    directions = [direction(each) for each in differences]
    table = (registry.x, registry.n, *published)
    return Comparison(
        rule=rule,
        registry=registry,
        published=proportion(*published, methods.share, level),
        risk_difference=differences[0],
        risk_ratio=risk_ratio(*table, methods.risk_ratio, level),
        odds_ratio=odds_ratio(*table, methods.odds_ratio, level),
        tests=table_tests(*table),
        lowest=low,
        highest=high,
        silent=silent,
        tipping=tipping_point(directions[0], low, high, published, methods.difference),
        verdict=_verdict(directions, silent),
    )


def _verdict(directions: list[int], silent: int) -> str:
    by_rule, lowest, highest = directions
    if by_rule and by_rule == lowest == highest:
        return _DIRECTIONS[by_rule]
    if silent and (by_rule or lowest * highest < 0):
        return f"not determined: depends on the {silent} silent"
    return TOO_FEW
