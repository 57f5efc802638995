"""Letters: written down by the job that queues, sent by the job that sends, everything committed.

The sending is held against one kept connection and nothing else; against that and the same writes
by the plain driver, the least for any sender that promises as much; and against the simplest
senders that people write, which promise nothing.
"""

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from statistics import quantiles
from time import perf_counter

from sqlalchemy import event

from benchmarks import naive, people
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import BY, Store, bare, opened, site_id
from benchmarks.sink import sink
from benchmarks.statements import kept
from registry.actions import enrolment, outreach
from registry.db import transaction
from registry.mail import Sent, SmtpMailer
from registry.runtime import Runtime
from workers.delivery import send_due

LETTERS = 300
REPEATED = 5  # the wire is so fast that one time over would be too short to measure
DAYS = 38  # since treatment: the first questionnaire is due and its window still open


class _Witness(SmtpMailer):
    """The product's mailer, which also keeps what went over the wire, and how long each letter was
    given away before the next commit.
    """

    def __init__(self, port: int) -> None:
        super().__init__(f"smtp://127.0.0.1:{port}")
        self.place = ("127.0.0.1", port)
        self.sent: list[Sent] = []
        self.windows: list[float] = []
        self._recipient, self._began = "", 0.0

    def open(self, sender: str, recipient: str) -> None:
        self._recipient = recipient
        super().open(sender, recipient)

    def hand_over(self, message: bytes) -> str:
        self.sent.append(Sent(self._recipient, message))
        self._began = perf_counter()
        return super().hand_over(message)

    def committed(self, _connection: object) -> None:
        """A commit ends the window of the letter that was handed over before it."""
        if self._began:
            self.windows.append(perf_counter() - self._began)
            self._began = 0.0


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds of one round, all for the same letters."""

    queue: float
    bare_queue: float
    send: float
    wire: float
    bare_send: float
    naive: float
    tasks: float | None


def results(plan: Plan) -> Iterator[Result]:
    """Two results per kind of database."""
    with sink() as port, naive.tasks(plan.folder, port) as tasks:
        for store in plan.stores:
            say(f"send on {store.name}")
            with closing(_Witness(port)) as mailer:
                rounds = _rounds(store, plan.rounds, mailer, tasks)[1:]  # the first warms up
            yield Result(
                f"letters written down (queue_due), {store.name}",
                "letters",
                LETTERS,
                [one.queue for one in rounds],
                {"the same writes by the plain driver": [one.bare_queue for one in rounds]},
            )
            yield Result(
                f"letters sent (send_due), {store.name}",
                "letters",
                LETTERS,
                [one.send for one in rounds],
                _limits(rounds),
                [_window(mailer.windows[LETTERS:])],
            )


def _limits(rounds: Sequence[_Round]) -> dict[str, list[float]]:
    limits = {
        "one kept smtplib connection": [one.wire for one in rounds],
        "that, and the same writes by the plain driver": [
            one.wire + one.bare_send for one in rounds
        ],
        "a connection and an EmailMessage a letter": [one.naive for one in rounds],
    }
    tasks = [one.tasks for one in rounds if one.tasks is not None]
    return limits | ({"that, in a Celery task a letter": tasks} if tasks else {})


def _window(windows: Sequence[float]) -> str:
    """From the hand-over to the commit that keeps its result."""
    middle, late = (1e3 * one for one in (quantiles(windows, n=100)[at] for at in (49, 98)))
    return f"hand-over window: median {middle:.2g} ms, p99 {late:.2g} ms; to reach for: 5 ms"


def _rounds(
    store: Store, number: int, mailer: _Witness, tasks: naive.Sender | None
) -> list[_Round]:
    url = store.fresh()
    enrol_due(url, LETTERS * (number + 1))
    twin = store.copy(url)
    with (
        opened(url) as runtime,
        closing(bare(twin)) as plain,
        smtplib.SMTP(*mailer.place) as smtp,
    ):
        event.listen(runtime.sessions.writing, "after_commit", mailer.committed)
        return [_round(runtime, mailer, plain, smtp, tasks) for _ in range(number + 1)]


def _round(
    runtime: Runtime,
    mailer: _Witness,
    plain: object,
    smtp: smtplib.SMTP,
    tasks: naive.Sender | None,
) -> _Round:
    engine = runtime.sessions.engine
    mailer.sent.clear()
    with kept(engine) as queued:
        queueing = seconds(lambda: queue(runtime, LETTERS))
    bare_queue = seconds(lambda: queued.again(plain))
    with kept(engine) as recorded:
        send = seconds(lambda: send_due(runtime, mailer))
    letters = list(mailer.sent)
    assert len(letters) == LETTERS, f"{len(letters)} letters instead of {LETTERS}"
    wire = seconds(lambda: _over_one_connection(smtp, letters * REPEATED)) / REPEATED
    bare_send = seconds(lambda: recorded.again(plain))
    words = [_words(letter) for letter in letters]
    plainly = seconds(lambda: [naive.send(mailer.place, *one) for one in words])
    by_task = seconds(lambda: tasks(words)) if tasks else None
    return _Round(queueing, bare_queue, send, wire, bare_send, plainly, by_task)


def enrol_due(url: str, count: int) -> None:
    """Patients whose first questionnaire is due today."""
    with opened(url) as runtime:
        site, vault, at = site_id(runtime), runtime.vault, runtime.clock.now()
        assert vault is not None
        treated_on = at.date() - timedelta(days=DAYS)
        everyone = {f"D-{n}": people.enrolment(n, site, treated_on) for n in range(count)}
        with transaction(runtime) as session:
            enrolment.enrol_many(session, everyone, vault=vault, by=BY, at=at)


def queue(runtime: Runtime, count: int) -> None:
    """Write down so many letters that are due."""
    with transaction(runtime) as session:
        at = runtime.clock.now()
        outreach.queue_due(session, settings=runtime.settings, by=BY, at=at, limit=count)


def _over_one_connection(smtp: smtplib.SMTP, letters: Sequence[Sent]) -> None:
    for letter in letters:
        smtp.sendmail("registry@example.org", letter.recipient, letter.raw)


def _words(letter: Sent) -> naive.Words:
    """What an EmailMessage is made from: headers, text and HTML."""
    message = letter.message
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    told = {name: str(value) for name, value in message.items()}
    del told["Content-Type"], told["MIME-Version"]
    return told, plain.get_content(), rich.get_content()
