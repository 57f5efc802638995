"""The jobs as they run: one failing stops no other, in a thread, by Celery, by `registry tick`."""

import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from click.testing import CliRunner
from factories import a_patient, a_person
from kombu.transport.redis import Channel
from post import FaultyMailer, letter, letters, noon, run, set_columns
from servers import free_port
from sqlalchemy import event, select
from support import settings_for

from registry.actions import demo_clock
from registry.actions.demo_clock import NotMovable
from registry.actions.protocols import prepare_registry
from registry.cli import registry as command
from registry.clock import FixedClock, SystemClock
from registry.db import reading, transaction
from registry.mail import MemoryMailer, SmtpMailer, Unreachable
from registry.models import Heartbeat, Instance
from registry.runtime import DemoClock, Runtime, make_runtime
from registry.settings import Settings
from workers import stopping, tasks
from workers.app import make_app
from workers.hands import Hands
from workers.loop import Loop, running
from workers.schedule import BY_NAME, JOBS, run_job, run_jobs_once
from workers.traces import trace

DUE = "2026-01-29"


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def beats(runtime: Runtime) -> dict[str, tuple[datetime, str | None]]:
    with reading(runtime) as session:
        rows = session.scalars(select(Heartbeat))
        return {row.job: (row.last_run_at, row.last_error) for row in rows}


