"""Which method makes an interval, where more than one is right: a protocol may choose."""

from dataclasses import dataclass

from registry.statistics.proportions import METHODS
from registry.statistics.two_proportions import DIFFERENCES, ODDS_RATIOS, RATIOS

KNOWN = {
    "share": METHODS,
    "difference": tuple(DIFFERENCES),
    "risk_ratio": tuple(RATIOS),
    "odds_ratio": tuple(ODDS_RATIOS),
}


@dataclass(frozen=True)
class Methods:
    """Methods by name, for shares with an outcome and for comparing them with published ones.

    Response rates and incidences of events keep Wilson's interval whatever is chosen here.
    """

    share: str = "wilson"
    difference: str = "newcombe"
    risk_ratio: str = "miettinen-nurminen"
    odds_ratio: str = "score"

    def __post_init__(self) -> None:
        """Refuse a method that does not exist, by name."""
        for name, known in KNOWN.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}")


DEFAULT = Methods()
