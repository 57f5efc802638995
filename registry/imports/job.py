"""One import: what was asked, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from registry.imports.reading import Source
from registry.vault import Vault

BATCH = 1000
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What was asked. `zone` is that of sites which the file brings."""

    source: Source
    vault: Vault
    zone: str
    by: str
    at: datetime
    update: bool = False
    strict_sites: bool = False
    start_mailing: bool = False

    def reason(self, line: int) -> str:
        """Why a value was corrected, for the trail."""
        return f"import of {self.source.path.name}, line {line}"


@dataclass
class Summary:
    """What came of it. `notes` are things to know that stop nothing, counted by their words."""

    rows: int = 0
    new: int = 0
    known: int = 0
    changed: int = 0
    sites: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
