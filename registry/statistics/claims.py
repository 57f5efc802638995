"""What a registry's counts say of an advertised statement, by a rule that was fixed beforehand.

A share is claimed of everybody, so the silent count both ways: what must hold, holds whatever they
would have answered. That nobody had something can be disproved and never proved.
"""

from enum import StrEnum

from registry.statistics.proportions import proportion
from registry.statistics.values import Proportion


class Kind(StrEnum):
    """What is claimed of an outcome."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    NONE = "none"


class Verdict(StrEnum):
    """What the counts say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_DETERMINED = "not determined"
    NOT_TESTABLE = "not testable"


class Undecided(StrEnum):
    """Why nothing is determined."""

    NOBODY = "nobody counts for it yet"
    SILENT = "it depends on the silent"
    FEW = "too few patients to tell"


def share_verdict(kind: Kind, threshold: float, lowest: Proportion, highest: Proportion) -> Verdict:
    """A share claimed to be at least, or at most, `threshold`; by Wilson limits.

    `lowest` and `highest`: the share if none, and if all, of those count whose outcome is not
    known. Supported if the claim holds for the whole interval of the worse of the two, contradicted
    if it fails for the whole interval of the better. Raises ValueError for NONE and for a
    threshold outside 0 to 1.
    """
    if kind is Kind.NONE or not 0 <= threshold <= 1:
        raise ValueError(f"{kind} {threshold} is no share to be tested")
    lower, upper = _wilson(lowest).lower, _wilson(highest).upper
    if lower is None or upper is None:
        return Verdict.NOT_DETERMINED
    if kind is Kind.AT_LEAST:
        holds, fails = lower >= threshold, upper < threshold
    else:
        holds, fails = upper <= threshold, lower > threshold
    return _verdict(holds, fails)


def none_verdict(events: int) -> Verdict:
    """That nobody had it: contradicted by the first who did, and supported by no number without."""
    return Verdict.CONTRADICTED if events else Verdict.NOT_DETERMINED


def why_undecided(
    kind: Kind, threshold: float, lowest: Proportion, highest: Proportion
) -> Undecided:
    """Why a share that is NOT_DETERMINED is not: more answers would tell, or more patients."""
    if lowest.n == 0:
        return Undecided.NOBODY
    either = (share_verdict(kind, threshold, each, each) for each in (lowest, highest))
    is_decided = any(verdict is not Verdict.NOT_DETERMINED for verdict in either)
    return Undecided.SILENT if is_decided else Undecided.FEW


def _verdict(holds: bool, fails: bool) -> Verdict:
    if holds:
        return Verdict.SUPPORTED
    return Verdict.CONTRADICTED if fails else Verdict.NOT_DETERMINED


def _wilson(share: Proportion) -> Proportion:
    """The same counts by Wilson, whatever method the protocol shows shares with."""
    return proportion(share.x, share.n, "wilson", share.level)
