"""Operations of the API: one decorator ties address, schemas and transaction to a function.

flask-smorest brings no types; it stays in this module and in `application`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import quote

from flask import Response, json, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from registry import http
from registry.actions.once import KEPT
from registry.api.once import HEADER, LONGEST_KEY, once
from registry.api.problems import HANDLERS
from registry.db import reading, transaction
from registry.models import Patient

PREFIX = "/api/v1"
PATIENT = "/patients/<path:number>"
NUMBER = {"in": "path", "name": "number", "description": "the patient's study number"}
KEY = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "description": "New for every new request, the same when a request is sent again: then "
    f"nothing is done twice, and the answer is the first one, for {KEPT.days} days.",
}
View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in: its session, and who does it when, for the actions."""

    session: Session
    by: str
    at: datetime

    @property
    def patient(self) -> Patient:
        """The patient that the address names, whom the asker may see."""
        return http.patient()


@dataclass(frozen=True, slots=True)
class Made:
    """Something new, and its address under the API's prefix."""

    body: Any
    location: str


class Routes:
    """The operations of one subject."""

    def __init__(self, name: str, description: str) -> None:
        self.name, self.about = name, description
        self.blueprint = Blueprint(
            f"api_{name}", __name__, url_prefix=PREFIX, description=description
        )
        self.blueprint.before_request(_refuse_browsers)
        for error, handler in HANDLERS.items():
            self.blueprint.register_error_handler(error, handler)

    def operation(
        self,
        method: str,
        rule: str,
        gives: Schema,
        *,
        status: int = 200,
        takes: Schema | None = None,
        query: Schema | None = None,
    ) -> Callable[[View], View]:
        """Serve `method rule` by a function of the Call, of what `takes` or `query` loaded, and of
        what the address names; what it returns is dumped by `gives`.

        GET reads one state of the data; all others are one transaction, and POST happens once.
        """

        def decorate(view: View) -> View:
            name = f"{self.name}_{view.__name__}"
            serve = self._documented(_served(view, gives, status), gives, status, method, name)
            if takes is not None:
                serve = _only_json(self.blueprint.arguments(takes, unknown=RAISE)(serve))
            if query is not None:
                serve = self.blueprint.arguments(query, location="query", unknown=RAISE)(serve)
            self._add(method, rule, view.__name__, serve)
            return view

        return decorate

    def _documented(self, serve: View, gives: Schema, status: int, method: str, name: str) -> View:
        more = {"parameters": [KEY]} if method == "POST" else {}
        response = self.blueprint.response(status, gives, content_type="application/json")
        documented: View = self.blueprint.doc(operationId=name, **more)(response(serve))
        return documented

    def _add(self, method: str, rule: str, endpoint: str, serve: View) -> None:
        named = [NUMBER] if "<path:number>" in rule else []
        self.blueprint.add_url_rule(
            rule, endpoint, serve, parameters=named, tags=[self.name], methods=[method]
        )


def _served(view: View, gives: Schema, status: int) -> View:
    """The view as Flask calls it: with a Call, and its result as a response."""

    def serve(*loaded: Any, **named: Any) -> Response:
        named.pop("number", None)  # it became the Call's patient

        def answer(session: Session) -> Response:
            call = Call(session, http.by(), http.at())
            return _response(gives, view(call, *loaded, **named), status)

        return _carry_out(answer)

    serve.__doc__ = view.__doc__
    return serve


def _refuse_browsers() -> None:
    """A browser's cookie is no key: another site's page could make the browser send it."""
    if http.asker().session_id is not None:
        raise http.SignedOut("The API takes no cookie. Send a key: Authorization: Bearer …")


def _only_json(serve: View) -> View:
    @wraps(serve)
    def checked(*loaded: Any, **named: Any) -> Any:
        if not request.is_json:
            raise UnsupportedMediaType
        return serve(*loaded, **named)

    return checked


def _carry_out(answer: Callable[[Session], Response]) -> Response:
    with _session() as session:
        if request.method == "POST":
            return once(session, lambda: answer(session))
        return answer(session)


def _session() -> AbstractContextManager[Session]:
    safe = request.method in http.SAFE
    return reading(http.runtime()) if safe else transaction(http.runtime())


def _response(gives: Schema, result: Any, status: int) -> Response:
    if isinstance(result, Response):
        return result
    made = result if isinstance(result, Made) else None
    body = gives.dump(made.body if made else result)
    response = Response(json.dumps(body), status, mimetype="application/json")
    if made:
        response.headers["Location"] = PREFIX + quote(made.location)
    return response
