"""The nightly reckoning: counted in a reading session, for it may take a while."""

from registry.actions import conservation
from registry.db import reading, transaction
from registry.mail import Mailer
from registry.queries.conservation import is_due, reckon
from registry.runtime import Runtime
from workers.delivery import WHO, Stopping


def reckon_nightly(runtime: Runtime, _mailer: Mailer, _stopping: Stopping) -> None:
    """Count the plan anew if a night has passed since the last time, and keep the result."""
    at = runtime.clock.now()
    with reading(runtime) as session:
        found = reckon(session) if is_due(session, at) else None
    if found is not None:
        with transaction(runtime) as session:
            conservation.keep(session, found, by=WHO, at=at)
