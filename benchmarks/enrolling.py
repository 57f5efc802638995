"""Enrolment by API over HTTP, against the same writes by the plain driver."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection
from typing import Any

import waitress

from benchmarks import people
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import BY, bare, opened, site_id
from benchmarks.statements import Kept, kept
from registry.actions import accounts
from registry.app import create_app
from registry.db import transaction
from registry.runtime import Runtime
from tests.servers import free_port

PATIENTS = 60


class Program:
    """A clinic's program that enrols patients, one request after the other."""

    def __init__(self, port: int, key: str, treated_on: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._key, self._treated_on, self._number = key, treated_on, 0

    def enrol(self, count: int) -> None:
        """Enrol so many people whom nobody has enrolled."""
        for _ in range(count):
            self._number += 1
            told = people.enrolment_json(self._number, self._treated_on)
            headers = {
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                "Idempotency-Key": f"benchmark {self._number}",
            }
            self._connection.request("POST", "/api/v1/patients", json.dumps(told), headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 201, text

    def close(self) -> None:
        """Give up the connection."""
        self._connection.close()


def results(plan: Plan) -> Iterator[Result]:
    """One result per kind of database."""
    for store in plan.stores:
        say(f"enrol on {store.name}")
        url = store.fresh()
        with opened(url) as runtime:
            key = _key(runtime)
        twin = store.copy(url)
        ours, limit = [], []
        with _served(url, key) as (runtime, program), closing(bare(twin)) as plain:
            for _ in range(plan.rounds + 1):
                with kept(runtime.sessions.engine) as writes:
                    ours.append(seconds(partial(program.enrol, PATIENTS)))
                limit.append(seconds(partial(writes.again, plain)))
        yield Result(
            f"enrolment by API, {store.name}",
            "patients",
            PATIENTS,
            ours[1:],  # the first round warms both up
            {f"the same {_each(writes)} by the plain driver, committed each": limit[1:]},
        )


@contextmanager
def _served(url: str, key: str) -> Iterator[tuple[Runtime, Program]]:
    """The staff application as `registry serve` serves it, in this process."""
    port = free_port()
    with opened(url) as runtime:
        app, treated_on = create_app(runtime), runtime.clock.now().date() - timedelta(days=7)
        server = waitress.create_server(app, host="127.0.0.1", port=port, threads=4)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        with closing(Program(port, key, treated_on.isoformat())) as program:
            yield runtime, program
        server.close()
        thread.join(10)


def _key(runtime: Runtime) -> str:
    """A key of a nurse."""
    site, at = site_id(runtime), runtime.clock.now()
    with transaction(runtime) as session:
        told: Mapping[str, Any] = {"email": "nurse@example.org", "name": "Nora Invented"}
        user = accounts.add_user(session, **told, grants=[("nurse", site)], by=BY, at=at)
        return accounts.issue_key(session, user.id, "benchmark", by=BY, at=at)


def _each(writes: Kept) -> str:
    return f"{writes.statements / PATIENTS:.0f} writing statements"
