"""Survey response rates of a panel of named persons, from the dispositions of the due.

Source: AAPOR, Standard Definitions, 10th edition 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from registry.statistics.proportions import wilson
from registry.statistics.values import Json, NotEstimable, Proportion, beside, number

ALLOCATED = "proportional allocation"


@dataclass(frozen=True)
class Dispositions:
    """How many of the due ended in each disposition; the letters are those of the standard."""

    complete: int = 0
    partial: int = 0
    refused: int = 0
    no_contact: int = 0
    other: int = 0
    unknown: int = 0
    not_eligible: int = 0

    def __post_init__(self) -> None:
        if min(self.as_json().values()) < 0:
            raise ValueError(f"negative disposition count: {self.as_json()}")

    @classmethod
    def from_letters(cls, counts: Mapping[str, int]) -> "Dispositions":
        """Dispositions from counts by letter; absent letters are 0, unknown letters an error."""
        unknown = set(counts) - set(_LETTERS)
        if unknown:
            raise ValueError(f"unknown dispositions: {', '.join(sorted(unknown))}")
        return cls(**{_LETTERS[letter]: int(count) for letter, count in counts.items()})

    @property
    def due(self) -> int:
        return sum(self.as_json().values())

    @property
    def eligible(self) -> int:
        """Known to be eligible: everyone due except the dead and the unknown."""
        return self.due - self.unknown - self.not_eligible

    def as_json(self) -> dict[str, int]:
        return {letter: int(getattr(self, name)) for letter, name in _LETTERS.items()}


_LETTERS = {
    "I": "complete",
    "P": "partial",
    "R": "refused",
    "NC": "no_contact",
    "O": "other",
    "U": "unknown",
    "NE": "not_eligible",
}


@dataclass(frozen=True)
class ResponseRates:
    """The rates by name, RR1 as a Wilson proportion, and the e they rest on with its source."""

    dispositions: Dispositions
    e: float | NotEstimable
    e_source: str
    rates: Mapping[str, float | NotEstimable]
    rr1: Proportion

    def as_json(self) -> Json:
        """The keys dispositions, e, response_rates and RR1_interval of one wave."""
        return {
            "dispositions": self.dispositions.as_json(),
            "e": None if isinstance(self.e, NotEstimable) else number(self.e),
            "response_rates": beside(**self.rates),
            "RR1_interval": self.rr1.interval.as_json(),
        }


def response_rates(
    counts: Dispositions,
    *,
    e: float | None = None,
    e_source: str = "supplied",
    level: float = 0.95,
) -> ResponseRates:
    """RR1 to RR6, COOP1, REF1 and CON1; e is k/(k+NE) unless supplied together with its source."""
    if e is not None and not 0 <= e <= 1:
        raise ValueError(f"e is {e}; it is a share")
    share = _allocated(counts) if e is None else e
    everyone = counts.eligible + counts.unknown
    return ResponseRates(
        dispositions=counts,
        e=share,
        e_source=ALLOCATED if e is None else e_source,
        rates=_rates(counts, share),
        rr1=wilson(counts.complete, everyone, level),
    )


def _allocated(counts: Dispositions) -> float | NotEstimable:
    known = counts.eligible + counts.not_eligible
    if known == 0:
        return NotEstimable("nobody is known to be eligible or not")
    return counts.eligible / known


def _rates(counts: Dispositions, e: float | NotEstimable) -> dict[str, float | NotEstimable]:
    complete, answered = counts.complete, counts.complete + counts.partial
    contacted = answered + counts.refused + counts.other
    everyone = counts.eligible + counts.unknown
    likely = _likely(counts, e)
    return {
        "RR1": _share(complete, everyone),
        "RR2": _share(answered, everyone),
        "RR3": _share(complete, likely),
        "RR4": _share(answered, likely),
        "RR5": _share(complete, counts.eligible),
        "RR6": _share(answered, counts.eligible),
        "COOP1": _share(complete, contacted, "nobody was reached"),
        "REF1": _share(counts.refused, everyone),
        "CON1": _share(contacted, everyone),
    }


def _likely(counts: Dispositions, e: float | NotEstimable) -> float | NotEstimable:
    """The known eligible and the share e of the unknown; without unknowns e plays no part."""
    if counts.unknown == 0:
        return counts.eligible
    return e if isinstance(e, NotEstimable) else counts.eligible + e * counts.unknown


def _share(
    part: int, whole: float | NotEstimable, nobody: str = "nobody due was eligible"
) -> float | NotEstimable:
    if isinstance(whole, NotEstimable):
        return whole
    return part / whole if whole > 0 else NotEstimable(nobody)