def test_every_job_says_that_it_ran(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    run(registry, mailer)
    clock.advance(minutes=1)
    assert run_job(BY_NAME["send_due"], registry, mailer) is None
    ran = {name: at for name, (at, _) in beats(registry).items()}
    assert ran.keys() == {job.name for job in JOBS}
    assert ran.pop("send_due") == clock.now()
    assert set(ran.values()) == {clock.now() - timedelta(minutes=1)}


def test_a_failing_job_stops_no_other_and_says_why_until_it_runs_again(
    registry: Runtime, clock: FixedClock
) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    mailer = FaultyMailer(open=[Unreachable("connection refused")])
    assert run_jobs_once(registry, mailer) == {"send_due": "Unreachable: connection refused"}
    assert beats(registry)["send_due"] == (clock.now(), "Unreachable: connection refused")
    assert beats(registry)["queue_due"] == (clock.now(), None)
    clock.advance(minutes=2)
    run(registry, mailer)
    assert beats(registry)["send_due"] == (clock.now(), None)


def test_a_fault_is_told_without_its_message(
    registry: Runtime, caplog: pytest.LogCaptureFixture, mailer: MemoryMailer
) -> None:
    def _broken(runtime: Runtime, mailer: object, stopping: object) -> None:
        raise ValueError("Tess Invented, tess@example.org")

    job = replace(BY_NAME["queue_due"], work=_broken)
    with caplog.at_level(logging.ERROR):
        assert run_job(job, registry, mailer) == "ValueError"
    assert "Tess" not in caplog.text
    assert "test_workers.py" in caplog.text
    assert beats(registry)["queue_due"][1] == "ValueError"


def test_a_heartbeat_that_cannot_be_kept_is_a_fault(
    registry: Runtime, mailer: MemoryMailer
) -> None:
    def _refuse(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "heartbeat" in statement:
            raise OSError("disk full")

    engine = registry.sessions.engine
    event.listen(engine, "before_cursor_execute", _refuse)
    faults = run_jobs_once(registry, mailer)
    event.remove(engine, "before_cursor_execute", _refuse)
    assert faults == {job.name: "OSError" for job in JOBS}


def test_asked_to_stop_no_job_is_begun(registry: Runtime, mailer: MemoryMailer) -> None:
    assert run_jobs_once(registry, mailer, lambda: True) == {}
    assert beats(registry) == {}


def test_a_trace_names_our_own_places_and_where_it_arose() -> None:
    try:
        Settings.from_env({"REGISTRY_ZONE": "Moon/Base", "REGISTRY_DATABASE_URL": "sqlite:///x"})
    except Exception as fault:
        told = trace(fault)
    assert "settings.py" in told
    assert "Moon" not in told


class Signalling(MemoryMailer):
    """Says when a letter has gone out."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = threading.Event()

    def hand_over(self, message: bytes) -> str:
        reply = super().hand_over(message)
        self.gone.set()
        return reply


def test_the_loop_does_the_jobs_in_a_thread(registry: Runtime, clock: FixedClock) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    mailer = Signalling()
    with running(registry, lambda: mailer):
        assert mailer.gone.wait(30)
    assert letter(registry).state == "sent"


def test_the_loop_goes_on_after_a_fault(registry: Runtime, clock: FixedClock) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    mailer, faults = Signalling(), [OSError("no mailer")]

    def _make() -> MemoryMailer:
        if faults:
            raise faults.pop()
        return mailer

    loop = Loop(registry, _make, every=0.01)
    loop.start()
    assert mailer.gone.wait(30)
    assert loop.stop()


def test_the_loop_keeps_letters_beside_an_embedded_database(
    sqlite_url: str, make: Callable[[str], Runtime], clock: FixedClock
) -> None:
    runtime = make(sqlite_url)
    with transaction(runtime) as session:
        prepare_registry(session, by="test", at=clock.now())
    a_patient(runtime)
    clock.move_to(noon(DUE))
    ran = threading.Event()

    def _note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "heartbeat" in statement:
            ran.set()

    event.listen(runtime.sessions.engine, "before_cursor_execute", _note)
    loop = Loop(runtime)
    loop.start()
    assert ran.wait(30)
    assert loop.stop()
    assert len(list(runtime.settings.mailbox.glob("*.eml"))) == 1


@pytest.fixture
def mail_server() -> Iterator[tuple[str, list[bytes]]]:
    """A real mail server: its address, and what it has taken."""
    taken: list[bytes] = []

    class Keep:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            taken.append(envelope.content)
            return "250 OK"

    controller = Controller(Keep(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}", taken
    controller.stop()


def test_letters_go_through_a_real_mail_server(
    registry: Runtime, clock: FixedClock, mail_server: tuple[str, list[bytes]]
) -> None:
    url, taken = mail_server
    for number in range(12):
        a_patient(registry, person=a_person(email=f"pat{number}@example.org"))
    clock.move_to(noon(DUE))
    with closing(SmtpMailer(url)) as mailer:
        assert run_jobs_once(registry, mailer) == {}
    messages = [message_from_bytes(raw, policy=default) for raw in taken]
    assert {str(one["To"]) for one in messages} == {f"pat{n}@example.org" for n in range(12)}
    text = messages[0].get_body(("plain",))
    assert text is not None
    (link,) = [word for word in text.get_content().split() if "/s/" in word]
    assert link.startswith("http://door.test/s/")
    assert len(link.rpartition("/")[2]) == 43
    (leave,) = [word for word in text.get_content().split() if "/u/" in word]
    assert messages[0]["List-Unsubscribe"] == f"<{leave}>"
    assert leave.startswith("http://door.test/u/1.")
    assert {one.server_reply for one in letters(registry)} == {"250 OK"}


@pytest.fixture
def at_hand(registry: Runtime, mailer: MemoryMailer, monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The tasks work with the test's registry."""
    mine = Hands()
    mine.take_up(registry, lambda _: mailer)
    monkeypatch.setattr(tasks, "hands", mine)
    return mine


def test_without_a_broker_the_tasks_run_where_they_are_called(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, at_hand: Hands
) -> None:
    make_app(registry.settings).set_current()
    a_patient(registry)
    clock.move_to(noon(DUE))
    for job in JOBS:
        getattr(tasks, job.name).delay()
    assert len(mailer.sent) == 1
    assert beats(registry).keys() == BY_NAME.keys()


def test_every_job_is_a_task_and_in_the_schedule_without_arguments() -> None:
    settings = replace(settings_for("sqlite:///x"), broker_url="redis://127.0.0.1:6379/0")
    app = make_app(settings)
    app.loader.import_default_modules()
    assert BY_NAME.keys() <= app.tasks.keys()
    assert app.conf.beat_schedule.keys() == BY_NAME.keys()
    for name, entry in app.conf.beat_schedule.items():
        assert entry["task"] == name
        assert entry.keys() == {"task", "schedule", "options"}


def test_celery_carries_hints_only() -> None:
    conf = make_app(
        replace(settings_for("sqlite:///x"), broker_url="redis://127.0.0.1:6379/0")
    ).conf
    assert conf.task_always_eager is False
    assert conf.accept_content == ["json"]
    assert conf.task_ignore_result is True
    assert conf.result_backend is None
    assert conf.worker_prefetch_multiplier == 1
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (False, None)
    assert (conf.broker_transport_options["ack_emulation"], Channel.do_restore) == (False, False)


def test_stopping_is_seen_by_a_forked_process() -> None:
    stopping.start()
    asked, answered = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.read(asked[0], 1)
        os.write(answered[1], b"1" if stopping.is_stopping() else b"0")
        os._exit(0)
    stopping.stop()
    os.write(asked[1], b"x")
    assert os.read(answered[0], 1) == b"1"
    os.waitpid(child, 0)
    stopping.start()
    assert not stopping.is_stopping()
    for end in (*asked, *answered):
        os.close(end)


GIVES_UP = """
from threading import Event
from types import SimpleNamespace
from workers import app

app.GRACE = 0.1
worker = SimpleNamespace(exitcode={}, steps=[])
app.JobsStep(worker).stop(worker)
print("still here", flush=True)
Event().wait({})
"""


@pytest.mark.parametrize(("exitcode", "waits", "ends"), [(70, 60, 70), (0, 0.5, 0)])
def test_a_worker_that_celery_gave_up_ends_even_if_celery_never_does(
    exitcode: int, waits: float, ends: int
) -> None:
    code = GIVES_UP.format(exitcode, waits)
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (ends, b"still here\n")


def test_a_forked_process_leaves_the_parents_connections_alone(registry: Runtime) -> None:
    mine = Hands()
    mine.take_up(registry)
    with reading(registry) as session:
        assert session.get_one(Instance, 1).instance_id
    child = os.fork()
    if child == 0:
        mine.renew()
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    with reading(registry) as session:
        assert session.get_one(Instance, 1).instance_id


def test_the_demo_clock_moves_forward_only_and_only_in_a_demo(
    registry: Runtime, clock: FixedClock
) -> None:
    def _move(at: datetime) -> None:
        with transaction(registry) as session:
            demo_clock.move(session, by="Ada", at=at)

    with pytest.raises(NotMovable, match="Only the clock of a demo"):
        _move(noon(DUE))
    set_columns(registry, Instance, Instance.id == 1, demo_now=noon(DUE))
    _move(noon("2026-01-30"))
    with pytest.raises(NotMovable, match="stands at 2026-01-30 12:00 UTC"):
        _move(noon(DUE))


def test_a_database_on_postgresql_says_what_time_it_is(postgresql_url: str) -> None:
    with closing(make_runtime(settings_for(f"{postgresql_url}/template_registry"))) as runtime:
        first, second = runtime.clock.now(), runtime.clock.now()
    assert first.tzinfo is UTC
    assert timedelta(0) < second - first < timedelta(minutes=1)
    assert abs(first - SystemClock().now()) < timedelta(minutes=1)


@pytest.fixture
def demo_env(
    sqlite_url: str, make: Callable[[str], Runtime], clock: FixedClock, tmp_path: Path
) -> dict[str, str]:
    """The environment of a demo database that stands before a patient's first follow-up."""
    env = {"REGISTRY_DATABASE_URL": sqlite_url, "REGISTRY_SEND_WINDOW": "always"}
    with closing(make_runtime(Settings.from_env(env), clock)) as runtime:
        with transaction(runtime) as session:
            prepare_registry(session, by="test", at=clock.now())
        a_patient(runtime)
        set_columns(runtime, Instance, Instance.id == 1, demo_now=clock.now())
    return env


def test_tick_lives_a_demo_forward(demo_env: dict[str, str], tmp_path: Path) -> None:
    def _tick(*args: str) -> int:
        return CliRunner(env=demo_env).invoke(command, ["tick", *args]).exit_code

    def _mailbox() -> int:
        return len(list((tmp_path / "mailbox").glob("*.eml")))

    assert _tick() == 0
    assert not (tmp_path / "mailbox").exists()
    assert _tick("--at", "2026-01-29") == 0
    assert _mailbox() == 1
    assert _tick("--at", "2026-02-01T09:00:00+01:00") == 0
    assert _tick("--at", "2026-02-01T10:00:00+01:00") == 0
    assert _mailbox() == 2
    assert _tick("--at", "tomorrow") == 2
    with closing(make_runtime(Settings.from_env(demo_env))) as runtime:
        assert isinstance(runtime.clock, DemoClock)
        assert runtime.clock.now() == datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
        set_columns(runtime, Instance, Instance.id == 1, demo_now=None)
        with pytest.raises(RuntimeError, match="no demo database"):
            runtime.clock.now()
    refused = CliRunner(env=demo_env).invoke(command, ["tick", "--at", "2026-03-01"])
    assert isinstance(refused.exception, NotMovable)


def test_tick_says_which_job_failed(demo_env: dict[str, str]) -> None:
    env = demo_env | {"REGISTRY_SMTP_URL": f"smtp://127.0.0.1:{free_port()}"}
    done = CliRunner(env=env).invoke(command, ["tick", "--at", "2026-01-29"])
    assert done.exit_code == 1
    assert "send_due: Unreachable: ConnectionRefusedError" in done.stderr


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_worker_and_beat_need_a_broker(name: str, tmp_path: Path) -> None:
    env = {"REGISTRY_DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite", "REGISTRY_BROKER_URL": ""}
    done = CliRunner(env=env).invoke(command, [name])
    assert "REGISTRY_BROKER_URL" in str(done.exception)
