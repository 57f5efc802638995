"""Reads the bounce mailbox: each message in a transaction of its own, marked once it is kept."""

import logging
from collections import Counter

from registry.actions import returns
from registry.bounces import boxes
from registry.db import transaction
from registry.mail import Mailer
from registry.runtime import Runtime
from workers.delivery import Stopping, never

log = logging.getLogger(__name__)
WHO = "bounces"


def read_bounces(runtime: Runtime, _mailer: Mailer | None, stopping: Stopping = never) -> None:
    """Take in what waits in the bounce mailbox. Raises NoMailbox when it cannot be read."""
    url = runtime.settings.bounce_mailbox
    if url is None or runtime.settings.bounce_address is None:
        return
    counted: Counter[str] = Counter()
    with boxes.opened(url) as box:
        for name, raw in box.waiting():
            if stopping():
                break
            counted[receive(runtime, raw, by=WHO)] += 1
            box.done(name)
    if counted:
        log.info("bounce mailbox: %s", ", ".join(f"{n} {kind}" for kind, n in counted.items()))


def receive(runtime: Runtime, raw: bytes, *, by: str) -> str:
    """One message, kept; gives what it was."""
    with transaction(runtime) as session:
        at = runtime.clock.now()
        return returns.receive(session, raw, settings=runtime.settings, by=by, at=at)
