"""A `registry` command in a process of its own: how long it takes and how much memory it needs.

The process tells its own peak: what a parent is told of its child includes the parent.
"""

import atexit
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measure import seconds
from registry.cli import main

MARK = "peak memory in MB: "


def run(arguments: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Seconds and peak memory (MB) of one command, from its start to its end."""
    command = [sys.executable, "-m", "benchmarks.peak", *arguments]
    done: list[subprocess.CompletedProcess[str]] = []
    took = seconds(
        lambda: done.append(
            subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        )
    )
    if done[0].returncode:
        raise RuntimeError(f"registry {' '.join(arguments)} failed: {done[0].stderr}")
    return took, float(done[0].stderr.rpartition(MARK)[2])


def peak() -> float:
    """The most memory (MB) that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    atexit.register(lambda: print(f"{MARK}{peak():.0f}", file=sys.stderr))
    main()
