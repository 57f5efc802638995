"""The trail: `audit verify` against HMAC-SHA-256 over the same bytes, and reading the rows."""

import hmac
import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

from sqlalchemy import select

from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import BY, bare, opened
from registry import audit
from registry.db import reading, transaction
from registry.models import AuditEvent
from registry.runtime import Runtime

PATIENTS, EACH, BATCH = 2000, 5, 500
KEY = bytes(32)
ROWS = "SELECT * FROM audit_event ORDER BY subject, number"


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    for store in plan.stores:
        say(f"verify on {store.name}")
        url = store.fresh()
        ours, hashing, rows = [], [], []
        with opened(url) as runtime, closing(bare(url)) as plain:
            _write(runtime)
            texts = _texts(runtime)
            for _ in range(plan.rounds):
                ours.append(seconds(partial(_verify, runtime)))
                hashing.append(seconds(partial(_hash, texts)))
                rows.append(seconds(partial(_read, plain)))
        size = sum(map(len, texts)) / len(texts)
        yield Result(
            f"audit verify, {store.name}",
            "events",
            len(texts),
            ours,
            {
                f"bare HMAC-SHA-256 over the same {size:.0f} bytes an event": hashing,
                "the same rows in the same order by the plain driver": rows,
            },
        )


def _write(runtime: Runtime) -> None:
    """A few things done to each of many patients."""
    at = runtime.clock.now()
    fields = {f"field {number}": f"value {number}" for number in range(8)}
    for first in range(1, PATIENTS, BATCH):
        entries = [
            audit.Entry(f"patient:{patient}", "fact.corrected", fields, "benchmark")
            for patient in range(first, first + BATCH)
            for _ in range(EACH)
        ]
        with transaction(runtime) as session:
            audit.record_many(session, entries, by=BY, at=at)


def _texts(runtime: Runtime) -> list[bytes]:
    """As many bytes an event as its hash covers."""
    with reading(runtime) as session:
        return [
            json.dumps(
                [one.subject, one.number, one.at.isoformat(), one.by, one.action, one.reason,
                 one.changes, one.facts, one.previous_hash],
                separators=(",", ":"),
            ).encode()
            for one in session.scalars(select(AuditEvent))
        ]  # fmt: skip


def _verify(runtime: Runtime) -> None:
    with reading(runtime) as session:
        verdict = audit.verify(session)
    assert verdict.broken is None, verdict.broken


def _hash(texts: list[bytes]) -> None:
    for text in texts:
        hmac.digest(KEY, text, "sha256").hex()


def _read(plain: Any) -> None:
    cursor = plain.cursor()
    cursor.execute(ROWS)
    while cursor.fetchmany(1000):
        pass
    plain.rollback()
