"""Staff set a clinic's holidays, and what a patient said about letters."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from factories import a_patient, a_person, a_site
from functional.staff_visitor import Staff, text_of
from post import in_protocol_hours, letter, noon, plan_of, run
from sqlalchemy import select

from registry.clock import FixedClock
from registry.db import reading
from registry.mail import MemoryMailer
from registry.models import MailHold, MailPreference, SiteHoliday
from registry.runtime import Runtime

SignIn = Callable[..., Staff]
DUE = "2026-01-29"  # a Thursday


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def holidays(registry: Runtime) -> dict[date, str]:
    with reading(registry) as session:
        return {row.on: row.name for row in session.scalars(select(SiteHoliday))}


def test_no_letter_goes_out_on_a_holiday_of_the_site(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, sign_in: SignIn
) -> None:
    address = f"/sites/{a_site(registry).id}"
    days = "2026-01-29 Founders' Day\n\n2026-01-30"
    sign_in("administrator", site=None).fill(address, {"holidays": days})
    assert holidays(registry) == {date(2026, 1, 29): "Founders' Day", date(2026, 1, 30): ""}
    a_patient(registry)
    clock.move_to(noon(DUE))
    registry = in_protocol_hours(registry)
    run(registry, mailer)
    monday = datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
    assert (letter(registry).next_attempt_at, mailer.sent) == (monday, [])
    clock.move_to(monday)
    run(registry, mailer)
    assert len(mailer.sent) == 1


def test_a_holiday_that_is_added_late_holds_letters_that_wait(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, sign_in: SignIn
) -> None:
    a_patient(registry)
    registry = in_protocol_hours(registry)
    clock.move_to(datetime(2026, 1, 29, 5, 0, tzinfo=UTC))
    run(registry, mailer)
    assert letter(registry).next_attempt_at == datetime(2026, 1, 29, 8, 0, tzinfo=UTC)
    address = f"/sites/{a_site(registry).id}"
    sign_in("administrator", site=None).fill(address, {"holidays": "2026-01-29"})
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert mailer.sent == []
    assert letter(registry).next_attempt_at == datetime(2026, 1, 30, 8, 0, tzinfo=UTC)


def test_a_day_that_is_none_is_told_and_nothing_is_kept(registry: Runtime, sign_in: SignIn) -> None:
    address = f"/sites/{a_site(registry).id}"
    administrator = sign_in("administrator", site=None)
    wrong = administrator.fill(address, {"holidays": "Christmas"}, status=422)
    assert "does not begin with a day like 2026-12-25" in text_of(wrong.text)
    assert holidays(registry) == {}


def test_holidays_stand_in_the_form_and_can_be_taken_away(
    registry: Runtime, sign_in: SignIn
) -> None:
    address = f"/sites/{a_site(registry).id}"
    administrator = sign_in("administrator", site=None)
    administrator.fill(address, {"holidays": "2026-12-25 Christmas Day"})
    assert "2026-12-25 Christmas Day" in administrator.get(address).text
    administrator.fill(address, {"hours": "Mondays"})
    assert holidays(registry) == {date(2026, 12, 25): "Christmas Day"}
    administrator.fill(address, {"holidays": ""})
    assert holidays(registry) == {}


def test_staff_keep_what_a_patient_said_about_letters(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    nurse, address = sign_in("nurse"), f"/patients/{patient.study_number}"
    said = {"hour": "18", "zone": "Europe/Lisbon", "reminders": "fewer", "day": "2026-02-03"}
    wrong = nurse.fill(f"{address}/mail", said, status=422)
    assert "choose a time of that day" in text_of(wrong.text)
    record = nurse.follow(nurse.fill(f"{address}/mail", said | {"part": "evening"}))
    words = text_of(record.text)
    assert "from 18:00, Europe/Lisbon time; one reminder" in words
    assert "wants to be reminded on 3 February 2026" in words
    first = plan_of(registry, patient.patient_id)[1]
    assert (first.zone, first.snoozed_on, first.snoozed_hour) == (
        "Europe/Lisbon",
        date(2026, 2, 3),
        18,
    )
    with reading(registry) as session:
        kept = session.scalars(select(MailPreference)).one()
        assert (kept.hour, kept.fewer) == (18, True)


def test_staff_stop_the_letters_of_who_asked_for_it(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    nurse, address = sign_in("nurse"), f"/patients/{patient.study_number}"
    nurse.fill(f"{address}/mail", {"stop": "true"})
    with reading(registry) as session:
        assert session.scalars(select(MailHold.kind)).all() == ["unsubscribed"]
    assert "The patient stopped the letters" in nurse.get(address).text
    assert "Call: no answer to month 1" in nurse.get("/").text
    assert "wants no more letters" not in nurse.get(f"{address}/mail").text


def test_who_will_answer_is_called_again_after_three_days(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, sign_in: SignIn
) -> None:
    patient = a_patient(registry, person=a_person(email=None))
    clock.move_to(noon(DUE))
    run(registry, mailer)
    nurse = sign_in("nurse")
    assert "Call: no answer to month 1" in nurse.get("/").text
    nurse.fill(f"/patients/{patient.study_number}/calls/1", {"code": "promised"})
    assert "Call: no answer" not in nurse.get("/").text
    clock.move_to(noon("2026-02-01"))
    assert "Tried once. Wanted to answer." in text_of(sign_in("nurse").get("/").text)
