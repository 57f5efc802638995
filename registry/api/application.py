"""The API on the staff application: its operations, its OpenAPI document and a page beside it."""

from collections.abc import Mapping
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from registry.api import events, follow_ups, labs, patients, statistics
from registry.api.documents import docs
from registry.api.policy import POLICY
from registry.api.problems import PROBLEM, ProblemSchema

SUBJECTS = (
    patients.routes,
    follow_ups.routes,
    labs.routes,
    events.routes,
    statistics.routes,
)
ABOUT = (
    "Patients, follow-ups, laboratory results, events and figures of the registry. Every call "
    "carries the key of a user and may do what that user may. Errors are application/problem+json "
    "(RFC 9457)."
)


def register(app: Flask) -> None:
    """Add every operation under /api/v1, the document, the page, and their lines of the policy."""
    app.extensions["policy"] = {**app.extensions.get("policy", {}), **POLICY}
    app.extensions["api_document"] = _document(_add_operations(app))
    app.register_blueprint(docs)


def document() -> Mapping[str, Any]:
    """The OpenAPI document, without a registry behind it."""
    return _document(_add_operations(Flask(__name__)))


def _add_operations(app: Flask) -> Any:
    app.config.update(API_TITLE="Outcomes Registry", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    told = {"info": {"description": ABOUT}, "security": [{"key": []}]}
    api = Api(spec_kwargs={"marshmallow_plugin": plugin, **told})
    api.ERROR_SCHEMA = ProblemSchema
    api.DEFAULT_RESPONSE_CONTENT_TYPE = PROBLEM  # every success names its own: left are errors
    # flask-smorest would answer the errors of all pages in its own way: it gets the present one
    present = app.error_handler_spec[None][None].get(HTTPException)
    api.handle_http_exception = present or (lambda error: error)
    api.init_app(app)
    for subject in SUBJECTS:
        api.register_blueprint(subject.blueprint)
    return api.spec


def _name(schema: Any) -> str:
    """What a schema is called in the document, by what is left out of it."""
    given: type[Schema] = schema if isinstance(schema, type) else type(schema)
    left_out = sorted(getattr(schema, "exclude", ()))
    return given.__name__.removesuffix("Schema") + "".join(f"Without{n.title()}" for n in left_out)


def _document(spec: Any) -> Mapping[str, Any]:
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    told: dict[str, Any] = spec.to_dict()
    told["tags"] = [{"name": one.name, "description": one.about} for one in SUBJECTS]
    del told["components"]["schemas"]["PaginationMetadata"]  # the library's own; nothing uses it
    return told
