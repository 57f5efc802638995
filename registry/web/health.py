"""Whether the process lives, whether it can work, and what of its surroundings does not."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from registry import http, migrate
from registry.db import reading
from registry.queries import post

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
        with reading(http.runtime()) as session:
            standing = post.post_standing(session, http.at())
    except SQLAlchemyError:
        return {"status": "database", "degraded": []}, 503
    return {"status": "ok", "degraded": ["mail"] if standing.is_stuck(http.at()) else []}
