"""The nightly reckoning over millions of follow-ups, against one reading of their table."""

from collections.abc import Iterator

from sqlalchemy import text

from benchmarks import large
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import opened
from registry.db import reading
from registry.queries import conservation
from registry.runtime import Runtime

# no index has the zone, so this reads the table itself
SCAN = text("SELECT count(*) FROM follow_up WHERE zone <> ''")


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    for store in plan.stores:
        say(f"reckon on {store.name}")
        url = store.fresh()
        large.fill(url, plan.follow_ups)
        with opened(url) as runtime:
            rounds = [
                (seconds(lambda: _reckon(runtime)), seconds(lambda: _scan(runtime)))
                for _ in range(plan.rounds + 1)
            ][1:]
        yield Result(
            f"follow-ups reckoned, {store.name}",
            "follow-ups",
            plan.follow_ups,
            [ours for ours, _ in rounds],
            {"one sequential scan of them": [scan for _, scan in rounds]},
            ["to reach for: a ratio of at least 0.33 (three scans)"],
        )


def _reckon(runtime: Runtime) -> None:
    with reading(runtime) as session:
        assert conservation.reckon(session).is_clean


def _scan(runtime: Runtime) -> None:
    with reading(runtime) as session:
        session.execute(SCAN).one()
