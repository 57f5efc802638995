"""What the patient door and the staff's questionnaire pages read of one follow-up."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry import tokens
from registry.models import Answer, FollowUp, Response, ResponseStatus, Site, SurveyLink, known
from surveys.answers import Context
from surveys.instruments import Instrument, instrument
from surveys.lifecycle import ANSWERABLE, ANSWERED, FollowUpState
from surveys.questions import Answer as Given

# built once: these run with every page, and building them costs more than running them
BEGUN = (
    select(FollowUp, Site, Response, ResponseStatus.submitted_at)
    .join(Site, Site.id == FollowUp.site_id)
    .outerjoin(Response, Response.follow_up_id == FollowUp.id)
    .outerjoin(ResponseStatus, (ResponseStatus.response_id == Response.id) & known(ResponseStatus))
    .where(FollowUp.id == bindparam("follow_up_id"))
)
ANSWERS = select(Answer.question, Answer.value).where(
    Answer.response_id == bindparam("response_id"), known(Answer)
)
RESPONSE = select(Response).where(Response.follow_up_id == bindparam("follow_up_id"))
HOLD = select(FollowUp.id).where(FollowUp.id == bindparam("follow_up_id")).with_for_update()


class Standing(StrEnum):
    """What someone who opens a link finds."""

    ANSWERABLE = "answerable"
    ANSWERED = "answered"
    CLOSED = "closed"
    ENDED = "ended"


def follow_up_by_token(session: Session, token: str) -> int | None:
    """The id of the follow-up behind a link; None for any token that is not a live one of ours."""
    return session.scalars(
        select(SurveyLink.follow_up_id).where(
            SurveyLink.token_sha256 == tokens.digest(token), SurveyLink.revoked_at.is_(None)
        )
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Begun:
    """A follow-up with its clinic, and the response with its answers as far as there is one."""

    follow_up: FollowUp
    site: Site
    response: Response | None
    sent_at: datetime | None
    answers: dict[str, Given]


def begun(session: Session, follow_up_id: int) -> Begun | None:
    """All that the pages of a follow-up need, in two statements; None: there is no such one."""
    row = session.execute(BEGUN, {"follow_up_id": follow_up_id}).one_or_none()
    if row is None:
        return None
    follow_up, site, response, sent_at = row
    return Begun(follow_up, site, response, sent_at, answers_of(session, response))


def hold(session: Session, follow_up_id: int) -> None:
    """Let others who save wait until the end of the transaction, where answers are read first and
    saved as a whole later: without it PostgreSQL would lose what was saved in between.
    """
    session.execute(HOLD, {"follow_up_id": follow_up_id})


def local_day(follow_up: FollowUp, at: datetime) -> date:
    """The civil day in the patient's zone."""
    return at.astimezone(ZoneInfo(follow_up.zone)).date()


def standing(follow_up: FollowUp, on: date, *, by_clinic: bool = False) -> Standing:
    """Whether the follow-up can be answered on that local day, and if not, why.

    The end of the link binds whoever comes by the link; the clinic (`by_clinic`) enters a form on
    paper or a call whenever it comes, and such answers are kept and flagged as late.
    """
    state = FollowUpState(follow_up.state)
    if state in ANSWERED:
        return Standing.ANSWERED
    if state is FollowUpState.CANCELLED:
        return Standing.ENDED
    if state in ANSWERABLE and (by_clinic or on <= follow_up.link_ends_on):
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
    return session.scalars(RESPONSE, {"follow_up_id": follow_up.id}).one_or_none()


def answers_of(session: Session, response: Response | None) -> dict[str, Given]:
    """The current answers by question."""
    if response is None:
        return {}
    rows = session.execute(ANSWERS, {"response_id": response.id})
    return {row.question: row.value for row in rows}


def status_of(session: Session, response: Response) -> ResponseStatus | None:
    """How far the response is, now."""
    return session.scalars(
        select(ResponseStatus).where(
            ResponseStatus.response_id == response.id, known(ResponseStatus)
        )
    ).one_or_none()
