"""The monthly look at serious events: counted in a reading session, then kept."""

from zoneinfo import ZoneInfo

from registry.actions import monitoring
from registry.db import reading, transaction
from registry.mail import Mailer
from registry.queries import monitoring as looks
from registry.queries import protocols
from registry.runtime import Runtime
from workers.delivery import WHO, Stopping


def look_monthly(runtime: Runtime, _mailer: Mailer, _stopping: Stopping) -> None:
    """Take every look that is due at the end of a month, if the protocol wants looks at all."""
    at = runtime.clock.now()
    today = at.astimezone(ZoneInfo(runtime.settings.zone)).date()
    with reading(runtime) as session:
        protocol = protocols.in_force(session).protocol
        plan = protocol.monitoring
        due = looks.due_on(session, plan.key, today) if plan else []
        seen = [(on, *looks.seen(session, protocol, on)) for on in due]
    for on, events, days in seen:
        if plan is not None:
            with transaction(runtime) as session:
                monitoring.keep(session, plan, on, events, days, by=WHO, at=at)
