"""`make simulate SEEDS=10000`, also with ARGS="--first 5000 --cores 1"; ARGS="--replay 17"."""

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import monotonic

from simulation.world import Outcome, simulate

FAILED = Path(__file__).with_name("failed_seeds.txt")
CHUNK = 25
MOST_SHOWN = 20


def failed_seeds() -> list[int]:
    """Every seed that ever failed: the suite runs them for good."""
    lines = FAILED.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def run_chunk(seeds: Iterable[int]) -> list[Outcome]:
    """Some seeds, one after the other."""
    logging.disable(logging.CRITICAL)
    return [simulate(seed) for seed in seeds]


def outcomes(first: int, count: int, cores: int) -> Iterator[Outcome]:
    """Every seed from `first`, on as many cores."""
    chunks = [
        range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)
    ]
    with ProcessPoolExecutor(cores) as pool:
        for some in pool.map(run_chunk, chunks):
            yield from some


def replay(seed: int) -> int:
    """One seed with all that happened in it."""
    logging.disable(logging.CRITICAL)
    outcome = simulate(seed, verbose=True)
    print("\n".join([*outcome.trace, "", *(outcome.broken or ["the promise was kept"])]))
    return len(outcome.broken)


def main() -> int:
    """Run seeds; the number of broken promises decides how it ends."""
    options = argparse.ArgumentParser(prog="simulation")
    options.add_argument("--seeds", type=int, default=1000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    options.add_argument("--replay", type=int)
    given = options.parse_args()
    if given.replay is not None:
        return min(replay(given.replay), 1)
    began, done, broken, letters, kills, uncertain = monotonic(), 0, 0, 0, 0, 0
    for one in outcomes(given.first, given.seeds, given.cores):
        done += 1
        letters, kills, uncertain = (
            letters + one.letters,
            kills + one.kills,
            uncertain + one.uncertain,
        )
        if one.broken:
            broken += 1
            if broken <= MOST_SHOWN:
                print(f"seed {one.seed}: {'; '.join(one.broken)}", flush=True)
        if done % 250 == 0:
            speed = done / (monotonic() - began)
            print(f"{done} seeds, {broken} broken, {speed:.1f} a second", flush=True)
    speed = done / (monotonic() - began)
    print(
        f"{done} seeds on {given.cores} cores, {speed:.1f} seeds a second "
        f"({speed / given.cores:.1f} a core): {letters} messages handed over, {kills} deaths, "
        f"{uncertain} uncertain attempts, {broken} seeds with a broken promise"
    )
    if broken:
        print('replay one with: make simulate ARGS="--replay SEED"')
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
