"""The registry under simulation: one prepared database in memory, copied anew for each seed.

A process keeps its turn from BEGIN to COMMIT, so one connection serves all of them: what holds
between transactions is what the simulation can see; races inside them are the business of the
integration tests on PostgreSQL.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from factories import BY
from sqlalchemy import event
from sqlalchemy.orm import Session
from support import settings_for

from registry import migrate
from registry.actions import sites
from registry.actions.installation import pair
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import transaction
from registry.runtime import Runtime, make_runtime
from simulation.zones import EPOCH, ZONES


class Installation:
    """Engine, template and hooks; `observer` is told of every commit of the seed that runs."""

    def __init__(self) -> None:
        settings = replace(settings_for("sqlite://"), send_window="protocol")
        self.runtime = make_runtime(settings, FixedClock(EPOCH), guarded=True)
        engine = self.runtime.sessions.engine
        migrate.to_head(engine)
        with transaction(self.runtime) as session:
            prepare_registry(session, by=BY, at=EPOCH)
            texts = {"hours": "", "telephone": "+49 30 5550100", "emergency_text": ""}
            for number, zone in enumerate(ZONES, start=1):
                told = sites.SiteTexts(public_name=f"Clinic {number}", zone=zone, **texts)
                sites.add(session, f"S{number}", told, by=BY, at=EPOCH)
            pair(session, self.runtime.journal, by=BY, at=EPOCH)
        connection = engine.raw_connection().driver_connection
        assert isinstance(connection, sqlite3.Connection)
        self.connection = connection
        self._journal_size = self.runtime.journal.store.size()
        self._template = sqlite3.connect(":memory:")
        self.connection.backup(self._template)
        self.before_commit: Callable[[bool], None] = lambda writing: None
        self.after_commit: Callable[[bool], None] = lambda writing: None
        for sessions, writing in (
            (self.runtime.sessions.writing, True),
            (self.runtime.sessions.reading, False),
        ):
            self._watch(sessions, writing)

    def _watch(self, sessions: object, writing: bool) -> None:
        def _before(_session: Session) -> None:
            self.before_commit(writing)

        def _after(_session: Session) -> None:
            self.after_commit(writing)

        event.listen(sessions, "before_commit", _before)
        event.listen(sessions, "after_commit", _after)

    def renew(self) -> Runtime:
        """The prepared database as it was, whatever the last seed did to it."""
        self.before_commit = self.after_commit = lambda writing: None
        self.connection.rollback()
        self._template.backup(self.connection)
        self.runtime.journal.store.cut(self._journal_size)
        return self.runtime


@cache
def installation() -> Installation:
    """The one of this operating system process."""
    return Installation()
