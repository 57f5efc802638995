"""The product's own workers and actions through many lives, in which everything fails in turn."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.__main__ import failed_seeds
from simulation.world import simulate

ROOT = Path(__file__).parent.parent.parent
GROUPS = [range(first, first + 8) for first in range(0, 32, 8)]


@pytest.mark.parametrize("seeds", GROUPS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_nothing_is_lost_doubled_early_or_sent_to_who_has_left(seeds: range) -> None:
    for seed in seeds:
        outcome = simulate(seed)
        assert outcome.broken == [], "\n".join([f"seed {seed}", *outcome.trace])


def test_what_once_failed_stays_mended() -> None:
    for seed in failed_seeds():
        outcome = simulate(seed)
        assert outcome.broken == [], "\n".join([f"seed {seed}", *outcome.trace])


def test_a_seed_tells_the_same_story_again_also_in_another_process() -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, "-m", "simulation", "--replay", "8"]
    told = [
        subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": str(hash_seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in (1, 2)
    ]
    assert told[0] == told[1]
    assert "DATA" in told[0]
