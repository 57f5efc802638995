"""A demonstration from an empty folder to a checked report."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import event

from registry import audit, audit_facts, migrate, published
from registry.actions import sites
from registry.actions.passwords import HASHER
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.demo import folder as folders
from registry.demo import invented
from registry.demo.door import free_port, open_doors
from registry.demo.fates import FIRST_DAY, Fate, fates
from registry.demo.hurry import do_not_wait
from registry.demo.ledger import Ledger
from registry.demo.life import Life, Tell, last_day
from registry.demo.post import PostOffice
from registry.demo.staff import SignIn, sign_ins
from registry.demo.truth import Person
from registry.demo.world import BY, MORNING, NIGHT, Someone, World
from registry.journal import FileStore
from registry.models import Instance
from registry.queries import protocols
from registry.reports.report import Report, build
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings

DATABASE = "registry.sqlite"


@dataclass(frozen=True)
class Demo:
    """A demonstration that was lived: where it is, who may sign in, what is true, what is printed.

    `env` are the settings under which any process opens it; `disagreements` are the figures of
    the report that differ from the ledger.
    """

    folder: Path
    env: Mapping[str, str]
    sign_ins: tuple[SignIn, ...]
    ledger: Ledger
    report: Report
    disagreements: tuple[str, ...]
    letters: int
    requests: int

    @property
    def json(self) -> dict[str, Any]:
        """The report as it is published."""
        found: dict[str, Any] = json.loads(self.report.as_text())
        return found


def _quiet(_day: date, _what: str) -> None:
    """Nobody listens."""


def build_demo(
    folder: Path,
    *,
    patients: int = 400,
    months: int = 36,
    seed: int = 1,
    port: int = 0,
    hasher: PasswordHasher = HASHER,
    tell: Tell = _quiet,
) -> Demo:
    """Make a demonstration in `folder` (emptied if an earlier one made it) and live it.

    `port`: where the door stands and will be served, 0 for any free one; `hasher`: a cheap one for
    tests. Raises NotOurs for a folder with other things in it, NotServed for a taken port.
    """
    port, folder = free_port(port), folders.make(folder)
    env = folders.environment(folder, port)
    clock = FixedClock(datetime.combine(FIRST_DAY, MORNING, UTC))
    processes = min(2, os.cpu_count() or 1)
    with PostOffice(folder / "mailbox") as post:
        settings = replace(Settings.from_env(env), smtp_url=post.url)
        runtime = make_runtime(settings, clock, guarded=True)
        event.listen(runtime.sessions.engine, "connect", do_not_wait)
        if isinstance(runtime.journal.store, FileStore):
            runtime.journal.store.waits = False
        try:
            staffed = _prepare(runtime, hasher)
            everyone = [_someone(fate) for fate in fates(patients, seed)]
            staff = {one.role: one.email for one in staffed}
            world = World(runtime, clock, post, folder, port, seed, staff, everyone)
            post.grey |= {one.fate.email for one in everyone if one.fate.grey and one.fate.email}
            end = last_day(months)
            with open_doors(env, port, processes, folder) as doors:
                life = Life(world, end, doors=doors, tell=tell)
                life.live()
            world.move_to(end, NIGHT)
            return _finished(world, env, staffed, end, life.requests)
        finally:
            runtime.close()


def _finished(
    world: World, env: Mapping[str, str], staffed: tuple[SignIn, ...], end: date, requests: int
) -> Demo:
    with reading(world.runtime) as session:
        protocol = protocols.in_force(session).protocol
        report = build(session, protocol, published.library(), as_of=end)
        broken = audit.verify(session).broken
        changed = audit_facts.verify(session).first
    text = report.as_text()
    (world.folder / folders.REPORT).write_text(text, encoding="utf-8")
    found = world.ledger.check(json.loads(text))
    found += [f"audit trail: {broken}"] if broken else []
    found += [f"audit trail: {fault}" for fault in changed]
    return Demo(
        folder=world.folder,
        env=env,
        sign_ins=staffed,
        ledger=world.ledger,
        report=report,
        disagreements=tuple(found),
        letters=world.post.letters,
        requests=requests,
    )


def _prepare(runtime: Runtime, hasher: PasswordHasher) -> tuple[SignIn, ...]:
    """Tables, the protocol, the clinics, and one member of staff per role."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    migrate.to_head(runtime.sessions.engine)
    at = runtime.clock.now()
    with transaction(runtime) as session:
        prepare_registry(session, by=BY, at=at)
        session.get_one(Instance, 1).demo_now = at
        audit.record(session, by=BY, at=at, action="demo.made", subject="registry")
        for code, texts in invented.SITES.items():
            sites.add(session, code, texts, by=BY, at=at)
    return sign_ins(runtime, hasher)


def _someone(fate: Fate) -> Someone:
    truth = Person(
        fate.number, fate.site, fate.treated_on, fate.consented_on, float(fate.steroid_mg)
    )
    return Someone(fate, truth)
