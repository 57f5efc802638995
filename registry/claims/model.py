"""An advertised statement, and those that come with the software."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from registry.datafiles import DataFileError, read_yaml, record
from registry.statistics.claims import Kind

FILE = Path(__file__).parent / "bundled.yaml"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement: the words as advertised, where and when they were read, and our reading.

    `outcome` is the code of a protocol's outcome, None where the words name nothing that is
    measured; `threshold` a share; `needs` what would have to be recorded to test it; `note` what
    else must be known, such as which part of the reading is ours.
    """

    code: str
    words: str
    source: str
    read: str
    kind: Kind
    outcome: str | None = None
    threshold: Decimal | None = None
    month: int | None = None
    needs: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a reading that cannot be tested as it stands."""
        if (self.threshold is None) is not (self.kind is Kind.NONE):
            raise ValueError(f"{self.code}: a share has a threshold, and `none` has not")
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(f"{self.code}: the threshold is a share above 0, at most 1")


@cache
def bundled() -> tuple[Claim, ...]:
    """The statements of the software's own file. Raises DataFileError for a faulty file."""
    content = read_yaml(FILE.read_text("utf-8"), FILE.name)
    if not isinstance(content, list):
        raise DataFileError(f"{FILE.name}: write a list of claims")
    found = tuple(record(Claim, each, f"{FILE.name}, claim {n}") for n, each in enumerate(content))
    if len({each.code for each in found}) < len(found):
        raise DataFileError(f"{FILE.name}: a code stands twice")
    return found
