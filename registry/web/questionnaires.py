"""A questionnaire by telephone, on paper or on the clinic's tablet: the patient's own questions,
a section a page; kept at every step, sent once, corrected later with a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import EXCLUDE, Schema, fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import http
from registry.actions import responses
from registry.actions.responses import Entry
from registry.db import reading
from registry.errors import DomainError, Invalid, NotFound
from registry.models import FollowUp, Response, Site
from registry.protocols import Protocol
from registry.queries import protocols, surveys
from registry.survey_words import SurveyWords
from registry.web.forms import MEANWHILE, Box, FormPage, Meanwhile, mark_of
from surveys.answers import Answers, Context, applicable, urgent
from surveys.checking import Problem, check
from surveys.instruments import Instrument
from surveys.questions import Question

questionnaires = Blueprint("questionnaires", __name__)
MODES = (
    ("phone", "By telephone"),
    ("paper", "On paper"),
    ("tablet", "On the clinic's tablet, by the patient"),
)
RESPONDENTS = (("self", "The patient"), ("parent", "A parent"), ("carer", "A carer"))


class BeginSchema(Schema):
    """How a questionnaire came."""

    mode = fields.String(required=True, validate=validate.OneOf([code for code, _ in MODES]))
    respondent = fields.String(
        required=True, validate=validate.OneOf([code for code, _ in RESPONDENTS])
    )


class SendSchema(Schema):
    """The day on a paper form; empty: today."""

    answered_on = fields.Date()


class ReasonSchema(Schema):
    """Why an answer is corrected."""

    reason = fields.String(required=True, validate=validate.Length(3, 500))


class Wrong(Exception):
    """Answers that cannot be used: nothing of the page is kept, and the page is shown again."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = problems


@dataclass(frozen=True)
class Paper:
    """One patient's questionnaire of one month, as staff enter it."""

    follow_up: FollowUp
    protocol: Protocol
    words: SurveyWords
    instrument: Instrument
    context: Context
    answers: Answers
    response: Response | None

    @property
    def sections(self) -> list[str]:
        """The sections that this patient gets, in order."""
        asked = set(applicable(self.instrument, self.context, self.answers))
        return [s.code for s in self.instrument.sections if asked & set(s.questions)]

    def questions(self, section: str, answers: Answers | None = None) -> list[Question]:
        """The questions of one section that apply."""
        known = self.answers if answers is None else answers
        inside = next((s for s in self.instrument.sections if s.code == section), None)
        own = set(inside.questions) if inside else set()
        return [q for q in applicable(self.instrument, self.context, known) if q in own]

    def seen(self, section: str) -> str:
        """A mark of the answers of one section as they stand in the record."""
        own = {q.code: self.answers.get(q.code) for q in self.questions(section)}
        return mark_of(own)

    def address(self, endpoint: str, **more: Any) -> str:
        """An address of this questionnaire; how it came travels along until it is kept."""
        where: dict[str, Any] = {
            "number": http.patient().study_number,
            "month": self.follow_up.month,
        }
        return url_for(f"questionnaires.{endpoint}", **(where | came() | more))


def came() -> dict[str, str]:
    """How the questionnaire came and who answers, as far as this page was told."""
    told = http.kept() or request.values
    return {key: told[key] for key in ("mode", "respondent") if key in told}


def _paper(session: Session, month: int, *, hold: bool = False) -> Paper:
    """`hold`: nobody else saves between the reading of the answers and the end."""
    wanted = select(FollowUp).where(
        FollowUp.patient_id == http.patient().id, FollowUp.month == month
    )
    follow_up = session.scalars(wanted.with_for_update() if hold else wanted).one_or_none()
    if follow_up is None:
        raise NotFound(f"This patient has no month {month} questionnaire.")
    protocol = protocols.in_force(session).protocol
    on = surveys.local_day(follow_up, http.at())
    site = session.get_one(Site, follow_up.site_id)
    response = surveys.response_of(session, follow_up)
    return Paper(
        follow_up,
        protocol,
        SurveyWords(follow_up, site, protocol.emergency, on),
        surveys.instrument_of(follow_up),
        surveys.context_of(follow_up, on),
        surveys.answers_of(session, response),
        response,
    )


