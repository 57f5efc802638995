"""Enrolment: one transaction per patient, against the same writes by the plain driver."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial

from benchmarks import people
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import BY, bare, opened, site_id
from benchmarks.statements import Kept, kept
from registry.actions import enrolment
from registry.db import transaction
from registry.runtime import Runtime

PATIENTS = 60


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    for store in plan.stores:
        say(f"enrol on {store.name}")
        url, twin = store.fresh(), store.fresh()
        ours, limit = [], []
        with opened(url) as runtime, closing(bare(twin)) as plain:
            for number in range(plan.rounds + 1):
                with kept(runtime.sessions.engine) as writes:
                    ours.append(seconds(partial(_enrol, runtime, number * PATIENTS)))
                limit.append(seconds(partial(writes.again, plain)))
        yield Result(
            f"enrolment, {store.name}",
            "patients",
            PATIENTS,
            ours[1:],  # the first round warms both up
            {f"the same {_each(writes)} by the plain driver, a transaction a patient": limit[1:]},
        )


def _enrol(runtime: Runtime, first: int) -> None:
    site, vault = site_id(runtime), runtime.vault
    assert vault is not None
    for number in range(first, first + PATIENTS):
        at = runtime.clock.now()
        one = people.enrolment(number, site, at.date() - timedelta(days=7))
        with transaction(runtime) as session:
            enrolment.enrol(session, one, vault=vault, by=BY, at=at)


def _each(writes: Kept) -> str:
    return f"{writes.statements / len(writes.transactions):.0f} writing statements"
