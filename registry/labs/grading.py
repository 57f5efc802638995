"""CTCAE grades of laboratory results, by the rules whose rows were verified and no others."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from registry.labs.table import GradeRule, LabTest

DEFAULT_VERSION = "5.0"


def grade(
    test: LabTest,
    value: Decimal,
    *,
    low: Decimal | None = None,
    high: Decimal | None = None,
    baseline: Decimal | None = None,
    version: str = DEFAULT_VERSION,
) -> int | None:
    """The CTCAE grade 0 to 4 of a canonical value; None where it cannot be told.

    `low` and `high` are the reporting laboratory's own limits and `baseline` the patient's value
    before treatment, all in the canonical unit. None: no verified rule for this test and version,
    a limit that the rule needs is missing, or the baseline was abnormal and its rule is not
    verified. Grade 5 never comes from a laboratory. Store the version with the grade. A baseline
    is graded without `baseline`. Source: NCI CTCAE v5.0 (2017) and v6.0 (2025).
    """
    rule = test.grades.get(version)
    if rule is None:
        return None
    if rule.low or rule.absolute:
        return _by_value(rule, value, low)
    if high is None or high <= 0:
        return None
    return _by_multiple(rule, value, (low, high), baseline)


def _by_value(rule: GradeRule, value: Decimal, low: Decimal | None) -> int | None:
    reached = 0
    for number, step in enumerate(rule.low or rule.absolute, start=1):
        if step == "<LLN":
            reached = number if low is not None and value < low else reached
        elif _holds(step, value):
            reached = number
    unsure = reached == 0 and low is None and "<LLN" in rule.low
    return None if unsure else reached


def _by_multiple(
    rule: GradeRule,
    value: Decimal,
    limits: tuple[Decimal | None, Decimal],
    baseline: Decimal | None,
) -> int | None:
    low, high = limits
    by_limit = _steps(rule.uln, value / high)
    if baseline is None or baseline <= 0:
        return by_limit
    if rule.baseline_when == "below LLN":
        applies = low is not None and baseline < low
        return max(by_limit, _steps(rule.baseline, value / baseline)) if applies else by_limit
    if baseline <= high:
        return by_limit
    within = rule.baseline_up_to is None or baseline <= rule.baseline_up_to * high
    return _steps(rule.baseline, value / baseline) if rule.baseline and within else None


def _steps(steps: Sequence[str], ratio: Decimal) -> int:
    return max((n for n, step in enumerate(steps, start=1) if _holds(step, ratio)), default=0)


def _holds(step: str, value: Decimal) -> bool:
    if step == "none":
        return False
    if step.startswith(">="):
        return value >= Decimal(step[2:])
    bound = Decimal(step[1:])
    return value < bound if step.startswith("<") else value > bound