@questionnaires.route("/patients/<path:number>/questionnaires/<int:month>", methods=["GET", "POST"])
def begin(number: str, month: int) -> ResponseReturnValue:
    """How the questionnaire came; one that was begun goes on where it stopped."""

    def act(session: Session, data: dict[str, Any]) -> str:
        if month == 0:
            responses.open_enrolment_questionnaire(
                session, http.patient().id, by=http.by(), at=http.at()
            )
        paper = _paper(session, month)
        return paper.address("section", code=paper.sections[0], **data)

    return FormPage(
        title=f"Enter the {_name(month)} questionnaire",
        lead="Read each question as it stands. Answers are kept page by page.",
        boxes=(
            Box("mode", "How do the answers come?", "choice", options=MODES),
            Box("respondent", "Who answers?", "choice", options=RESPONDENTS),
        ),
        schema=BeginSchema(),
        act=act,
        button="Start",
        back=("Back to the patient", url_for("patients.show", number=number)),
        given={"respondent": "self"},
    ).respond()


@questionnaires.route(
    "/patients/<path:number>/questionnaires/<int:month>/<code>", methods=["GET", "POST"]
)
def section(number: str, month: int, code: str) -> ResponseReturnValue:
    """The questions of one section."""
    if request.method == "POST":
        try:
            return http.carry_out(lambda session: _keep(session, month, code))
        except Wrong as wrong:
            return _show(month, code, request.form.to_dict(flat=False), wrong.problems), 422
    return _show(month, code, _kept())


def _kept() -> dict[str, list[str]] | None:
    kept = http.kept()
    return None if kept is None else kept.to_dict(flat=False)


def _keep(session: Session, month: int, code: str) -> str:
    paper = _paper(session, month, hold=True)
    asked = paper.questions(code)
    answers = _checked(paper, asked)
    entry = _entry()
    who: Any = {"by_clinic": True, "by": http.by(), "at": http.at()}
    responses.save(session, paper.follow_up.id, answers, paper.protocol, entry, **who)
    severe = {"after": code} if urgent(asked, answers) else {}
    opened = [q for q in paper.questions(code, answers) if q.required and q.code not in answers]
    if opened:
        return paper.address("section", code=code, **severe)
    return _onward(_paper(session, month), code, severe)


def _entry() -> Entry:
    """How the answers come: it travels along in the addresses."""
    came = {"mode": "phone", "respondent": "self"} | request.values.to_dict()
    schema = BeginSchema(unknown=EXCLUDE)
    if schema.validate(came):
        raise Invalid("How the answers come is not known. Begin again from the patient's page.")
    return Entry(**schema.load(came))


def _onward(paper: Paper, code: str, severe: Mapping[str, str]) -> str:
    order = paper.sections
    following = order[order.index(code) + 1 :] if code in order else order
    if following:
        return paper.address("section", code=following[0], **severe)
    return paper.address("review", **severe)


def _checked(paper: Paper, asked: Sequence[Question]) -> Answers:
    form = request.form.to_dict(flat=False)
    language = paper.follow_up.language
    checked = check(paper.instrument, paper.context, asked, paper.answers, form, language)
    if checked.problems:
        raise Wrong(checked.problems)
    return checked.answers


