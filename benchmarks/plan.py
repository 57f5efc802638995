"""What a run is to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registries import Store


@dataclass(frozen=True)
class Plan:
    """How much, how often, on which databases. `folder` is emptied at the end; `follow_ups`: of the
    large registries.
    """

    folder: Path
    stores: Sequence[Store]
    patients: int
    rounds: int
    follow_ups: int = 1_000_000
