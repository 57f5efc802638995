"""An asynchronous standby that lags is promoted after the primary died: nobody is written to again.

Real servers: a base backup, a standby whose receiver of the log is stopped, kill -9 of the primary.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from factories import BY, a_patient, a_person
from post import noon, run
from servers import ended, find, free_port, open_folder, postgresql, unprivileged
from sqlalchemy import make_url
from support import leave_out, settings_for

from registry import migrate
from registry.actions import endings, installation, reconciling
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import transaction
from registry.mail import MemoryMailer
from registry.runtime import Runtime, make_runtime
from workers.schedule import run_jobs_once

LINE = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}


def ask(port: int, statement: str) -> str:
    with psycopg.connect(
        host="127.0.0.1", port=port, user="registry", dbname="postgres", autocommit=True
    ) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return str(row[0]) if row else ""


def wait_for(port: int, statement: str, answer: str, patience: float = 60) -> None:
    ends = monotonic() + patience
    while monotonic() < ends:
        try:
            if ask(port, statement) == answer:
                return
        except psycopg.OperationalError:
            continue
    raise TimeoutError(f"{statement} never gave {answer}")


@contextmanager
def standby(folder: Path, primary: int) -> Iterator[tuple[Path, int]]:
    """A standby of that primary, streaming; gives its data folder and port."""
    data, port = folder / "standby", free_port()
    copy, binary = find("pg_basebackup"), find("postgres")
    assert copy
    assert binary
    source = ["-h", "127.0.0.1", "-p", str(primary), "-U", "registry"]
    subprocess.run(
        [copy, *source, "-D", data, "-R", "-X", "stream", "--no-sync", "-c", "fast"],
        check=True, env=LINE, cwd="/", **unprivileged(),
    )  # fmt: skip
    flags = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    flags += ["-c", "unix_socket_directories=", "-c", "max_connections=200"]
    with (folder / "standby.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "-D", data, *flags], stdout=log, stderr=log, env=LINE, cwd="/",
            **unprivileged(),
        )  # fmt: skip
    with ended(process):
        wait_for(port, "SELECT pg_is_in_recovery()", "True")
        yield data, port


def fresh(url: str, clock: FixedClock) -> Runtime:
    runtime = make_runtime(settings_for(f"{url}/postgres"), clock, guarded=True)
    migrate.to_head(runtime.sessions.engine)
    with transaction(runtime) as session:
        prepare_registry(session, by=BY, at=clock.now())
        installation.pair(session, runtime.journal, by=BY, at=clock.now())
    return runtime


def test_a_lagging_standby_that_is_promoted_sends_nothing_twice(
    pytestconfig: pytest.Config,
) -> None:
    if not (find("postgres") and find("pg_basebackup")):
        leave_out(pytestconfig, "promotion of a standby", "apt-get install postgresql")
    clock = FixedClock(datetime(2026, 1, 5, 10, tzinfo=UTC))
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        folder.chmod(0o777)
        url = stack.enter_context(postgresql(folder))
        port = int(make_url(url).port or 0)
        first = fresh(url, clock)
        patients = [
            a_patient(first, person=a_person(email=f"p{number}@example.org")) for number in range(6)
        ]
        clock.move_to(noon("2026-01-28"))
        _, second_port = stack.enter_context(standby(folder, port))
        told = ask(port, "SELECT pg_current_wal_lsn()")
        wait_for(second_port, f"SELECT pg_last_wal_replay_lsn() >= '{told}'", "True")
        # from here on the standby receives nothing, and the primary does not wait for it
        receiver = int(ask(second_port, "SELECT pid FROM pg_stat_wal_receiver"))
        os.kill(receiver, signal.SIGSTOP)
        clock.move_to(noon("2026-01-29"))
        mailer, post = MemoryMailer(), MemoryMailer()
        run(first, mailer)
        assert len(mailer.sent) == 6
        with transaction(first) as session:
            at = clock.now()
            endings.record_withdrawal(session, patients[0].patient_id, at.date(), by=BY, at=at)
        first.close()
        os.kill(int((folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        os.kill(receiver, signal.SIGKILL)
        wait_for(second_port, "SELECT pg_promote(true)", "True")
        settings = replace(
            settings_for(f"postgresql+psycopg://registry@127.0.0.1:{second_port}/postgres"),
            journal=first.settings.journal_file,
        )
        promoted = make_runtime(settings, clock, guarded=True)
        stack.callback(promoted.close)
        clock.move_to(noon("2026-01-30"))
        for _ in range(3):
            assert "registry reconcile" in run_jobs_once(promoted, post)["send_due"]
            clock.advance(hours=1)
        with transaction(promoted) as session:
            done = reconciling.reconcile(
                session, promoted.journal, settings=settings, by=BY, at=clock.now()
            )
        assert done.letters == {"written down as sent": 6}
        assert done.stops == {"withdrawn": 1}
        run(promoted, post)
        assert post.sent == []
        for _ in range(10):
            clock.advance(hours=12)
            run(promoted, post)
        assert post.sent
        assert "p0@example.org" not in {one.recipient for one in post.sent}
