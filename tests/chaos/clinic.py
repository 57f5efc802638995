"""The clinics, while everything falls over: they enrol patients, and some patients leave."""

import itertools
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from time import monotonic

from factories import BY, a_person, a_site, an_enrolment
from sqlalchemy.exc import DBAPIError

from registry.actions import endings, enrolment
from registry.actions.facts import Enrolment
from registry.db import transaction
from registry.errors import DomainError
from registry.runtime import Runtime

log = logging.getLogger(__name__)
DAYS = 32  # since treatment: the first questionnaire is due, and the only one
SLICE = 100  # patients in one transaction
HEAD = 0.05  # of the patients at once
LEAVERS = 50  # one of so many leaves


@dataclass
class Ledger:
    """What the clinics were told is kept: the address of each patient, and who left."""

    addresses: dict[int, str] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    doubtful: int = 0


class Clinic:
    """Enrols `count` patients over so many seconds, in a thread of its own."""

    def __init__(self, runtime: Runtime, order: Random, count: int, seconds: float) -> None:
        self.ledger = Ledger()
        self._runtime, self._order = runtime, order
        self._count, self._seconds = count, seconds
        self._site = a_site(runtime).id
        self._number = itertools.count(1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="clinic", daemon=True)

    def open(self) -> None:
        """Begin."""
        self._began = monotonic()
        self._thread.start()

    def finish(self) -> None:
        """In the calm: who is still to be enrolled is enrolled."""
        self.close()
        while self._owed(now=False):
            self._step()

    def close(self) -> None:
        """Stop after the step in hand."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.5):
            if self._owed():
                self._step()

    def _owed(self, *, now: bool = True) -> int:
        share = HEAD + (monotonic() - self._began) / self._seconds if now else 1
        return min(SLICE, int(min(share, 1) * self._count) - len(self.ledger.addresses))

    def _step(self) -> None:
        """Enrol, then let some leave. What failed may yet have been kept: the tables tell."""
        try:
            self.enrol(self._owed(now=not self._stop.is_set()))
            self.leave(len(self.ledger.addresses) // LEAVERS - len(self.ledger.left))
        except (DBAPIError, DomainError) as fault:
            self.ledger.doubtful += 1
            log.info("a clinic was interrupted: %s", type(fault).__name__)

    def enrol(self, count: int) -> None:
        """So many new patients in one transaction; in the ledger once it was committed."""
        at, vault = self._runtime.clock.now(), self._runtime.vault
        assert vault is not None
        treated_on = at.date() - timedelta(days=DAYS)
        one = an_enrolment(self._site, treated_on=treated_on)
        some = [replace(one, person=a_person()) for _ in range(count)]
        keyed = {f"C-{next(self._number)}": who for who in some}
        with transaction(self._runtime) as session:
            done = enrolment.enrol_many(session, keyed, vault=vault, by=BY, at=at)
        self._note([each.patient_id for each in done], some)

    def _note(self, ids: Sequence[int], some: Sequence[Enrolment]) -> None:
        for patient_id, who in zip(ids, some, strict=True):
            self.ledger.addresses[patient_id] = who.person.email or ""

    def leave(self, count: int) -> None:
        """So many of the newest patients leave the registry, many before their letter has gone."""
        staying = sorted(self.ledger.addresses.keys() - self.ledger.left)[-SLICE:]
        for patient_id in self._order.sample(staying, max(count, 0)):
            with transaction(self._runtime) as session:
                at = self._runtime.clock.now()
                endings.withdraw(session, patient_id, at.date(), by=BY, at=at)
            self.ledger.left.add(patient_id)
