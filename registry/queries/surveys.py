"""What the patient door and the staff's questionnaire pages read of one follow-up."""

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import tokens
from registry.models import Answer, FollowUp, Response, ResponseStatus, SurveyLink, known
from surveys.answers import Context
from surveys.instruments import Instrument, instrument
from surveys.lifecycle import ANSWERABLE, ANSWERED, FollowUpState
from surveys.questions import Answer as Given


class Standing(StrEnum):
    """What someone who opens a link finds."""

    ANSWERABLE = "answerable"
    ANSWERED = "answered"
    CLOSED = "closed"
    ENDED = "ended"


def follow_up_by_token(session: Session, token: str) -> FollowUp | None:
    """The follow-up behind a link; None for any token that is not a live one of ours."""
    return session.scalars(
        select(FollowUp)
        .join(SurveyLink)
        .where(SurveyLink.token_sha256 == tokens.digest(token), SurveyLink.revoked_at.is_(None))
    ).one_or_none()


def local_day(follow_up: FollowUp, at: datetime) -> date:
    """The civil day in the patient's zone."""
    return at.astimezone(ZoneInfo(follow_up.zone)).date()


def standing(follow_up: FollowUp, on: date) -> Standing:
    """Whether the follow-up can be answered on that local day, and if not, why."""
    state = FollowUpState(follow_up.state)
    if state in ANSWERED:
        return Standing.ANSWERED
    if state is FollowUpState.CANCELLED:
        return Standing.ENDED
    if state in ANSWERABLE and on <= follow_up.link_ends_on:
        return Standing.ANSWERABLE
    return Standing.CLOSED


def instrument_of(follow_up: FollowUp) -> Instrument:
    """The version of the questionnaire that this follow-up was planned with."""
    return instrument(follow_up.instrument_code, int(follow_up.instrument_version))


def context_of(follow_up: FollowUp, on: date) -> Context:
    """Who is asked when, in the questionnaire's terms."""
    applies = frozenset(name for name, fits in follow_up.context.items() if fits is True)
    return Context(follow_up.month, follow_up.recall_from, on, applies)


def response_of(session: Session, follow_up: FollowUp) -> Response | None:
    """The response that was begun for this follow-up, if any."""
    return session.scalars(
        select(Response).where(Response.follow_up_id == follow_up.id)
    ).one_or_none()


def answers_of(session: Session, response: Response | None) -> dict[str, Given]:
    """The current answers by question."""
    if response is None:
        return {}
    rows = session.execute(
        select(Answer.question, Answer.value).where(
            Answer.response_id == response.id, known(Answer)
        )
    )
    return {row.question: row.value for row in rows}


def sent_at(session: Session, response: Response | None) -> datetime | None:
    """When the answers were sent; None while they were not."""
    if response is None:
        return None
    return session.scalar(
        select(ResponseStatus.submitted_at).where(
            ResponseStatus.response_id == response.id, known(ResponseStatus)
        )
    )
