"""Results as they are written, their place within limits, and whether they can be true."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from registry.errors import Invalid
from registry.labs.table import LabTest, Range

Flag = Literal["low", "normal", "high"]
Comparator = Literal["", "<", "<=", ">", ">="]
_COMPARATORS: dict[str, Comparator] = {
    "": "", "<": "<", ">": ">", "<=": "<=", "=<": "<=", "≤": "<=",
    ">=": ">=", "=>": ">=", "≥": ">=",
}  # fmt: skip
_VALUE = re.compile(r"(<=|>=|=<|=>|[<>≤≥])?\s*(?:1:(?=\d))?([+-]?\d+(?:\.\d+)?)")


class UnreadableValue(Invalid):
    """The result is not a number that can be read in one way only."""


def parse_value(written: str) -> tuple[Comparator, Decimal]:
    """The comparator (FHIR's, or "") and the number of a result; a titre 1:640 gives 640.

    Raises UnreadableValue, also for a comma: 1,200 may be 1.2 or 1200.
    """
    match = _VALUE.fullmatch(written.strip())
    if match is None:
        comma = (
            ", with a point for decimals and nothing between thousands" if "," in written else ""
        )
        raise UnreadableValue(
            f"'{written}' is not a number: write it like 0.8, <0.02 or 1:640{comma}"
        )
    return _COMPARATORS[match.group(1) or ""], Decimal(match.group(2))


def flag(
    value: Decimal,
    low: Decimal | None,
    high: Decimal | None,
    comparator: Comparator = "",
) -> Flag | None:
    """Where a result lies within the limits, all in one unit; None if that cannot be told.

    Pass the reporting laboratory's own limits (see `limits_for`). "<0.02" is low only if 0.02 is
    not above the lower limit. Limits themselves are normal.
    """
    if low is None and high is None:
        return None
    if comparator in ("<", "<="):
        return _below(value, low, high, or_equal=comparator == "<=")
    if comparator in (">", ">="):
        return _above(value, low, high, or_equal=comparator == ">=")
    if low is not None and value < low:
        return "low"
    return "high" if high is not None and value > high else "normal"


def _below(
    value: Decimal, low: Decimal | None, high: Decimal | None, *, or_equal: bool
) -> Flag | None:
    if low is not None:
        return "low" if value < low or (value == low and not or_equal) else None
    return "normal" if high is None or value <= high else None


def _above(
    value: Decimal, low: Decimal | None, high: Decimal | None, *, or_equal: bool
) -> Flag | None:
    if high is not None:
        return "high" if value > high or (value == high and not or_equal) else None
    return "normal" if low is None or value >= low else None


def limits_for(
    test: LabTest, low: Decimal | None = None, high: Decimal | None = None, sex: str | None = None
) -> Range:
    """The laboratory's own limits if it gave any, else the table's (for a demonstration only).

    The table's limits are in the canonical unit; where they differ by sex and `sex` is neither
    "male" nor "female", there are none.
    """
    if low is not None or high is not None:
        return Range(low, high)
    if test.limits is None:
        return Range()
    by_sex = {"male": test.limits.male, "female": test.limits.female}.get(sex or "")
    return by_sex or test.limits.any or Range()


def check_plausible(test: LabTest, value: Decimal, unit: str | None = None) -> str | None:
    """A question to ask about a canonical value that is hardly possible; None if it can be.

    With `unit`, the UCUM unit of the report, known mix-ups of that unit are asked about too.
    """
    for doubt in test.doubts:
        reported = value / test.units[doubt.unit]
        under = doubt.below is not None and reported < doubt.below
        over = doubt.above is not None and reported > doubt.above
        if unit == doubt.unit and (under or over):
            return f"{test.label} of {reported:f} {doubt.unit}: {doubt.because}; is the unit right?"
    if test.plausible is None or _inside(value, test.plausible):
        return None
    return f"{test.label} of {value:f} {test.unit} is hardly possible{_other_unit(test, value)}"


def check_possible(test: LabTest, value: Decimal) -> str | None:
    """Why a value, in any unit, cannot be true; None if it can.

    Nothing can be below 0 but a test whose plausible values in the table reach below it (as those
    of a base excess do): factors of units are above 0, so the sign is the same in every unit.
    """
    lowest = test.plausible.low if test.plausible else None
    if value >= 0 or (lowest is not None and lowest < 0):
        return None
    return f"{test.label} cannot be below 0: {value:f} is no result; check the sign"


def _inside(value: Decimal, bounds: Range) -> bool:
    above = bounds.low is None or value >= bounds.low
    return above and (bounds.high is None or value <= bounds.high)


def _other_unit(test: LabTest, value: Decimal) -> str:
    bounds = test.plausible or Range()
    fits = [
        u for u, factor in test.units.items() if factor != 1 and _inside(value * factor, bounds)
    ]
    return f": was it {' or '.join(fits)}?" if fits else "; check value and unit"
