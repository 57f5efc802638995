"""What patients choose at the door: a day, an hour, a zone, fewer letters, none, leaving."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from factories import a_patient
from functional.applications import door_app
from functional.door_visitor import Form, Visitor, title
from post import (
    in_protocol_hours,
    letter,
    letters,
    live_until,
    noon,
    plan_of,
    run,
    set_columns,
)
from sqlalchemy import select

from registry import tokens
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import Base, reading
from registry.mail import MemoryMailer
from registry.models import AuditEvent, FollowUp, Instance, MailHold, MailPreference, Withdrawal
from registry.runtime import Runtime

DUE = "2026-01-29"  # a Thursday; month 1's window ends on Wednesday, 11 February


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def visitor(registry: Runtime) -> Visitor:
    app = door_app(registry)
    app.testing = True
    return Visitor(app.test_client())


@pytest.fixture
def invited(registry: Runtime, clock: FixedClock, mailer: MemoryMailer) -> Enrolled:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    return patient


def page_of(registry: Runtime, patient: Enrolled, month: int = 1) -> str:
    """The address of the patient's page of preferences."""
    with reading(registry) as session:
        instance = session.get_one(Instance, 1).instance_id
    follow_up = plan_of(registry, patient.patient_id)[month]
    keys = registry.settings.token_keys
    return f"/p/{tokens.preferences_token(keys, 1, instance, follow_up.id)}"


def choose(visitor: Visitor, address: str, **choice: str) -> str:
    answer = visitor.client.post(address, data=choice)
    assert answer.status_code == 200, answer.text
    return answer.text


def everything(registry: Runtime) -> dict[str, list[tuple[Any, ...]]]:
    with reading(registry) as session:
        return {
            name: [tuple(row) for row in session.execute(select(table))]
            for name, table in Base.metadata.tables.items()
        }


def actions(registry: Runtime) -> list[str]:
    with reading(registry) as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.by == "door"))
        return [row.action for row in rows]


def sent_at(registry: Runtime) -> list[datetime | None]:
    return [one.ended_at for one in letters(registry, kind="reminder", state="sent")]


def test_every_letter_brings_the_link(
    mailer: MemoryMailer, visitor: Visitor, invited: Enrolled
) -> None:
    text = str(mailer.sent[0].message.get_body(("plain",)))
    (link,) = [word for word in text.split() if "/p/" in word]
    page = visitor.client.get(link.removeprefix("http://door.test"))
    assert page.status_code == 200
    assert "When and how often we write to you" in title(page)


def test_looking_changes_nothing(registry: Runtime, visitor: Visitor, invited: Enrolled) -> None:
    address, before = page_of(registry, invited), everything(registry)
    visitor.client.get(address)
    visitor.client.head(address)
    visitor.client.post(address)  # a program that presses buttons without choosing anything
    for do in ("snooze", "reminders", "stop"):
        assert visitor.client.post(address, data={"do": do}).status_code == 422
    assert everything(registry) == before


@pytest.mark.parametrize("token", ["1.1.x", "9.1.x", "x", "1.99999.AAAA", "1.1"])
def test_another_token_opens_nothing(visitor: Visitor, invited: Enrolled, token: str) -> None:
    wrong = visitor.client.get(f"/p/{token}")
    assert wrong.status_code == 404
    assert wrong.text == visitor.client.get("/s/nothing").text


def test_the_link_that_stops_letters_is_not_the_link_to_the_choices(
    registry: Runtime, visitor: Visitor, invited: Enrolled
) -> None:
    address = page_of(registry, invited)
    assert visitor.client.get(address.replace("/p/", "/u/")).status_code == 404


def test_a_reminder_comes_on_the_day_that_was_chosen_and_not_before(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    visitor: Visitor,
    invited: Enrolled,
) -> None:
    registry = in_protocol_hours(registry)
    evening = {"do": "snooze", "day": "2026-02-07", "part": "evening"}
    said = choose(visitor, page_of(registry, invited), **evening)
    assert "We will remind you on Saturday 7 February, in the evening." in said
    clock.move_to(datetime(2026, 1, 30, 9, 0, tzinfo=UTC))
    live_until(registry, clock, mailer, date(2026, 2, 11), hours=1)
    # Saturday evening, in Berlin; both reminders of the rule fell before it
    assert sent_at(registry) == [datetime(2026, 2, 7, 17, 0, tzinfo=UTC)]
    dropped = letters(registry, kind="reminder", state="cancelled")
    assert {one.state_reason for one in dropped} == {"the patient asked for another day"}
    assert [one.number for one in dropped] == [1, 2]
    assert plan_of(registry, invited.patient_id)[1].call_on == date(2026, 2, 9)


def test_a_reminder_that_waits_is_put_off_too(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    visitor: Visitor,
    invited: Enrolled,
) -> None:
    registry = in_protocol_hours(registry)
    clock.move_to(datetime(2026, 2, 2, 5, 0, tzinfo=UTC))  # before the sending hours
    run(registry, mailer)
    assert letter(registry, kind="reminder").state == "queued"
    choose(visitor, page_of(registry, invited), do="snooze", day="2026-02-04", part="morning")
    waiting = letter(registry, kind="reminder")
    assert waiting.state == "cancelled"
    assert waiting.state_reason == "the patient asked for another day"


@pytest.mark.parametrize(
    ("day", "part"),
    [("2026-01-29", "morning"), ("2026-02-12", "morning"), ("", "evening"), ("2026-02-03", "")],
)
def test_no_reminder_outside_the_window_or_without_an_hour(
    registry: Runtime, visitor: Visitor, invited: Enrolled, day: str, part: str
) -> None:
    address, before = page_of(registry, invited), everything(registry)
    answer = visitor.client.post(address, data={"do": "snooze", "day": day, "part": part})
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert everything(registry) == before


