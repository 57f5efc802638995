"""Every command of the compose file as a process, on private PostgreSQL and Redis.

Two beats, two workers, one of them killed while it sends: every letter goes out, no patient gets
one more than an uncertain attempt explains.
"""

import email
import email.policy
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from factories import a_patient
from processes import REGISTRY, environment, migrate, run
from servers import (
    Program,
    ended,
    find,
    free_port,
    open_folder,
    postgresql,
    redis,
    wait_until_open,
)
from sqlalchemy import select, update
from support import leave_out

from registry import audit
from registry.db import reading, transaction
from registry.models import OutboxEmail
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings

pytestmark = pytest.mark.production
PATIENTS = 60
PATIENCE = 120.0


class Sink:
    """A mail server that keeps every letter, and tells whoever waits for them."""

    def __init__(self) -> None:
        self.letters: list[email.message.EmailMessage] = []
        self._came = threading.Condition()
        self.hold = threading.Event()
        self.hold.set()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        letter = email.message_from_bytes(content, policy=email.policy.default)
        with self._came:
            self.letters.append(letter)
            self._came.notify_all()
        return "250 kept"

    def wait_for(self, number: int) -> None:
        """Until that many different letters have come."""
        with self._came:
            came = self._came.wait_for(
                lambda: len({letter["Message-ID"] for letter in self.letters}) >= number, PATIENCE
            )
        assert came, f"{len(self.letters)} letters after {PATIENCE} s"


@dataclass
class Production:
    """The servers, the environment of every process, and what has been started."""

    env: dict[str, str]
    door_url: str
    sink: Sink
    runtime: Runtime
    logs: Path
    stack: ExitStack
    started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A command to its end."""
        return run(self.env, *arguments)

    def start(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        """A process that goes on; ended at the end of the test."""
        process = Program([REGISTRY, *arguments], self.env, self.logs).start(
            self.logs / f"{name}.log"
        )
        self.stack.enter_context(ended(process))
        self.started[name] = process
        return process

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text()


@pytest.fixture
def production(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Production]:
    if not (find("postgres") and find("redis-server")):
        leave_out(pytestconfig, "the production shape", "apt-get install postgresql redis-server")
    sink = Sink()
    with ExitStack() as stack:
        server = stack.enter_context(postgresql(stack.enter_context(open_folder())))
        broker, _ = stack.enter_context(redis(stack.enter_context(open_folder())))
        mail = Controller(sink, hostname="127.0.0.1", port=free_port())
        mail.start()
        stack.callback(mail.stop)
        door_url = server.replace("registry@", "door_role:door-password@") + "/postgres"
        env = environment(tmp_path, server=server, broker=broker, mail_port=mail.port)
        migrate(env | {"REGISTRY_DOOR_DATABASE_URL": door_url})
        runtime = make_runtime(Settings.from_env(env))
        stack.callback(runtime.close)
        yield Production(env, door_url, sink, runtime, tmp_path, stack)


def port_of(url: str) -> str:
    return url.rpartition(":")[2]


def get(url: str) -> str:
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=20)
    with closing(connection):
        connection.request("GET", place.path)
        answer = connection.getresponse()
        assert answer.status == 200, url
        return answer.read().decode()


def due_patients(production: Production) -> None:
    """Patients whose month 1 day has just come."""
    today = production.runtime.clock.now().date()
    for _ in range(PATIENTS):
        a_patient(production.runtime, treated_on=today - timedelta(days=32))


def states(runtime: Runtime) -> Counter[str]:
    with reading(runtime) as session:
        return Counter(session.scalars(select(OutboxEmail.state)))


def let_leases_run_out(runtime: Runtime) -> None:
    """What fifteen minutes do, done at once."""
    long_ago = runtime.clock.now() - timedelta(hours=1)
    with transaction(runtime) as session:
        session.execute(
            update(OutboxEmail)
            .where(OutboxEmail.state.in_(("leased", "handover")))
            .values(lease_until=long_ago)
        )
        audit.record(
            session, by="test", at=runtime.clock.now(), action="tested", subject="registry"
        )


def test_two_beats_two_workers_one_killed_while_sending(production: Production) -> None:
    due_patients(production)
    for name in ("beat 1", "beat 2"):
        production.start(name, "beat")
    first = production.start("worker 1", "worker", "--concurrency", "2")
    production.sink.wait_for(5)
    os.killpg(first.pid, signal.SIGKILL)
    production.start("worker 2", "worker", "--concurrency", "2")
    let_leases_run_out(production.runtime)
    production.sink.wait_for(PATIENTS)

    copies = Counter(str(letter["Message-ID"]) for letter in production.sink.letters)
    with reading(production.runtime) as session:
        letters = {row.message_id: row for row in session.scalars(select(OutboxEmail))}
        assert audit.verify(session).broken is None
    assert len(letters) == PATIENTS
    assert set(copies) == set(letters)
    for message_id, number in copies.items():
        assert number <= 1 + letters[message_id].uncertain_count, production.log("worker 2")
    to = Counter(str(letter["To"]) for letter in production.sink.letters)
    assert len(to) == PATIENTS


def test_web_and_door_serve_and_the_link_in_a_letter_opens(production: Production) -> None:
    due_patients(production)
    public, door = production.env["REGISTRY_PUBLIC_URL"], production.env["REGISTRY_DOOR_URL"]
    web = production.start("web", "web", "--port", port_of(public))
    production.env |= {"REGISTRY_DOOR_DATABASE_URL": production.door_url}
    served = production.start("door", "door", "--port", port_of(door))
    assert production.run("tick").returncode == 0
    production.sink.wait_for(PATIENTS)
    wait_until_open(int(port_of(public)), web)
    wait_until_open(int(port_of(door)), served)
    assert "ok" in get(f"{public}/readyz")
    assert "ok" in get(f"{door}/readyz")
    text = production.sink.letters[0].get_body(("plain",))
    assert text is not None
    link = re.search(rf"{re.escape(door)}/s/\S+", text.get_content())
    assert link
    assert "How have you been?" in get(link[0])
