"""The monthly looks at serious events: taken by a job, drawn on a page, an alert at a crossing."""

import json
from dataclasses import replace
from datetime import date
from typing import Any
from xml.parsers import expat

import pytest
from functional.conftest import SignIn
from functional.figures_visitor import fill
from functional.staff_visitor import Staff, member, text_of
from spec.little import Event, Person
from sqlalchemy import select, update

from registry import audit
from registry.actions import accounts
from registry.actions.protocols import activate
from registry.clock import FixedClock
from registry.datafiles import DataFileError
from registry.db import reading, transaction
from registry.mail import MemoryMailer
from registry.models import AdverseEvent, AuditEvent, SafetyLook, Site
from registry.protocols import Protocol, bundled, from_text
from registry.runtime import Runtime
from registry.statistics.sequential import bounds
from workers.schedule import BY_NAME, run_job

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TREATED = date(2025, 12, 15)
TOLERATED = {
    "basis": "Decided by an invented board.",
    "most_expected": 8,
    "tolerated_per_100_years": 4,
}
PUBLISHED = {
    "basis": "Against an invented trial.",
    "most_expected": 8,
    "published": {"events": 12, "years": 300, "source": "an invented trial"},
}


def protocol(monitoring: dict[str, Any], version: int = 2) -> Protocol:
    """The bundled protocol with monthly looks."""
    content = json.loads(bundled().text) | {"version": version, "monitoring": monitoring}
    return from_text(json.dumps(content))


@pytest.fixture
def watched(registry: Runtime) -> Runtime:
    """40 people treated on 15 December 2025, four of whom had a serious event in January."""
    someone = Person(treated_on=TREATED)
    serious = replace(someone, events=(Event("Pneumonia", 20, serious=True, grade=3),))
    fill(registry, [serious] * 4 + [someone] * 36)
    with transaction(registry) as session:
        activate(session, protocol(TOLERATED), by="test", at=registry.clock.now())
    return registry


def look(runtime: Runtime) -> list[SafetyLook]:
    """Run the job; every look so far."""
    assert run_job(BY_NAME["watch_safety"], runtime, MemoryMailer()) is None
    with reading(runtime) as session:
        return list(session.scalars(select(SafetyLook).order_by(SafetyLook.on)))


def test_a_look_is_taken_once_at_the_end_of_each_month(watched: Runtime, clock: FixedClock) -> None:
    (first,) = look(watched)
    # 40 people for 16 days each, and nobody with an event yet
    assert (first.on, first.days, first.events) == (date(2025, 12, 31), 640, 0)
    assert [one.id for one in look(watched)] == [first.id]
    clock.advance(days=60)
    assert [one.on for one in look(watched)][1:] == [date(2026, 1, 31), date(2026, 2, 28)]


def test_the_boundary_is_that_of_the_looks_as_they_were_taken(
    watched: Runtime, clock: FixedClock
) -> None:
    look(watched)
    clock.advance(days=30)
    december, january = look(watched)
    # four with 20 days to their event, 36 with 47 days
    assert (january.events, january.days) == (4, 4 * 20 + 36 * 47)
    plan = protocol(TOLERATED).monitoring
    assert plan is not None
    found = bounds(plan.plan, [december.days, january.days])
    assert [december.boundary, january.boundary] == [bound.count for bound in found]


@SQLITE
def test_a_correction_changes_the_looks_after_it_and_none_before(
    watched: Runtime, clock: FixedClock
) -> None:
    clock.advance(days=30)
    assert [one.events for one in look(watched)] == [4]
    with transaction(watched) as session:
        session.execute(update(AdverseEvent).values(serious=False))
        audit.record(session, by="test", at=clock.now(), action="test", subject="registry")
    clock.advance(days=28)
    assert [one.events for one in look(watched)] == [4, 0]


def test_a_crossing_is_an_alert_until_its_owner_says_what_was_done(
    watched: Runtime, clock: FixedClock, sign_in: SignIn
) -> None:
    clock.advance(days=30)
    (crossing,) = look(watched)
    assert crossing.is_first_crossing
    owner = sign_in("data_manager", site=None)
    assert "More serious events than are tolerated" in owner.get("/").text
    assert "More serious events than are tolerated" not in sign_in("nurse").get("/").text
    page = text_of(owner.get("/figures/safety").text)
    assert f"Crossed on 31 January 2026: 4 events where {crossing.boundary} are enough" in page
    assert "31 January 2026 4 4.9 0.19" in page
    owner.fill("/figures/safety/alert", {"done": "The board met and went on."})
    assert "The board met and went on." in owner.get("/figures/safety").text
    assert "More serious events" not in owner.get("/").text
    owner.get("/figures/safety/alert", status=404)
    with reading(watched) as session:
        trail = session.scalars(
            select(AuditEvent.action)
            .where(AuditEvent.action.startswith("safety."))
            .order_by(AuditEvent.number)
        ).all()
    assert trail == ["safety.crossed", "safety.closed"]


@SQLITE
def test_one_crossing_is_one_alert(watched: Runtime, clock: FixedClock) -> None:
    clock.advance(days=90)
    look(watched)
    clock.advance(days=60)
    found = look(watched)
    assert [one.is_first_crossing for one in found] == [True] + [False] * (len(found) - 1)
    assert len(found) > 1


