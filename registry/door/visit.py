"""Who has come: the follow-up behind a link or a cookie. A cookie names it for 24 hours."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from flask import Request, Response, abort, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from registry import tokens
from registry.actions.responses import Entry
from registry.models import FollowUp, Instance, Site
from registry.protocols import Protocol
from registry.queries import preferences, protocols, surveys
from registry.queries.surveys import Standing
from registry.runtime import Runtime
from registry.survey_words import SurveyWords
from surveys.answers import Context
from surveys.checking import DATE_PARTS, Form
from surveys.instruments import Instrument
from surveys.questions import Answer, Question, QuestionType

VISIT = timedelta(hours=24)  # WCAG 2.2.1 exempts limits over 20 hours
DOOR = "door"


def runtime() -> Runtime:
    """The runtime that this application was made with."""
    return cast(Runtime, current_app.extensions["registry"])


@dataclass(frozen=True)
class Visit:
    """One follow-up, looked at on one local day, with all that its pages need."""

    follow_up: FollowUp
    site: Site
    protocol: Protocol
    on: date
    answers: dict[str, Answer]
    respondent: str
    sent_at: datetime | None
    words: SurveyWords

    @property
    def instrument(self) -> Instrument:
        """The version of the questionnaire it was planned with."""
        return surveys.instrument_of(self.follow_up)

    @property
    def context(self) -> Context:
        """Who is asked when."""
        return surveys.context_of(self.follow_up, self.on)

    def typed(self, question: Question, form: Form | None) -> object:
        """What stands in a question's boxes: what was typed, else the kept answer."""
        if form is None:
            return self.answers.get(question.code)
        values = list(form.get(question.code, ()))
        if question.type is QuestionType.DATE and not values:
            return {part: "".join(form.get(f"{question.code}-{part}", ())) for part in DATE_PARTS}
        return values if question.type is QuestionType.MULTI else "".join(values[:1])

    @property
    def standing(self) -> Standing:
        """Whether it can be answered now."""
        return surveys.standing(self.follow_up, self.on)


def visit(session: Session, follow_up_id: int | None, at: datetime, missing: int) -> Visit:
    """Load what the pages of a follow-up need; the page of status `missing` if there is none."""
    found = surveys.begun(session, follow_up_id) if follow_up_id else None
    if found is None:
        abort(missing)
    protocol = protocols.in_force(session).protocol
    on = surveys.local_day(found.follow_up, at)
    return Visit(
        follow_up=found.follow_up,
        site=found.site,
        protocol=protocol,
        on=on,
        answers=found.answers,
        respondent=found.response.respondent if found.response else "self",
        sent_at=found.sent_at,
        words=SurveyWords(found.follow_up, found.site, protocol.emergency, on),
    )


def by_token(session: Session, token: str, at: datetime) -> Visit:
    """The visit that a link opens; 404, always the same, for anything else."""
    return visit(session, surveys.follow_up_by_token(session, token), at, missing=404)


def by_cookie(session: Session, at: datetime, *, hold: bool = False) -> Visit:
    """The visit that was begun in this browser; 401 (an explaining page) where there is none.

    `hold`: before its answers are read, so that what another device keeps meanwhile is among them.
    """
    begun = _read(request, at)
    if begun and hold:
        surveys.hold(session, int(begun["f"]))
    return visit(session, int(begun["f"]) if begun else None, at, missing=401)


def is_begun() -> bool:
    """Whether this browser carries a visit, fresh or not: its pages may link to each other."""
    return _cookie_name() in request.cookies


def by_unsubscribe_token(session: Session, token: str, at: datetime) -> Visit:
    """The visit that a letter's unsubscribe link opens; 404 for anything else."""
    instance = session.get_one(Instance, 1).instance_id
    found = tokens.read_unsubscribe_token(runtime().settings.token_keys, instance, token)
    return visit(session, found, at, missing=404)


def by_preferences_token(session: Session, token: str, at: datetime) -> Visit:
    """The visit that a letter's link to the patient's choices opens; 404 for anything else."""
    instance = session.get_one(Instance, 1).instance_id
    found = tokens.read_preferences_token(runtime().settings.token_keys, instance, token)
    return visit(session, found, at, missing=404)


def of_month(session: Session, found: Visit, month: str, at: datetime) -> Visit:
    """The visit of another questionnaire of the same patient that can be answered as well."""
    waiting = preferences.answerable(session, found.follow_up, found.on)
    chosen = next((one for one in waiting if str(one.month) == month), None)
    return visit(session, chosen.id, at, missing=404) if chosen else found


def entry(at: datetime) -> Entry:
    """How the answers of this visit come."""
    begun = _read(request, at)
    return Entry(respondent=str(begun["r"]) if begun else "self")


def begin(response: Response, follow_up_id: int, respondent: str, at: datetime) -> Response:
    """Let this browser go on without the link in its address bar."""
    secure = _is_secure()
    response.set_cookie(
        _cookie_name(),
        _serializer().dumps({"f": follow_up_id, "r": respondent, "t": int(at.timestamp())}),
        max_age=VISIT,
        secure=secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def csrf_token() -> str:
    """What a form of this visit must carry: bound to the visit's cookie."""
    cookie = request.cookies.get(_cookie_name(), "")
    key = runtime().settings.secret_key
    return hmac.new(key, f"door|{cookie}".encode(), hashlib.sha256).hexdigest()


def check_csrf() -> None:
    """Refuse a form that was not made for this visit."""
    given = request.form.get("csrf_token", "")
    if not hmac.compare_digest(csrf_token().encode(), given.encode()):
        abort(401)


def _read(came: Request, at: datetime) -> dict[str, str | int] | None:
    try:
        begun = _serializer().loads(came.cookies.get(_cookie_name(), ""))
    except BadSignature:
        return None
    is_fresh = at.timestamp() - int(begun["t"]) < VISIT.total_seconds()
    return cast(dict[str, str | int], begun) if is_fresh else None


def _is_secure() -> bool:
    return runtime().settings.door_url.startswith("https:")


def _cookie_name() -> str:
    # browsers keep __Host- cookies only over https; on http://127.0.0.1 it would never come back
    return "__Host-visit" if _is_secure() else "visit"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(runtime().settings.secret_key, salt="door visit")
