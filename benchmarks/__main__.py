"""python -m benchmarks [NAME ...]: what the registry does in a second, and what the machine could.

Every number stands beside the limit that was measured in the same run, turn and turn about. Nothing
here passes or fails: a loaded machine makes both slower, the ratio stays.
"""

import argparse
import os
import platform
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import (
    answering,
    crews,
    curves,
    enrolling,
    finding,
    importing,
    matching,
    reckoning,
    reporting,
    sending,
    verifying,
)
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import stores
from tests.servers import open_folder

ALL: dict[str, Callable[[Plan], Iterable[Result]]] = {
    "import": importing.results,
    "enrol": enrolling.results,
    "send": sending.results,
    "workers": crews.results,
    "claim": finding.results,
    "reckon": reckoning.results,
    "answer": answering.results,
    "report": reporting.results,
    "curves": curves.results,
    "matching": matching.results,
    "verify": verifying.results,
}


def main() -> None:
    """Run the benchmarks that were named, or all."""
    asked = _arguments()
    names = asked.names or list(ALL)
    with open_folder(asked.folder) as folder, stores(folder) as found:
        print(_machine(folder))
        plan = Plan(folder, found, asked.patients, asked.rounds, asked.follow_ups)
        for name in names:
            say(f"{name}: {_run(ALL[name], plan):.0f} s")
    print(f"\nload at the end: {_load()}")


def _run(benchmark: Callable[[Plan], Iterable[Result]], plan: Plan) -> float:
    def told() -> None:
        for result in benchmark(plan):
            print("", *result.lines(), sep="\n", flush=True)

    return seconds(told)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(ALL)}")
    parser.add_argument("--patients", type=int, default=20_000, help="of import and report")
    parser.add_argument("--follow-ups", type=int, default=1_000_000, help="of claim and reckon")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the databases are made; default: /tmp")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in ALL]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(ALL)}")
    return asked


def _machine(folder: Path) -> str:
    cores = os.cpu_count()
    return (
        f"{cores} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"load {_load()}\n"
        f"one write that reaches the disk under {folder.parent}: {_disk(folder) * 1e3:.2g} ms"
    )


def _disk(folder: Path, times: int = 100) -> float:
    """Seconds until 4 KiB have reached the disk."""
    with (folder / "probe").open("wb") as file:

        def write() -> None:
            for _ in range(times):
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())

        return seconds(write) / times


def _load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


if __name__ == "__main__":
    main()
