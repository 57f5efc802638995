"""`make mutants`: every planted bug against the simulation, and the table in docs/developer.md."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from simulation.bugs import BUGS
from simulation.planting import Bug, planted
from simulation.world import simulate

GUIDE = Path(__file__).parents[2] / "docs" / "developer.md"
BEGIN, END = "<!-- planted bugs -->", "<!-- end of planted bugs -->"
NEEDED = 0.95
SEEDS = 300


@dataclass(frozen=True)
class Found:
    """After how many seeds a bug was seen, and by which broken promise; None: not at all."""

    bug: Bug
    after: int | None
    broken: str


def hunt(bug: Bug, seeds: int = SEEDS) -> Found:
    """Run seeds until one breaks a promise."""
    with planted(bug):
        for seed in range(seeds):
            try:
                broken = simulate(seed).broken
            except Exception as fault:
                broken = [f"{type(fault).__name__}"]
            if broken:
                return Found(bug, seed + 1, broken[0])
    return Found(bug, None, "not seen")


def _hunt_quietly(bug: Bug, seeds: int) -> Found:
    logging.disable(logging.CRITICAL)
    return hunt(bug, seeds)


def table(found: Sequence[Found]) -> str:
    """The list and its score, as it stands in the guide."""
    seen = sum(one.after is not None for one in found)
    rows = [f"| {one.bug.name} | {one.bug.means} | {one.after or 'not seen'} |" for one in found]
    return "\n".join(
        [
            f"{seen} of {len(found)} planted bugs are seen ({seen / len(found):.0%}).",
            "",
            "| bug | what it means | seeds until seen |",
            "|---|---|---|",
            *rows,
        ]
    )


def write(text: str) -> None:
    """Put the table into the guide."""
    guide = GUIDE.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    new = pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", guide)
    GUIDE.write_text(new, encoding="utf-8")


def main() -> int:
    """Hunt all, or those whose name contains the words given."""
    options = argparse.ArgumentParser(prog="simulation.mutants")
    options.add_argument("words", nargs="*")
    options.add_argument("--seeds", type=int, default=SEEDS)
    options.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    options.add_argument("--write", action="store_true")
    given = options.parse_args()
    chosen = [bug for bug in BUGS if all(word in bug.name for word in given.words)]
    found = []
    with ProcessPoolExecutor(given.cores) as pool:
        hunts = [pool.submit(_hunt_quietly, bug, given.seeds) for bug in chosen]
        for hunted in as_completed(hunts):
            one = hunted.result()
            found.append(one)
            print(f"{one.after or '-':>4}  {one.bug.name}: {one.broken[:90]}", flush=True)
    seen = sum(one.after is not None for one in found)
    print(f"{seen} of {len(found)} seen")
    if given.write:
        write(table(sorted(found, key=lambda one: BUGS.index(one.bug))))
    return int(seen < NEEDED * len(found))


if __name__ == "__main__":
    sys.exit(main())
