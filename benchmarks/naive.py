"""What people write first: a Celery task for each letter, which builds the message and opens a
connection for it. It keeps nothing and promises nothing.
"""

import smtplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from threading import Event

from celery import Celery
from celery.contrib.testing.worker import start_worker

from registry.letters.rendering import POLICY
from tests.servers import find, redis

Words = tuple[dict[str, str], str, str]  # headers, text and HTML of a letter
Sender = Callable[[Sequence[Words]], None]


def send(place: tuple[str, int], headers: dict[str, str], text: str, html: str) -> None:
    """One letter, built anew, over a connection of its own."""
    message = EmailMessage(policy=POLICY)
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    with smtplib.SMTP(*place) as connection:
        connection.send_message(message)


@contextmanager
def tasks(folder: Path, port: int) -> Iterator[Sender | None]:
    """Sends letters by one task each, through Redis and one worker in this process; None: there is
    no Redis on this machine.
    """
    if not find("redis-server"):
        yield None
        return
    own = folder / "redis"
    own.mkdir()
    with redis(own) as (url, _):
        app = Celery(broker=url)
        app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)
        is_done, sent = Event(), [0, 0]

        @app.task(name="send")
        def one(headers: dict[str, str], text: str, html: str) -> None:
            send(("127.0.0.1", port), headers, text, html)
            sent[0] += 1
            if sent[0] == sent[1]:
                is_done.set()

        def all_of(letters: Sequence[Words]) -> None:
            sent[:] = [0, len(letters)]
            is_done.clear()
            for words in letters:
                one.delay(*words)
            assert is_done.wait(120), "the tasks were not done"

        with start_worker(app, pool="solo", perform_ping_check=False, loglevel="ERROR"):
            yield all_of