def test_letters_come_at_the_chosen_hour_of_the_chosen_zone(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    visitor: Visitor,
    invited: Enrolled,
) -> None:
    registry = in_protocol_hours(registry)
    times = {"do": "times", "hour": "19", "zone": "America/New_York"}
    said = choose(visitor, page_of(registry, invited), **times)
    assert "We have kept your time of the day" in said
    assert 'value="America/New_York" selected' in said
    clock.move_to(noon("2026-01-30"))
    live_until(registry, clock, mailer, date(2026, 2, 11), hours=1)
    # 1 February is a Sunday; 19:00 in New York is midnight UTC
    seven = [datetime(2026, 2, 3, 0, 0, tzinfo=UTC), datetime(2026, 2, 6, 0, 0, tzinfo=UTC)]
    assert sent_at(registry) == seven
    plan = plan_of(registry, invited.patient_id)
    assert {row.zone for row in plan.values()} == {"America/New_York"}


@pytest.mark.parametrize("wrong", [{"hour": "3"}, {"zone": "Moon/Base"}, {"zone": ""}])
def test_an_hour_or_zone_that_there_is_not_is_refused(
    registry: Runtime, visitor: Visitor, invited: Enrolled, wrong: dict[str, str]
) -> None:
    address, before = page_of(registry, invited), everything(registry)
    choice = {"do": "times", "hour": "", "zone": "Europe/Berlin", **wrong}
    assert visitor.client.post(address, data=choice).status_code == 422
    assert everything(registry) == before


def test_fewer_reminders_are_one(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    visitor: Visitor,
    invited: Enrolled,
) -> None:
    choose(visitor, page_of(registry, invited), do="reminders", reminders="fewer")
    live_until(registry, clock, mailer, date(2026, 2, 11))
    sent, dropped = (letters(registry, kind="reminder", state=s) for s in ("sent", "cancelled"))
    assert [one.number for one in sent] == [1]
    assert [(one.number, one.state_reason) for one in dropped] == [
        (2, "the patient asked for fewer reminders")
    ]


def test_stopping_all_letters_asks_for_a_call_and_stays(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    visitor: Visitor,
    invited: Enrolled,
) -> None:
    address = page_of(registry, invited)
    said = choose(visitor, address, do="stop", sure="yes")
    assert "You will get no more e-mails from us" in said
    choose(visitor, address, do="stop", sure="yes")
    live_until(registry, clock, mailer, date(2026, 2, 10))
    assert len(mailer.sent) == 1
    first = plan_of(registry, invited.patient_id)[1]
    assert (first.state, first.call_on) == ("open", date(2026, 1, 29))
    with reading(registry) as session:
        assert len(session.scalars(select(MailHold)).all()) == 1


def test_the_way_to_leave(registry: Runtime, visitor: Visitor, invited: Enrolled) -> None:
    address = page_of(registry, invited)
    going = visitor.client.post(address, data={"do": "leave"})
    with reading(registry) as session:
        assert session.scalars(select(Withdrawal)).all() == []
    page = visitor.page(going)
    visitor.client.post("/s/leave", data=Form(page.text).hidden)
    with reading(registry) as session:
        assert session.scalars(select(Withdrawal)).one().scope == "registry"
    assert "no more questions" in visitor.client.get(address).text


def test_each_choice_is_in_the_trail_once(
    registry: Runtime, visitor: Visitor, invited: Enrolled
) -> None:
    address = page_of(registry, invited)
    for _ in range(2):
        choose(visitor, address, do="times", hour="8", zone="Europe/Paris")
        choose(visitor, address, do="reminders", reminders="fewer")
    choose(visitor, address, do="snooze", day="2026-02-03", part="morning")
    assert actions(registry) == ["preferences.changed", "preferences.changed", "reminder.snoozed"]
    with reading(registry) as session:
        kept = session.scalars(select(MailPreference)).one()
    assert (kept.hour, kept.fewer, kept.changed_by) == (8, True, "door")


def test_there_is_no_day_to_choose_where_nothing_waits(registry: Runtime, visitor: Visitor) -> None:
    patient = a_patient(registry)
    address = page_of(registry, patient)
    assert "Remind me on another day" not in visitor.client.get(address).text
    choice = {"do": "snooze", "day": "2026-01-08", "part": "morning"}
    assert visitor.client.post(address, data=choice).status_code == 422


def test_the_newest_questionnaire_first_and_the_older_below(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    visitor: Visitor,
    invited: Enrolled,
) -> None:
    token = str(mailer.sent[0].message.get_body(("plain",))).split("/s/")[1].split()[0]
    month_1 = (FollowUp.patient_id == invited.patient_id) & (FollowUp.month == 1)
    set_columns(registry, FollowUp, month_1, link_ends_on=date(2026, 5, 1))
    assert "Two questionnaires" not in visitor.client.get(f"/s/{token}").text
    clock.move_to(noon("2026-03-29"))
    run(registry, mailer)
    page = visitor.client.get(f"/s/{token}")
    assert "Two questionnaires wait for you" in title(page)
    assert page.text.index("The newest: month 3") < page.text.index("From before: month 1")
    opened = visitor.client.post(f"/s/{token}", data={"open": "3"})
    assert (opened.status_code, Form(opened.text).hidden["month"]) == (200, "3")
    going = visitor.client.post(f"/s/{token}", data={"month": "3", "respondent": "self"})
    assert going.status_code == 303
    older = visitor.client.post(f"/s/{token}", data={"open": "1"})
    assert Form(older.text).hidden["month"] == "1"
