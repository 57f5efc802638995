"""What the clinics do: telephone calls, answers by telephone and on the tablet, deaths, leaving."""

from datetime import date, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import calls, endings, responses
from registry.actions.responses import Entry
from registry.db import transaction
from registry.demo import patients, triage
from registry.demo.replies import Reply
from registry.demo.truth import MONTHS, Note
from registry.demo.world import Someone, World
from registry.models import FollowUp
from registry.protocols import Protocol
from registry.queries import protocols, surveys
from surveys.answers import applicable
from surveys.checking import check
from surveys.questions import Answer

CALL_AFTER = {1: 11, 3: 19, 6: 19, 12: 19, 24: 19}
"""Days after the due day on which the clinic calls those who are silent."""

CALL_CODES = {
    "refused": "refused",
    "other": "other",
    "no_contact": "no_contact",
    "wrong_number": "undeliverable",
}
NOTES = {
    "other": "A relative answered: cannot answer questions at present.",
    "wrong_number": "Nobody of that name at this number.",
}


def expect(world: World, one: Someone) -> None:
    """Plan what the clinic will do about somebody who was just enrolled."""
    for month in MONTHS:
        day = one.due_on(month) + timedelta(days=CALL_AFTER[month])
        world.on_working_day(day, partial(call, world, one, month))
    if one.fate.dies_on is not None:
        day = one.fate.dies_on + timedelta(days=one.fate.death_known_after)
        world.on_working_day(day, partial(learn_of_death, world, one))
    how, month = one.fate.leaves or ("", 0)
    if how in ("staff", "contact"):
        day = one.due_on(month) + timedelta(days=3)
        world.on_working_day(day, partial(take_leave, world, one, how))


def call(world: World, one: Someone, month: int, on: date) -> None:
    """Call somebody who has not answered."""
    consented = one.truth.consented_on is not None
    if not consented or one.has_sent(month) or one.has_left() or not one.open_to_contact:
        return
    if not one.is_alive(on):
        learn_of_death(world, one, on)
        return
    outcome = one.fate.waves[month].call
    if outcome == "promises" and one.letters[month]:
        wait = one.fate.waves[month].wait
        patients.plan(world, one, month, on + timedelta(days=wait), "answers")
    elif outcome in ("promises", "answers"):
        enter(world, one, month, on, "phone")
    else:
        _note_call(world, one, month, on, outcome)


def _note_call(world: World, one: Someone, month: int, on: date, outcome: str) -> None:
    code, note = CALL_CODES[outcome], NOTES.get(outcome)
    with transaction(world.runtime) as session:
        follow_up = _follow_up(session, one, month)
        by, at = world.staff["nurse"], world.clock.now()
        calls.record_call(session, follow_up, code, on, note, by=by, at=at)
    one.truth.notes.append(Note(month, code, on))


def enter(world: World, one: Someone, month: int, on: date, mode: str) -> None:
    """Enter what somebody says by telephone, or put in on the clinic's tablet."""
    given = one.reply_to(month, on, world.seed)
    by, at = world.staff["nurse"], world.clock.now()
    with transaction(world.runtime) as session:
        protocol = protocols.in_force(session).protocol
        if month == 0:
            kept = responses.open_enrolment_questionnaire(session, one.patient_id, by=by, at=at)
        else:
            kept = _follow_up(session, one, month)
        answered_on = on if month else one.fate.treated_on
        _keep(session, kept, given, protocol, answered_on, Entry(mode), world)
    if month:
        one.keep_sent(month, on)
        triage.expect(world, one, month, on)


def _keep(
    session: Session,
    follow_up: FollowUp,
    given: Reply,
    protocol: Protocol,
    on: date,
    entry: Entry,
    world: World,
) -> None:
    by, at = world.staff["nurse"], world.clock.now()
    answers = _typed(follow_up, given, on)
    responses.save(session, follow_up.id, answers, protocol, entry, by=by, at=at)
    responses.submit(session, follow_up.id, protocol, on, by=by, at=at)


def _typed(follow_up: FollowUp, given: Reply, on: date) -> dict[str, Answer]:
    """The answers as the questionnaire reads them from a form, branch by branch."""
    instrument, context = surveys.instrument_of(follow_up), surveys.context_of(follow_up, on)
    form = _form(given)
    answers: dict[str, Answer] = {}
    while True:
        asked = applicable(instrument, context, answers)
        checked = check(instrument, context, asked, {}, form)
        if len(applicable(instrument, context, checked.answers)) == len(asked):
            if checked.problems:
                raise ValueError(f"the telephone form refuses: {checked.problems[0].text}")
            return checked.answers
        answers = checked.answers


def _form(given: Reply) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for code, value in given.values.items():
        if isinstance(value, str) and code.startswith("problem_when"):
            year, month, *day = value.split("-")
            form |= {f"{code}-day": day, f"{code}-month": [month], f"{code}-year": [year]}
        elif value is None:
            form[code] = ["prefer_not_to_say"]
        else:
            form[code] = [value] if isinstance(value, str) else value
    return form


def _follow_up(session: Session, one: Someone, month: int) -> FollowUp:
    return session.scalars(
        select(FollowUp).where(FollowUp.patient_id == one.patient_id, FollowUp.month == month)
    ).one()


def learn_of_death(world: World, one: Someone, on: date) -> None:
    """The clinic hears of a death and records it."""
    died_on = one.fate.dies_on
    if died_on is None or one.truth.died_on is not None:
        return
    with transaction(world.runtime) as session:
        by, at = world.staff["clinician"], world.clock.now()
        endings.record_death(session, one.patient_id, died_on, by=by, at=at)
    one.truth.died_on, one.open_to_contact = died_on, False


def take_leave(world: World, one: Someone, how: str, on: date) -> None:
    """Somebody tells the clinic that they leave, or want no more contact."""
    if not one.is_alive(on) or one.has_left() or not one.open_to_contact:
        return
    scope = "registry" if how == "staff" else "contact"
    with transaction(world.runtime) as session:
        by, at = world.staff["nurse"], world.clock.now()
        endings.record_withdrawal(session, one.patient_id, on, scope=scope, by=by, at=at)
    one.open_to_contact = False
    if scope == "registry":
        one.truth.left_on = on
