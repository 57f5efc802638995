"""`make mutants`: every planted bug against the simulation, and the table in docs/developer.md."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from simulation.bugs import BUGS
from simulation.planting import Bug, DoesNotApply, planted
from simulation.world import simulate

GUIDE = Path(__file__).parents[2] / "docs" / "developer.md"
BEGIN, END = "<!-- planted bugs -->", "<!-- end of planted bugs -->"
NOT_SEEN = "not seen"
SLIPS = ("NameError", "AttributeError", "TypeError", "SyntaxError")  # the code did not run at all
NEEDED = 0.95
SEEDS = 300


@dataclass(frozen=True)
class Found:
    """The seed that saw a bug first, and the promise that it broke; None: no seed saw it."""

    bug: Bug
    seed: int | None
    broken: str


def hunt(bug: Bug, seeds: Iterable[int]) -> Found:
    """Run seeds until one breaks a promise."""
    with planted(bug):
        for seed in seeds:
            broken = _broken(seed)
            if any(name in broken[0] for name in SLIPS if broken):
                raise DoesNotApply(f"{bug.name} is no bug but a slip of the pen: {broken[0]}")
            if broken:
                return Found(bug, seed, broken[0])
    return Found(bug, None, NOT_SEEN)


def _broken(seed: int) -> list[str]:
    try:
        return simulate(seed).broken
    except Exception as fault:
        return [type(fault).__name__]


def _hunt_quietly(bug: Bug, seeds: Iterable[int]) -> Found:
    logging.disable(logging.CRITICAL)
    return hunt(bug, seeds)


def known_seeds() -> dict[str, int | None]:
    """Which seed sees which bug, by its name, as it stands in the guide."""
    text = GUIDE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = (re.split(r" *\| *", line)[1:4] for line in text.splitlines() if line.startswith("| "))
    return {name: int(seed) if seed.isdigit() else None for name, _, seed in rows if name != "bug"}


def score(seeds: Mapping[str, int | None]) -> float:
    """The share of the planted bugs that are seen; one that is not in the table is not."""
    return sum(seeds.get(bug.name) is not None for bug in BUGS) / len(BUGS)


def table(seeds: Mapping[str, int | None]) -> str:
    """The list and its score, as it stands in the guide."""
    seen = round(score(seeds) * len(BUGS))
    rows = [f"| {bug.name} | {bug.means} | {_cell(seeds.get(bug.name))} |" for bug in BUGS]
    return "\n".join(
        [
            f"{seen} of {len(BUGS)} planted bugs are seen ({score(seeds):.0%}).",
            "",
            "| bug | what it means | first seed that sees it |",
            "|---|---|---|",
            *rows,
        ]
    )


def _cell(seed: int | None) -> str:
    return NOT_SEEN if seed is None else str(seed)


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
    found: dict[str, int | None] = {}
    with ProcessPoolExecutor(given.cores) as pool:
        hunts = [pool.submit(_hunt_quietly, bug, range(given.seeds)) for bug in chosen]
        for hunted in as_completed(hunts):
            one = hunted.result()
            found[one.bug.name] = one.seed
            print(f"{_cell(one.seed):>8}  {one.bug.name}: {one.broken[:90]}", flush=True)
            if given.write:  # those that were not hunted now keep their rows
                write(table({**known_seeds(), **found}))
    seen = sum(seed is not None for seed in found.values())
    print(f"{seen} of {len(found)} seen")
    return int(seen < NEEDED * len(found))


if __name__ == "__main__":
    sys.exit(main())
