"""Figures for a monitoring program, in Prometheus' text format (0.0.4). None is about a person."""

from collections.abc import Iterator

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from registry import http
from registry.actions.handover_times import BOUNDS
from registry.db import reading
from registry.queries import surroundings as queries
from registry.queries.installation import look
from registry.queries.surroundings import Surroundings

metrics = Blueprint("metrics", __name__)
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@metrics.get("/metrics")
def page() -> Response:
    """Everything, counted now."""
    seen = look(http.runtime().journal)
    with reading(http.runtime()) as session:
        found = queries.surroundings(session, seen, http.at())
        lines = [*_standing(found), *_counted(session)]
    return Response("\n".join(lines) + "\n", content_type=TEXT)


def _metric(name: str, kind: str, told: str, *values: tuple[str, float]) -> Iterator[str]:
    yield f"# HELP registry_{name} {told}"
    yield f"# TYPE registry_{name} {kind}"
    for labels, value in values:
        yield f"registry_{name}{labels} {value:g}"


def _standing(found: Surroundings) -> Iterator[str]:
    since, at = found.post.waiting_since, found.at
    late = 0.0 if since is None else max(0.0, (at - since).total_seconds())
    yield from _metric("oldest_due_seconds", "gauge", "Age of the oldest letter due.", ("", late))
    yield from _metric("letters_due", "gauge", "Letters that are due.", ("", found.post.waiting))
    yield from _metric("letters_held", "gauge", "Letters under a hold.", ("", found.post.held))
    yield from _metric("holds", "gauge", "Holds in force.", ("", len(found.post.holds)))
    unnamed = ("", float(found.unnamed))
    yield from _metric("unnamed_sites", "gauge", "Sites without a name; letters wait.", unnamed)
    held = ("", float(found.hold is not None))
    yield from _metric("send_hold", "gauge", "1: nothing is sent at all.", held)
    ages = [
        (f'{{job="{name}"}}', max(0.0, (at - one.last_run_at).total_seconds()))
        for name, one in sorted(found.beats.items())
    ]
    yield from _metric("heartbeat_age_seconds", "gauge", "Since the job last ran.", *ages)
    failed = [
        (f'{{job="{name}"}}', float(one.last_error is not None))
        for name, one in sorted(found.beats.items())
    ]
    yield from _metric("job_failed", "gauge", "1: the job's last run failed.", *failed)
    yield from _metric(
        "degraded",
        "gauge",
        "1: this does not work.",
        *[(f'{{what="{one}"}}', 1.0) for one in found.degraded],
    )
    if found.reckoned is not None:
        faults, age = found.reckoned.faults, (at - found.reckoned.ran_at).total_seconds()
        yield from _metric(
            "conservation_faults", "gauge", "Where the plan does not add up.", ("", faults)
        )
        yield from _metric("conservation_age_seconds", "gauge", "Since it was reckoned.", ("", age))


def _counted(session: Session) -> Iterator[str]:
    states = [
        (f'{{state="{name}"}}', float(n)) for name, n in queries.letters_by_state(session).items()
    ]
    yield from _metric("letters", "gauge", "Letters by state.", *states)
    causes = [(f'{{cause="{name}"}}', float(n)) for name, n in queries.uncertain(session).items()]
    yield from _metric(
        "handover_uncertain_total", "counter", "Hand-overs without a known end.", *causes
    )
    copies = ("", float(queries.copies_possible(session)))
    yield from _metric(
        "copies_possible_total", "counter", "Letters that may have come twice.", copies
    )
    yield from _histogram(queries.handover_times(session))


def _histogram(rows: list[tuple[float, int, float]]) -> Iterator[str]:
    """Cumulative, as the format wants it."""
    counted = {bound: letters for bound, letters, _ in rows}
    total, sum_ = sum(counted.values()), sum(seconds for _, _, seconds in rows)
    upto, values = 0, list[tuple[str, float]]()
    for bound in BOUNDS:
        upto += counted.get(bound, 0)
        values.append((f'_bucket{{le="{bound:g}"}}', upto))
    values += [('_bucket{le="+Inf"}', total), ("_sum", sum_), ("_count", total)]
    told = "From the hand-over of a letter to the kept reply."
    yield from _metric("handover_seconds", "histogram", told, *values)
