"""Finding and claiming what is due: in a registry of millions of follow-ups, and in a hundredth."""

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import large
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import BY, Store, opened
from benchmarks.sending import enrol_due, queue
from registry.actions import deliveries
from registry.db import transaction
from registry.runtime import Runtime

DUE = 500
SMALLER = 100


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    for store in plan.stores:
        say(f"claim on {store.name}")
        with ExitStack() as stack:
            few, many = (
                stack.enter_context(opened(_registry(store, count, plan.rounds)))
                for count in (plan.follow_ups // SMALLER, plan.follow_ups)
            )
            rounds = [(_claimed(many), _claimed(few)) for _ in range(plan.rounds + 1)][1:]
        yield Result(
            f"due letters found and claimed among {plan.follow_ups:,} follow-ups, {store.name}",
            "letters",
            DUE,
            [ours for ours, _ in rounds],
            {f"among {plan.follow_ups // SMALLER:,}": [least for _, least in rounds]},
            ["to reach for: a ratio of at least 0.77 (1.3 times the time)"],
        )


def _registry(store: Store, follow_ups: int, rounds: int) -> str:
    url = store.fresh()
    large.fill(url, follow_ups)
    enrol_due(url, DUE * (rounds + 1))
    return url


def _claimed(runtime: Runtime) -> float:
    def work() -> None:
        queue(runtime, DUE)
        claimed = 0
        while claimed < DUE:
            with transaction(runtime) as session:
                its, at = runtime.settings, runtime.clock.now()
                claim = deliveries.claim(session, settings=its, by=BY, at=at)
            assert claim.letters, "nothing is due"
            claimed += len(claim.letters)

    return seconds(work)
