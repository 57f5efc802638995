"""Whether the process lives, whether it can work, and what of its surroundings does not."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from registry import http, migrate
from registry.db import reading
from registry.queries.installation import look
from registry.queries.surroundings import surroundings

health = Blueprint("health", __name__)


@health.get("/healthz")
def live() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz")
def ready() -> ResponseReturnValue:
    """503 only when the database cannot be used or is not at this software's schema; what else
    does not work is named.
    """
    try:
        if not migrate.is_at_head(http.runtime().sessions.engine):
            return {"status": "schema", "degraded": []}, 503
        seen = look(http.runtime().journal)
        with reading(http.runtime()) as session:
            found = surroundings(session, seen, http.at())
    except SQLAlchemyError:
        return {"status": "database", "degraded": []}, 503
    return {"status": "ok", "degraded": found.degraded}
