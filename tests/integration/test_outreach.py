"""Who gets which letter when: follow-ups come due, get new links, and close."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from factories import BY, a_patient, a_person, a_user, an_answered_follow_up
from post import (
    add_facts,
    in_protocol_hours,
    letter,
    letters,
    noon,
    plan_of,
    run,
    set_columns,
)
from sqlalchemy import select

from registry import audit, tokens
from registry.actions import outreach, staff_mail
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import Base, reading, transaction
from registry.mail import MemoryMailer
from registry.models import (
    AuditEvent,
    Consent,
    Death,
    FollowUp,
    MailHold,
    PasswordReset,
    SurveyLink,
    User,
    Withdrawal,
)
from registry.queries.post import post_standing
from registry.runtime import Runtime

DUE = "2026-01-29"  # month 1 of a patient treated on 2025-12-29; its window ends on 2026-02-11


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


def queue_due(runtime: Runtime, limit: int = 200) -> int:
    its, at = runtime.settings, runtime.clock.now()
    with transaction(runtime) as session:
        return outreach.queue_due(session, settings=its, by="worker", at=at, limit=limit)


def test_a_follow_up_is_begun_on_its_day_and_not_before(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry, person=a_person(email="pat@example.org"))
    clock.move_to(datetime(2026, 1, 28, 22, 59, tzinfo=UTC))  # a minute to midnight in Berlin
    run(registry, mailer)
    assert plan_of(registry, patient.patient_id)[1].state == "planned"
    clock.advance(minutes=1)
    run(registry, mailer)
    assert plan_of(registry, patient.patient_id)[1].state == "open"
    assert [sent.recipient for sent in mailer.sent] == ["pat@example.org"]


def test_the_day_comes_when_it_comes_to_the_patient(registry: Runtime, clock: FixedClock) -> None:
    zones = ["Pacific/Auckland", "Europe/Berlin", "America/Los_Angeles"]
    patients = [a_patient(registry, zone=zone).patient_id for zone in zones]
    begun = []
    for hour in (11, 23, 32):  # midnight in Auckland, Berlin, Los Angeles, in UTC
        clock.move_to(datetime(2026, 1, 28, tzinfo=UTC) + timedelta(hours=hour))
        queue_due(registry)
        begun.append([plan_of(registry, one)[1].state for one in patients])
    assert begun == [
        ["open", "planned", "planned"],
        ["open", "open", "planned"],
        ["open", "open", "open"],
    ]


def test_a_zone_that_this_machine_does_not_know_stops_nobody(
    registry: Runtime, clock: FixedClock
) -> None:
    known, unknown = a_patient(registry), a_patient(registry)
    set_columns(registry, FollowUp, FollowUp.patient_id == unknown.patient_id, zone="Moon/Base")
    clock.move_to(noon(DUE))
    assert queue_due(registry) == 2
    assert len(letters(registry, kind="invitation")) == 2
    assert plan_of(registry, known.patient_id)[1].state == "open"


def test_beginning_twice_changes_nothing(registry: Runtime, clock: FixedClock) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    assert (queue_due(registry), queue_due(registry)) == (1, 0)
    assert len(letters(registry)) == 1


def test_the_link_in_the_letter_is_kept_as_a_hash_only(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    body = mailer.sent[0].message.get_body(("plain",))
    assert body is not None
    (link,) = [word for word in body.get_content().split() if "/s/" in word]
    address, _, token = link.rpartition("/")
    assert address == "http://door.test/s"
    with reading(registry) as session:
        row = session.scalars(select(SurveyLink)).one()
    assert row.token_sha256 == tokens.digest(token)
    assert row.follow_up_id == plan_of(registry, patient.patient_id)[1].id


def hold(runtime: Runtime, patient: Enrolled, kind: str) -> None:
    at = runtime.clock.now()
    told = {"since": at.date(), "recorded_at": at, "recorded_by": BY}
    add_facts(runtime, MailHold(patient_id=patient.patient_id, kind=kind, **told))


NO_LETTER: list[tuple[dict[str, Any], str | None, str]] = [
    ({"consent": None}, None, "no letter: no consent is recorded"),
    ({"person": a_person(email=None)}, None, "no letter: no e-mail address on file"),
    ({}, "unsubscribed", "no letter: unsubscribed"),
    ({}, "undeliverable", "no letter: undeliverable"),
]


@pytest.mark.parametrize(("known", "held", "reason"), NO_LETTER)
def test_who_gets_no_letters_is_followed_without(
    registry: Runtime, clock: FixedClock, known: dict[str, Any], held: str | None, reason: str
) -> None:
    patient = a_patient(registry, **known)
    if held:
        hold(registry, patient, held)
    clock.move_to(noon(DUE))
    queue_due(registry)
    first = plan_of(registry, patient.patient_id)[1]
    assert (first.state, first.state_reason) == ("open", reason)
    assert letters(registry) == []


def test_a_hold_that_was_lifted_holds_nothing(registry: Runtime, clock: FixedClock) -> None:
    patient = a_patient(registry)
    hold(registry, patient, "undeliverable")
    set_columns(registry, MailHold, MailHold.id > 0, lifted_at=clock.now())
    clock.move_to(noon(DUE))
    queue_due(registry)
    assert letter(registry).state == "queued"


def ended(patient_id: int, at: datetime) -> dict[str, Base]:
    known = {"patient_id": patient_id, "recorded_at": at, "recorded_by": BY}
    return {
        "the patient died": Death(died_on=at.date(), **known),
        "the patient withdrew": Withdrawal(withdrawn_on=at.date(), scope="contact", **known),
    }


@pytest.mark.parametrize("reason", ["the patient died", "the patient withdrew"])
def test_nothing_is_begun_for_who_died_or_left(
    registry: Runtime, clock: FixedClock, reason: str
) -> None:
    patient = a_patient(registry)
    add_facts(registry, ended(patient.patient_id, clock.now())[reason])
    clock.move_to(noon(DUE))
    queue_due(registry)
    first = plan_of(registry, patient.patient_id)[1]
    assert (first.state, first.state_reason) == ("cancelled", reason)
    assert letters(registry) == []


def test_nothing_is_begun_after_consent_was_withdrawn(registry: Runtime, clock: FixedClock) -> None:
    patient = a_patient(registry)
    set_columns(registry, Consent, Consent.id > 0, withdrawn_on=date(2026, 1, 6))
    clock.move_to(noon(DUE))
    queue_due(registry)
    first = plan_of(registry, patient.patient_id)[1]
    assert (first.state, first.state_reason) == ("cancelled", "the consent was withdrawn")
    assert letters(registry) == []


def test_after_a_long_pause_only_what_is_open_is_mailed(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon("2026-12-30"))  # a day after month 12 is due; nothing ran for a year
    run(registry, mailer)
    states = {month: row.state for month, row in plan_of(registry, patient.patient_id).items()}
    assert states == {1: "missed", 3: "missed", 6: "missed", 12: "open", 24: "planned"}
    assert plan_of(registry, patient.patient_id)[6].state_reason == (
        "its window ended before it was begun"
    )
    assert len(mailer.sent) == 1


@pytest.mark.parametrize("limit", [1, 200])
def test_of_several_whose_windows_overlap_only_the_newest_is_begun(
    registry: Runtime, clock: FixedClock, limit: int
) -> None:
    patient = a_patient(registry)
    other = a_patient(registry)
    set_columns(registry, FollowUp, FollowUp.month == 1, closes_on=date(2026, 12, 31))
    clock.move_to(noon("2026-04-01"))
    while queue_due(registry, limit):
        pass
    for one in (patient, other):
        plan = plan_of(registry, one.patient_id)
        assert (plan[1].state, plan[3].state) == ("missed", "open")
        assert plan[1].state_reason == outreach.TOO_OLD
    assert {one.follow_up_id for one in letters(registry)} == {
        plan_of(registry, one.patient_id)[3].id for one in (patient, other)
    }


def test_windows_close_at_the_patients_midnight(registry: Runtime, clock: FixedClock) -> None:
    berlin, los_angeles = a_patient(registry), a_patient(registry, zone="America/Los_Angeles")
    clock.move_to(noon(DUE))
    queue_due(registry)
    clock.move_to(datetime(2026, 2, 11, 23, 30, tzinfo=UTC))  # the 12th in Berlin
    with transaction(registry) as session:
        assert outreach.close_windows(session, by="worker", at=clock.now()) == 1
    closed = plan_of(registry, berlin.patient_id)[1]
    assert (closed.state, closed.state_reason) == ("missed", "no answers were sent in its window")
    assert closed.ended_at == clock.now()
    assert plan_of(registry, los_angeles.patient_id)[1].state == "open"


def test_what_was_answered_is_not_missed(registry: Runtime, clock: FixedClock) -> None:
    patient = a_patient(registry)
    an_answered_follow_up(registry, patient, 1)
    clock.move_to(noon("2026-02-20"))
    with transaction(registry) as session:
        assert outreach.close_windows(session, by="worker", at=clock.now()) == 0
    assert plan_of(registry, patient.patient_id)[1].state == "answered"


def test_letters_wait_for_the_protocols_hours(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    registry = in_protocol_hours(registry)
    a_patient(registry, treated_on=date(2025, 12, 31))  # month 1 falls on Saturday, 31 January
    clock.move_to(noon("2026-01-31"))
    run(registry, mailer)
    nine_on_monday = datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
    assert letter(registry).next_attempt_at == nine_on_monday
    clock.move_to(nine_on_monday - timedelta(seconds=1))
    run(registry, mailer)
    assert mailer.sent == []
    clock.move_to(nine_on_monday)
    run(registry, mailer)
    assert len(mailer.sent) == 1


def test_a_letter_that_missed_its_hours_waits_for_the_next(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    registry = in_protocol_hours(registry)
    a_patient(registry)
    clock.move_to(noon(DUE))
    queue_due(registry)
    clock.move_to(datetime(2026, 1, 29, 20, 0, tzinfo=UTC))  # nobody sent it all afternoon
    run(registry, mailer)
    waiting = letter(registry)
    assert (mailer.sent, waiting.state, waiting.attempts) == ([], "queued", 0)
    assert waiting.next_attempt_at == datetime(2026, 1, 30, 8, 0, tzinfo=UTC)


def test_a_follow_up_begun_again_after_a_corrected_date_gets_another_letter(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    mine = (FollowUp.patient_id == patient.patient_id) & (FollowUp.month == 1)
    set_columns(registry, FollowUp, mine, state="planned", due_on=date(2026, 2, 5))
    clock.move_to(noon("2026-02-05"))
    run(registry, mailer)
    numbers = [one.number for one in letters(registry, kind="invitation")]
    assert (numbers, len(mailer.sent)) == ([0, 101], 2)


def ask(runtime: Runtime, patient: Enrolled, month: int = 1) -> None:
    with transaction(runtime) as session:
        follow_up_id = plan_of(runtime, patient.patient_id)[month].id
        staff_mail.ask_new_link(session, follow_up_id, by="Ada", at=runtime.clock.now())


def test_a_new_link_comes_by_mail_within_one_run(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    registry = in_protocol_hours(registry)
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    clock.move_to(datetime(2026, 1, 31, 21, 0, tzinfo=UTC))  # somebody asked, on a Saturday night
    ask(registry, patient)
    run(registry, mailer)
    assert [one.kind for one in letters(registry, state="sent")] == ["invitation", "new_link"]
    first, second = (str(sent.message.get_body(("plain",))) for sent in mailer.sent)
    assert first.count("/s/") == second.count("/s/") == 1
    assert first != second
    run(registry, mailer)
    assert len(mailer.sent) == 2


def test_asking_again_and_again_brings_one_letter_an_hour(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    for _ in range(4):
        ask(registry, patient)
        run(registry, mailer)
        clock.advance(minutes=25)
    assert [one.number for one in letters(registry, kind="new_link")] == [101, 102]
    with reading(registry) as session:
        refused = session.scalars(select(AuditEvent).where(AuditEvent.action == "link.refused"))
        assert {event.reason for event in refused} == {"one was made within the hour"}


@pytest.mark.parametrize("spoil", ["unsubscribed", "answered"])
def test_a_new_link_that_would_not_help_is_refused(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer, spoil: str
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    ask(registry, patient)
    if spoil == "answered":
        an_answered_follow_up(registry, patient, 1)
    else:
        hold(registry, patient, spoil)
    with pytest.raises(staff_mail.NoLetter):
        ask(registry, patient)
    run(registry, mailer)
    assert letters(registry, kind="new_link") == []


def test_a_new_link_after_the_window_does_not_name_a_day_that_has_passed(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon("2026-02-20"))
    run(registry, mailer)
    assert plan_of(registry, patient.patient_id)[1].state == "missed"
    ask(registry, patient)
    run(registry, mailer)
    text = mailer.sent[0].message.get_body(("plain",))
    assert text is not None
    assert "Please answer by" not in text.get_content()
    assert "works until 13 March 2026" in text.get_content()


def test_a_lifted_hold_brings_a_letter_with_a_new_link(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry)
    hold(registry, patient, "undeliverable")
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert mailer.sent == []
    for _ in range(2):  # the second lifts nothing
        with transaction(registry) as session:
            staff_mail.lift_hold(
                session, patient.patient_id, "undeliverable", by="Ada", at=clock.now()
            )
        run(registry, mailer)
    assert letter(registry).kind == "new_link"
    first = plan_of(registry, patient.patient_id)[1]
    assert (first.state_reason, first.remind_on) == (None, date(2026, 2, 1))


def test_the_link_for_a_lost_password_opens_its_reset(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    user = a_user(registry, "nurse", email="nurse@example.org")
    with transaction(registry) as session:
        reset_id = staff_mail.queue_password_reset(
            session, user.id, settings=registry.settings, by="cli", at=clock.now()
        )
    run(registry, mailer)
    assert mailer.sent[0].recipient == "nurse@example.org"
    text = str(mailer.sent[0].message.get_body(("plain",)))
    (link,) = [word for word in text.split() if "/reset/" in word]
    assert link.startswith("http://registry.test/reset/")
    with reading(registry) as session:
        reset = session.get_one(PasswordReset, reset_id)
    assert reset.secret_sha256 == tokens.digest(link.rpartition("/")[2])
    assert "6 January 2026, 10:00 UTC" in text


def test_letters_to_staff_go_out_at_any_hour(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    user = a_user(registry, "administrator")
    clock.move_to(datetime(2026, 1, 11, 3, 0, tzinfo=UTC))  # Sunday night
    with transaction(registry) as session:
        staff_mail.queue_test_letter(session, user.id, by="Ada", at=clock.now())
    run(in_protocol_hours(registry), mailer)
    assert [str(sent.message["Subject"]) for sent in mailer.sent] == ["Test letter"]


@pytest.mark.parametrize(
    ("model", "changes", "reason"),
    [
        (PasswordReset, {"used_at": noon("2026-01-05")}, "the reset was used or has ended"),
        (PasswordReset, {"ends_at": noon("2026-01-04")}, "the reset was used or has ended"),
        (User, {"disabled_at": noon("2026-01-05")}, "the account is disabled"),
    ],
)
def test_a_reset_that_helps_nobody_is_not_sent(
    registry: Runtime,
    clock: FixedClock,
    mailer: MemoryMailer,
    model: type[Base],
    changes: dict[str, Any],
    reason: str,
) -> None:
    user = a_user(registry, "nurse")
    with transaction(registry) as session:
        staff_mail.queue_password_reset(
            session, user.id, settings=registry.settings, by="cli", at=clock.now()
        )
    set_columns(registry, model, model.__table__.c.id > 0, **changes)
    run(registry, mailer)
    assert mailer.sent == []
    assert letter(registry).state_reason == reason


def test_a_test_letter_that_nobody_sent_for_a_day_is_dropped(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    user = a_user(registry, "administrator")
    with transaction(registry) as session:
        staff_mail.queue_test_letter(session, user.id, by="Ada", at=clock.now())
    clock.advance(days=1)
    run(registry, mailer)
    assert (mailer.sent, letter(registry).state) == ([], "cancelled")


def test_every_step_of_a_letter_is_in_the_patients_trail(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    patient = a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    with reading(registry) as session:
        actions = session.scalars(
            select(AuditEvent.action)
            .where(AuditEvent.subject == f"patient:{patient.patient_id}")
            .order_by(AuditEvent.number)
        ).all()
        assert audit.verify(session).broken is None
    assert actions == [
        "patient.enrolled",
        "follow_up.begun",
        "letter.queued",
        "letter.handed_over",
        "letter.sent",
    ]


def test_how_the_post_stands(registry: Runtime, clock: FixedClock, mailer: MemoryMailer) -> None:
    def standing() -> tuple[int, bool]:
        with reading(registry) as session:
            post = post_standing(session, clock.now())
        return post.waiting, post.is_stuck(clock.now())

    a_patient(registry)
    clock.move_to(noon(DUE))
    assert standing() == (0, False)
    queue_due(registry)
    assert standing() == (1, False)
    clock.advance(minutes=16)
    assert standing() == (1, True)
    run(registry, mailer)
    assert standing() == (0, False)
    clock.advance(minutes=16)
    assert standing() == (0, True)  # nobody has run the jobs since
