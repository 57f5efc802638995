"""The report: built from counts, against the statements alone that fetch those counts."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from benchmarks.cohort import AS_OF, fill
from benchmarks.measure import Result, say, seconds
from benchmarks.peak import run
from benchmarks.plan import Plan
from benchmarks.registries import bare, environment, opened
from benchmarks.statements import READS, kept
from registry import published
from registry.db import reading
from registry.queries import protocols
from registry.reports.report import build
from registry.runtime import Runtime


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    for store in plan.stores:
        say(f"report on {store.name}, a registry of {plan.patients} is written")
        url = store.fresh()
        ours, limit = [], []
        with opened(url) as runtime, closing(bare(url)) as plain:
            fill(runtime, plan.patients)
            with kept(runtime.sessions.engine, READS) as statements:
                _report(runtime)
            rows = statements.again(plain)
            for _ in range(plan.rounds):
                ours.append(seconds(partial(_report, runtime)))
                limit.append(seconds(partial(statements.again, plain)))
        yield Result(
            f"report of {plan.patients} patients, {store.name}",
            "reports",
            1,
            ours,
            {f"its {statements.statements} statements alone by the plain driver": limit},
            [
                f"{sum(rows)} rows handed over in all, at most {max(rows)} by one statement",
                f"peak memory of the command {_peak(url):.0f} MB",
                f"peak memory on an empty registry {_peak(store.fresh()):.0f} MB",
            ],
        )


def _report(runtime: Runtime) -> str:
    with reading(runtime) as session:
        protocol = protocols.in_force(session).protocol
        return build(session, protocol, published.library(), as_of=AS_OF).as_text()


def _peak(url: str) -> float:
    return run(["report", "--as-of", AS_OF.isoformat()], environment(url))[1]
