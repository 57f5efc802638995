"""Curves from daily counts, against one pass of numpy over as many days."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.measure import Result, seconds
from benchmarks.plan import Plan
from registry.statistics.incidence import aalen_johansen
from registry.statistics.survival import kaplan_meier

DAYS, TIMES = 731, 200


def results(plan: Plan) -> Iterator[Result]:
    """Both curves of a registry of a million, as its database hands it over."""
    dice = np.random.default_rng(1)
    day = np.arange(DAYS)
    events, deaths, late = (dice.poisson(mean, DAYS) for mean in (60, 20, 30))
    censored = dice.poisson(1200, DAYS)
    entries = np.where(day > 0, late, 0)
    curves = {
        "Kaplan-Meier": partial(kaplan_meier, day, deaths, censored, entries),
        "Aalen-Johansen": partial(aalen_johansen, day, events, deaths, censored, entries),
    }
    limit = partial(np.cumsum, events[::-1])
    for name, curve in curves.items():
        ours = [seconds(partial(_often, curve)) for _ in range(plan.rounds)]
        bare = [seconds(partial(_often, limit)) for _ in range(plan.rounds)]
        took = 1e3 * min(ours) / TIMES
        yield Result(
            f"{name} from {DAYS} days",
            "curves",
            TIMES,
            ours,
            {"one running sum of as many numbers": bare},
            [f"{took:.2g} ms each at best; to reach for: under 1 ms"],
        )


def _often(work: partial[object]) -> None:
    for _ in range(TIMES):
        work()