def _show(
    month: int,
    code: str,
    form: Mapping[str, Sequence[str]] | None = None,
    problems: Sequence[Problem] = (),
    **more: Any,
) -> str:
    with reading(http.runtime()) as session:
        paper = _paper(session, month)
    asked = paper.questions(code)
    if not asked:
        raise NotFound("This questionnaire has no such section for this patient.")
    errors: dict[str, Any] = {}
    for problem in problems:
        name, _, part = problem.field.partition("-")
        errors[name] = {part: [problem.text]} if part else [problem.text]
    order = paper.sections
    return render_template(
        "questionnaires/section.html",
        paper=paper,
        words=paper.words,
        code=code,
        asked=asked,
        form=form,
        errors=errors,
        part=order.index(code) + 1,
        parts=len(order),
        title=f"{_name(month)[:1].upper()}{_name(month)[1:]} questionnaire",
        advice=_advice(paper),
        reason=None,
        came=came(),
        seen=_seen(paper, code),
        **more,
    )


def _advice(paper: Paper) -> tuple[str, ...]:
    """Urgent advice for the section that was just kept: to be read out now."""
    after = request.args.get("after", "")
    return urgent(paper.questions(after), paper.answers) if after else ()


@questionnaires.route(
    "/patients/<path:number>/questionnaires/<int:month>/review", methods=["GET", "POST"]
)
def review(number: str, month: int) -> ResponseReturnValue:
    """All answers; sending them closes the follow-up."""

    def act(session: Session, data: dict[str, Any]) -> str:
        paper = _paper(session, month)
        day: date | None = data.get("answered_on")
        responses.refuse_unless_answerable(paper.follow_up, http.at(), by_clinic=True)
        who: Any = {"by_clinic": True, "by": http.by(), "at": http.at()}
        responses.submit(session, paper.follow_up.id, paper.protocol, day, **who)
        return url_for("patients.show", number=number)

    with reading(http.runtime()) as session:
        paper = _paper(session, month)
    if request.method != "POST":  # the button pressed twice is answered as it was the first time
        responses.refuse_unless_answerable(paper.follow_up, http.at(), by_clinic=True)
    return FormPage(
        title="Check the answers",
        boxes=(Box("answered_on", "Day on the paper form", "date", "Empty: today", optional=True),),
        schema=SendSchema(),
        act=act,
        button="Send the answers",
        back=("Back to the patient", url_for("patients.show", number=number)),
        template="questionnaires/review.html",
        more={"paper": paper, "words": paper.words, "advice": _advice(paper)},
    ).respond()


@questionnaires.route(
    "/patients/<path:number>/questionnaires/<int:month>/correct/<code>", methods=["GET", "POST"]
)
def correct(number: str, month: int, code: str) -> ResponseReturnValue:
    """Correct sent answers of one section, with the reason; the old ones stay in the record."""
    if request.method != "POST":
        return _show(month, code, _kept(), is_correction=True)
    form = request.form.to_dict(flat=False)
    try:
        return http.carry_out(lambda session: _correct(session, month, code))
    except Wrong as wrong:
        return _show(month, code, form, wrong.problems, is_correction=True), 422
    except DomainError as wrong:
        told = (Problem("reason", "reason", str(wrong)),)
        return _show(month, code, form, told, is_correction=True), wrong.status


def _correct(session: Session, month: int, code: str) -> str:
    paper = _paper(session, month, hold=True)
    if _seen(paper, code) != paper.seen(code):
        raise Meanwhile(MEANWHILE)
    reason = request.form.get("reason", "").strip()
    if ReasonSchema().validate({"reason": reason}):
        raise Wrong((Problem("reason", "reason", "Say in 3 to 500 letters why it is corrected"),))
    answers = _checked(paper, paper.questions(code))
    responses.correct_answer(
        session, paper.follow_up.id, answers, paper.protocol, reason, by=http.by(), at=http.at()
    )
    return url_for("patients.show", number=http.patient().study_number)


def _seen(paper: Paper, code: str) -> str:
    """Which answers stood in the boxes when the page was opened."""
    return (http.kept() or request.form).get("seen") or paper.seen(code)


def _name(month: int) -> str:
    return "enrolment" if month == 0 else f"month {month}"
