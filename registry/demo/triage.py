"""What the clinics make of health problems that patients told: confirmed, known already, none."""

from datetime import date, timedelta
from functools import partial
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import alerts, events
from registry.actions.events import Happened
from registry.db import transaction
from registry.demo.fates import Falling
from registry.demo.truth import Event, Told
from registry.demo.world import Someone, World
from registry.models import AdverseEvent, Alert, ReportedEvent, Response, known

VERDICTS = {"confirmed": 60, "rejected": 12, "waiting": 28}
NO_EVENT = "This was there before the treatment and has not changed."
SEEN = "Called back and talked about it."


def as_event(fall: Falling) -> Event:
    """A health problem as the clinic records it."""
    return Event(
        term=fall.illness.recorded,
        on=fall.on,
        grade=fall.grade,
        serious=fall.serious,
        related=fall.related,
        groups=fall.illness.groups,
    )


def expect(world: World, one: Someone, month: int, on: date) -> None:
    """Plan what the clinic does after answers: look at what they tell."""
    given = one.replies[month]
    told = [told for told in one.truth.told if told.month == month]
    for fall, report in zip(given.problems, told, strict=True):
        random = Random(f"{world.seed}/{one.fate.number}/{month}/{report.number}")
        verdict = random.choices(list(VERDICTS), list(VERDICTS.values()))[0]
        # what the clinic knows of itself comes with its next file first
        wait = 35 if fall.known else random.randrange(1, 12)
        if verdict != "waiting":
            act = partial(judge, world, one, fall, report, verdict)
            world.on_working_day(on + timedelta(days=wait), act)
    world.on_working_day(on + timedelta(days=3), partial(close_alerts, world, one))


def judge(world: World, one: Someone, fall: Falling, told: Told, verdict: str, _on: date) -> None:
    """Judge one report."""
    by, at = world.staff["clinician"], world.clock.now()
    event = as_event(fall)
    with transaction(world.runtime) as session:
        report = _report(session, one, told)
        if verdict == "rejected":
            events.reject_reported(session, report, reason=NO_EVENT, by=by, at=at)
        elif event in one.truth.events:
            mine = _event(session, one, event)
            events.link_reported(session, report, mine, by=by, at=at)
        else:
            events.confirm_reported(session, report, _happened(fall), by=by, at=at)
            one.truth.events.append(event)
    told.state = verdict


def _happened(fall: Falling) -> Happened:
    because = {"hospital": fall.stayed, "life_threatening": fall.severity == "life_threatening"}
    return Happened(
        term=fall.illness.recorded,
        onset_on=fall.on,
        grade=fall.grade,
        serious=fall.serious,
        serious_because=tuple(reason for reason, holds in because.items() if holds),
        related=fall.related,
    )


def _report(session: Session, one: Someone, told: Told) -> ReportedEvent:
    rows = session.scalars(
        select(ReportedEvent)
        .join(Response, Response.id == ReportedEvent.response_id)
        .where(
            ReportedEvent.patient_id == one.patient_id,
            Response.month == told.month,
            known(ReportedEvent),
        )
        .order_by(ReportedEvent.fact_key)
    ).all()
    return rows[told.number - 1]


def _event(session: Session, one: Someone, event: Event) -> AdverseEvent:
    return session.scalars(
        select(AdverseEvent).where(
            AdverseEvent.patient_id == one.patient_id,
            AdverseEvent.term == event.term,
            AdverseEvent.onset_on == event.on,
            known(AdverseEvent),
        )
    ).one()


def close_alerts(world: World, one: Someone, _on: date) -> None:
    """Call back about severe answers."""
    by, at = world.staff["nurse"], world.clock.now()
    with transaction(world.runtime) as session:
        open_ = select(Alert).where(Alert.patient_id == one.patient_id, Alert.closed_at.is_(None))
        for alert in session.scalars(open_):
            alerts.close(session, alert, SEEN, by=by, at=at)
