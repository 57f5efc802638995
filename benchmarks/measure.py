"""Paired measurements: ours and the limit, turn and turn about, so that both meet the same load."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

Seconds = Sequence[float]


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds of several rounds of `count` times the same work: ours, and of each limit by what it
    is. The rounds are paired: nothing is compared with what ran at another time.
    """

    what: str
    unit: str
    count: int
    ours: Seconds
    limits: Mapping[str, Seconds]
    notes: Sequence[str] = field(default=())

    def lines(self) -> Iterator[str]:
        """Medians, the least and the most: of ours, of the limits, and of what ours is of them."""
        yield f"{self.what}, {self.unit} a second in {len(self.ours)} rounds of {self.count}"
        yield f"  {_spread([self.count / took for took in self.ours])}  the registry"
        for limit, seconds_ in self.limits.items():
            yield f"  {_spread([self.count / took for took in seconds_])}  {limit}"
            ratios = [least / took for least, took in zip(seconds_, self.ours, strict=True)]
            yield f"  {_spread(ratios)}    ratio"
        yield from (f"  {note}" for note in self.notes)


def _spread(values: Seconds) -> str:
    least, middle, most = (_short(each) for each in (min(values), median(values), max(values)))
    return f"{middle:>8} {f'({least} to {most})':<20}"


def _short(value: float) -> str:
    """Three digits: more would not come out the same again."""
    if value >= 1000:
        return f"{round(value, 3 - len(str(int(value)))):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


@dataclass(slots=True)
class Stopwatch:
    """Adds up the seconds spent in `running` blocks."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time this block."""
        began = perf_counter()
        try:
            yield
        finally:
            self.seconds += perf_counter() - began


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    watch = Stopwatch()
    with watch.running():
        work()
    return watch.seconds


def say(text: str) -> None:
    """What is being done, for whoever watches; results go to stdout."""
    print(text, file=sys.stderr, flush=True)
