"""Letters: written down by the job that queues, sent by the job that sends, everything committed.

The sending is held against one kept connection and nothing else; against that and the same writes
by the plain driver, the least for any sender that promises as much; and against the simplest sender
that people write, which promises nothing.
"""

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from benchmarks import people
from benchmarks.measure import Result, say, seconds
from benchmarks.plan import Plan
from benchmarks.registries import BY, Store, bare, opened, site_id
from benchmarks.sink import sink
from benchmarks.statements import kept
from registry.actions import enrolment, outreach
from registry.db import transaction
from registry.letters.rendering import POLICY
from registry.mail import Sent, SmtpMailer
from registry.runtime import Runtime
from workers.delivery import send_due

LETTERS = 100
REPEATED = 5  # the wire is so fast that one time over would be too short to measure
DAYS = 38  # since treatment: the first questionnaire is due and its window still open


class _Witness(SmtpMailer):
    """The product's mailer, which also keeps what went over the wire."""

    def __init__(self, port: int) -> None:
        super().__init__(f"smtp://127.0.0.1:{port}")
        self.sent: list[Sent] = []
        self._recipient = ""

    def open(self, sender: str, recipient: str) -> None:
        self._recipient = recipient
        super().open(sender, recipient)

    def hand_over(self, message: bytes) -> str:
        self.sent.append(Sent(self._recipient, message))
        return super().hand_over(message)


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds of one round, all for the same letters."""

    queue: float
    bare_queue: float
    send: float
    wire: float
    bare_send: float
    naive: float


def results(plan: Plan) -> Iterator[Result]:
    """Two results per kind of database."""
    with sink() as port:
        for store in plan.stores:
            say(f"send on {store.name}")
            rounds = _rounds(store, plan.rounds, port)[1:]  # the first warms everything up
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
                {
                    "one kept smtplib connection": [one.wire for one in rounds],
                    "that, and the same writes by the plain driver": [
                        one.wire + one.bare_send for one in rounds
                    ],
                    "a connection and an EmailMessage a letter": [one.naive for one in rounds],
                },
            )


def _rounds(store: Store, number: int, port: int) -> list[_Round]:
    url = store.fresh()
    enrol_due(url, LETTERS * (number + 1))
    twin = store.copy(url)
    with (
        opened(url) as runtime,
        closing(_Witness(port)) as mailer,
        closing(bare(twin)) as plain,
        smtplib.SMTP("127.0.0.1", port) as smtp,
    ):
        return [_round(runtime, mailer, plain, smtp) for _ in range(number + 1)]


def _round(runtime: Runtime, mailer: _Witness, plain: object, smtp: smtplib.SMTP) -> _Round:
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
    naive = seconds(lambda: _naively(smtp, words))
    return _Round(queueing, bare_queue, send, wire, bare_send, naive)


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


def _words(letter: Sent) -> tuple[dict[str, str], str, str]:
    """What an EmailMessage is made from: headers, text and HTML."""
    message = letter.message
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    told = {name: str(value) for name, value in message.items()}
    del told["Content-Type"], told["MIME-Version"]
    return told, plain.get_content(), rich.get_content()


def _naively(smtp: smtplib.SMTP, words: Sequence[tuple[dict[str, str], str, str]]) -> None:
    """Each letter built anew and sent over a connection of its own."""
    assert smtp.sock is not None
    place = smtp.sock.getpeername()
    for headers, text, html in words:
        message = EmailMessage(policy=POLICY)
        for name, value in headers.items():
            message[name] = value
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        with smtplib.SMTP(*place) as connection:
            connection.send_message(message)
