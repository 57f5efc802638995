"""What a drill is: what is done, what is expected, and what was seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """Something that was looked at, and whether it was as expected."""

    what: str
    is_well: bool = True

    def __str__(self) -> str:
        return self.what if self.is_well else f"NOT WELL: {self.what}"


@dataclass(frozen=True)
class Drill:
    """`run` does it, and tells what it sees as it sees it."""

    name: str
    done: str
    expected: str
    run: Callable[[], Iterator[Seen]]


def carry_out(drill: Drill) -> bool:
    """Do it and print it; whether all was as expected. A drill that breaks off has failed."""
    print(f"drill     {drill.name}\ndone      {drill.done}\nexpected  {drill.expected}", flush=True)
    is_well = True
    try:
        for seen in drill.run():
            print(f"seen      {seen}", flush=True)
            is_well &= seen.is_well
    except Exception as fault:
        print(f"seen      NOT WELL: it broke off: {type(fault).__name__}: {fault}")
        is_well = False
    print(f"          {'passed' if is_well else 'FAILED'}\n", flush=True)
    return is_well