@SQLITE
def test_the_page_says_when_nothing_crossed_and_when_nothing_is_monitored(
    registry: Runtime, sign_in: SignIn, clock: FixedClock
) -> None:
    fill(registry, [Person(treated_on=TREATED)] * 30)
    reader = sign_in("data_manager", site=None)
    page = text_of(reader.get("/figures/safety").text)
    assert "The protocol sets no rate of serious events that is tolerated" in page
    assert look(registry) == []
    with transaction(registry) as session:
        activate(session, protocol(PUBLISHED), by="test", at=clock.now())
    assert "No look was taken yet" in reader.get("/figures/safety").text
    look(registry)
    page = text_of(reader.get("/figures/safety").text)
    assert "Not crossed. By 31 December 2025: 0 with 0.1 expected" in page
    assert "against the published 12 in 300.0 person-years (an invented trial)" in page
    drawing = reader.get("/figures/safety/monthly-looks.svg")
    assert expat.ParserCreate().Parse(drawing.text.encode(), True) == 1


@SQLITE
def test_looks_are_not_released(watched: Runtime, sign_in: SignIn) -> None:
    look(watched)
    analyst = sign_in("analyst", site=None)
    page = text_of(analyst.get("/figures/safety").text)
    assert "The looks are not released" in page
    assert "Crosses at" not in page
    analyst.get("/figures/safety/monthly-looks.svg", status=404)
    analyst.get("/figures/safety/alert", status=403)


@SQLITE
def test_another_plan_begins_anew_with_what_is_known(watched: Runtime, clock: FixedClock) -> None:
    clock.advance(days=30)
    look(watched)
    with transaction(watched) as session:
        other = protocol(TOLERATED | {"tolerated_per_100_years": 50}, version=3)
        activate(session, other, by="test", at=clock.now())
    assert sorted((one.on, one.events) for one in look(watched)) == [(date(2026, 1, 31), 4)] * 2


@SQLITE
def test_a_crossing_outlives_its_plan_until_somebody_closes_it(
    watched: Runtime, clock: FixedClock, sign_in: SignIn
) -> None:
    clock.advance(days=30)
    (crossing,) = look(watched)
    owner = sign_in("data_manager", site=None)
    told = f"crossed on 31 January 2026, 4 events where {crossing.boundary} are enough"
    without = json.loads(bundled().text) | {"version": 3}
    other = protocol(TOLERATED | {"tolerated_per_100_years": 50}, version=4)
    for content in (from_text(json.dumps(without)), other):
        with transaction(watched) as session:
            activate(session, content, by="test", at=clock.now())
        assert "More serious events than are tolerated" in owner.get("/").text
        assert told in text_of(owner.get("/figures/safety").text)
    assert len(look(watched)) == 2
    assert "The looks began anew on 4 February 2026" in owner.get("/figures/safety").text
    owner.fill("/figures/safety/alert", {"done": "The board met."})
    assert f"{told}. Closed" in text_of(owner.get("/figures/safety").text)
    assert "More serious events" not in owner.get("/").text


@SQLITE
def test_the_alert_counts_all_sites_and_is_for_who_has_all_sites(
    watched: Runtime, clock: FixedClock, sign_in: SignIn
) -> None:
    clock.advance(days=30)
    look(watched)
    bound = sign_in("data_manager")
    assert "More serious events" not in bound.get("/").text
    bound.get("/figures/safety/alert", status=403)
    page = bound.get("/figures/safety")
    assert "are for those who have all sites" in page.text
    assert "#looks" not in page.text
    # exact figures of all sites as a nurse, the records of one as a data manager
    both = member(watched, "nurse", site=None)
    with transaction(watched) as session:
        site_id = session.scalars(select(Site.id).where(Site.code == "A")).one()
        grants = [("nurse", None), ("data_manager", site_id)]
        accounts.set_roles(session, both.id, grants, by="test", at=clock.now())
    reader = Staff(bound.client.application).sign_in(both)
    assert "Crossed on 31 January 2026" in reader.get("/figures/safety").text
    assert "/figures/safety/alert" not in reader.get("/figures/safety").text


@SQLITE
def test_what_was_typed_stays_if_a_colleague_closed_the_alert_first(
    watched: Runtime, clock: FixedClock, sign_in: SignIn
) -> None:
    clock.advance(days=30)
    look(watched)
    late = sign_in("data_manager", site=None)
    form = late.get("/figures/safety/alert")
    sign_in("data_manager", site=None).fill("/figures/safety/alert", {"done": "Told the board."})
    refused = late.send(form, {"done": "The board met and went on."}, status=404)
    assert "No alert about serious events is open." in text_of(refused.text)
    assert "The board met and went on." in refused.text


@pytest.mark.parametrize(
    "faulty",
    [
        {"basis": "x", "most_expected": 8},
        TOLERATED | {"published": PUBLISHED["published"]},
        TOLERATED | {"alpha": 0.9},
        TOLERATED | {"tolerated": 4},
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_with_its_place(faulty: dict[str, Any]) -> None:
    with pytest.raises(DataFileError, match="monitoring"):
        protocol(faulty)
