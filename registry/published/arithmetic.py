"""Does a printed percentage fit its count, and which counts does it allow?"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

_PLAIN = re.compile(r"\d{1,3}(\.\d+)?")


def is_plain(printed: str) -> bool:
    """Is the printed percentage a number, and not "<1" or the like?"""
    return _PLAIN.fullmatch(printed) is not None


def agrees(x: int, n: int, printed: str) -> bool:
    """Does x of n, rounded to the printed decimals, give the printed percentage?

    A tie may be rounded up or to even: both are in use. "<1" asks for a share below 1 %.
    """
    share = Decimal(100 * x) / Decimal(n)
    if printed.startswith("<"):
        return share < Decimal(printed[1:])
    shown = Decimal(printed)
    return shown in {
        share.quantize(shown, rounding=ROUND_HALF_UP),
        share.quantize(shown, rounding=ROUND_HALF_EVEN),
    }


def feasible(n: int, printed: str) -> tuple[int, ...]:
    """All counts x of n whose rounded percentage is the printed one; () if there is none."""
    middle = int(Decimal(printed) * n / 100)
    reach = n // 100 + 2
    near = range(max(0, middle - reach), min(n, middle + reach) + 1)
    return tuple(x for x in near if agrees(x, n, printed))
