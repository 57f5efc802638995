"""Patients and staff: what they do to the registry, through its own actions, one commit each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions import corrections, endings, enrolment, preferences, responses
from registry.actions.facts import ConsentGiven, Enrolment
from registry.db import transaction
from registry.errors import DomainError
from registry.models import FollowUp
from registry.queries import protocols
from registry.queries.identities import Person
from registry.runtime import Runtime
from simulation.hub import Hub
from simulation.ledger import Committed, Fact, Ledger
from simulation.zones import ZONES

BY = "somebody"


@dataclass
class Somebody:
    """A patient of the simulation. `month`: the follow-up that is looked at."""

    name: str
    month: int
    treated_on: date
    zone: str
    address: str
    id: int | None = None
    deeds: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """What a deed needs."""

    hub: Hub
    ledger: Ledger
    runtime: Runtime

    def came_true(self, everybody: dict[str, Somebody], count: int) -> None:
        """What was pending was committed."""
        pending, self.ledger.pending = self.ledger.pending, []
        for fact in pending:
            self.ledger.facts.append(Committed(count, self.hub.now, fact))
            who = everybody[fact.patient]
            who.id = fact.patient_id or who.id
            who.treated_on = fact.treated_on or who.treated_on
            who.address = fact.address or who.address


def do(world: World, who: Somebody, deed: str) -> None:
    """One deed: the fact stands in the ledger when, and only when, it was committed."""
    if who.id is None and deed != "enrol":
        return
    world.hub.step("a form that was sent")
    try:
        with transaction(world.runtime) as session:
            at = world.runtime.clock.now()
            world.ledger.pending = []
            DEEDS[deed](world, session, who)
        world.hub.tell(f"{who.name}: {deed}")
    except DomainError as refused:
        world.hub.tell(f"{who.name}: {deed} refused at {at:%H:%M}, {type(refused).__name__}")
    finally:
        world.ledger.pending = []


def _say(world: World, kind: str, who: Somebody, **known: Any) -> None:
    world.ledger.pending.append(Fact(kind, who.name, **known))


def _enrol(world: World, session: Session, who: Somebody) -> None:
    vault = world.runtime.vault
    assert vault is not None
    wanted = Enrolment(
        site_id=1 + ZONES.index(who.zone),
        treated_on=who.treated_on,
        person=Person(name="Tess Invented", email=who.address),
        sex="female",
        age=40,
        zone=who.zone,
        consent=ConsentGiven(version="1", given_on=who.treated_on),
    )
    at = world.runtime.clock.now()
    done = enrolment.enrol(session, wanted, vault=vault, by=BY, at=at)
    _say(
        world,
        "enrolled",
        who,
        patient_id=done.patient_id,
        treated_on=who.treated_on,
        address=who.address,
    )


def _follow_up(session: Session, who: Somebody) -> FollowUp:
    return session.scalars(
        select(FollowUp).where(FollowUp.patient_id == who.id, FollowUp.month == who.month)
    ).one()


def _answer(world: World, session: Session, who: Somebody) -> None:
    follow_up, at = _follow_up(session, who), world.runtime.clock.now()
    protocol = protocols.in_force(session).protocol
    entry, answers = responses.Entry(), {"fatigue": 3}
    responses.save(session, follow_up.id, answers, protocol, entry, by=BY, at=at)
    if responses.submit(session, follow_up.id, protocol, by=BY, at=at):
        _say(world, "answered", who, month=who.month)


def _unsubscribe(world: World, session: Session, who: Somebody) -> None:
    preferences.stop_mail(session, _follow_up(session, who).id, by=BY, at=world.runtime.clock.now())
    _say(world, "unsubscribed", who)


def _leave(world: World, session: Session, who: Somebody) -> None:
    preferences.leave(
        session, _follow_up(session, who).id, None, by=BY, at=world.runtime.clock.now()
    )
    _say(world, "left", who)


def _withdraw(world: World, session: Session, who: Somebody) -> None:
    at = world.runtime.clock.now()
    assert who.id is not None
    endings.withdraw(session, who.id, at.date(), scope="contact", by=BY, at=at)
    _say(world, "left", who)


def _die(world: World, session: Session, who: Somebody) -> None:
    at = world.runtime.clock.now()
    assert who.id is not None
    endings.record_death(session, who.id, at.date(), by=BY, at=at)
    _say(world, "died", who)


def _correct(world: World, session: Session, who: Somebody) -> None:
    at, dice = world.runtime.clock.now(), world.hub.dice
    assert who.id is not None
    treated_on = who.treated_on + timedelta(days=dice.choice([-25, -9, -2, -1, 1, 2, 6, 12, 40]))
    corrections.correct_treatment_date(
        session, who.id, treated_on, reason="the letter says so", by=BY, at=at
    )
    _say(world, "corrected", who, treated_on=treated_on)


def _move(world: World, session: Session, who: Somebody) -> None:
    vault, at = world.runtime.vault, world.runtime.clock.now()
    assert vault is not None
    assert who.id is not None
    address = f"moved{world.hub.count}@example.org"
    person = Person(name="Tess Invented", email=address)
    corrections.change_identity(session, who.id, person, vault=vault, reason="moved", by=BY, at=at)
    _say(world, "moved", who, address=address)


def _ask(world: World, session: Session, who: Somebody) -> None:
    at = world.runtime.clock.now()
    preferences.ask_for_link(session, _follow_up(session, who).id, by=BY, at=at)


DEEDS: dict[str, Callable[[World, Session, Somebody], None]] = {
    "enrol": _enrol,
    "answer": _answer,
    "unsubscribe": _unsubscribe,
    "leave": _leave,
    "withdraw": _withdraw,
    "die": _die,
    "correct": _correct,
    "move": _move,
    "ask": _ask,
}
