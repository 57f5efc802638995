"""Letters on their way: nothing is lost, nothing goes out twice but one uncertain copy."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from factories import a_patient, a_person, an_answered_follow_up, vault_of
from post import (
    FaultyMailer,
    add_facts,
    crash_at_commit,
    letter,
    letters,
    live_until,
    noon,
    plan_of,
    run,
    set_columns,
)
from sqlalchemy import Connection, event, select, update
from sqlalchemy.orm import Session

from registry.actions import deliveries, delivery_faults, endings, handovers, outreach
from registry.actions.enrolment import Enrolled
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.mail import Deferred, Fault, Lost, MemoryMailer, Rejected, Unreachable
from registry.models import (
    AuditEvent,
    Consent,
    DataKey,
    Disposition,
    FollowUp,
    Identity,
    MailHold,
    OutboxEmail,
    Site,
    SurveyLink,
)
from registry.queries import letters as prepared
from registry.queries.letters import Ready
from registry.runtime import Runtime
from workers import delivery
from workers.delivery import WHO
from workers.schedule import run_jobs_once

DUE = "2026-01-29"


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def due(registry: Runtime, clock: FixedClock) -> Enrolled:
    """A patient whose first letter is written and waits."""
    patient = a_patient(registry, person=a_person(email="pat@example.org"))
    clock.move_to(noon(DUE))
    queue(registry)
    return patient


def queue(runtime: Runtime) -> None:
    its, at = runtime.settings, runtime.clock.now()
    with transaction(runtime) as session:
        while outreach.queue_due(session, settings=its, by=WHO, at=at):
            pass


def claim(runtime: Runtime, limit: int = 10) -> tuple[OutboxEmail, ...]:
    its, at = runtime.settings, runtime.clock.now()
    with transaction(runtime) as session:
        return deliveries.claim(session, settings=its, by=WHO, at=at, limit=limit).letters


def made(runtime: Runtime, one: OutboxEmail) -> Ready:
    its, at = runtime.settings, runtime.clock.now()
    with reading(runtime) as session:
        found = prepared.ready_all(session, [one], vault=vault_of(runtime), settings=its, at=at)
    ready = found[one.id]
    assert isinstance(ready, Ready)
    return ready


def mark(runtime: Runtime, one: OutboxEmail, ready: Ready) -> bool:
    at = runtime.clock.now()
    with transaction(runtime) as session:
        return handovers.pass_on(session, None, one, ready, by=WHO, at=at).is_marked


def hand_over(runtime: Runtime, one: OutboxEmail) -> bool:
    return mark(runtime, one, made(runtime, one))


def record(runtime: Runtime, step: Callable[..., bool], one: OutboxEmail, *told: str) -> bool:
    with transaction(runtime) as session:
        return step(session, one, *told, by=WHO, at=runtime.clock.now())


def test_a_letter_is_claimed_by_one_worker_only(registry: Runtime, due: Enrolled) -> None:
    assert [len(claim(registry)), len(claim(registry))] == [1, 0]


def test_a_letter_whose_worker_died_before_the_hand_over_is_claimed_again(
    registry: Runtime, clock: FixedClock, due: Enrolled, mailer: MemoryMailer
) -> None:
    (first,) = claim(registry)
    clock.advance(minutes=14, seconds=59)
    assert claim(registry) == ()
    clock.advance(seconds=1)
    run(registry, mailer)
    sent = letter(registry)
    assert (sent.state, sent.fence, sent.attempts) == ("sent", first.fence + 1, 2)
    assert (sent.uncertain_count, sent.broken_count, sent.lapse_count) == (0, 0, 1)
    assert len(mailer.sent) == 1


def test_a_worker_that_lost_its_lease_can_neither_send_nor_record(
    registry: Runtime, clock: FixedClock, due: Enrolled, mailer: MemoryMailer
) -> None:
    (slow,) = claim(registry)
    clock.advance(minutes=15)
    assert not hand_over(registry, slow)  # nobody has it yet, but its time is over
    (fast,) = claim(registry)
    assert not hand_over(registry, slow)
    assert hand_over(registry, fast)
    for step in (
        handovers.mark_sent,
        delivery_faults.put_back,
        delivery_faults.mark_failed,
        delivery_faults.mark_uncertain,
        delivery_faults.mark_broken,
    ):
        assert not record(registry, step, slow, "250 ok")
    with transaction(registry) as session:
        deliveries.release(session, [slow], by=WHO, at=clock.now())
    assert letter(registry).state == "handover"
    assert record(registry, handovers.mark_sent, fast, "250 ok")
    assert letter(registry).state == "sent"


def test_a_hand_over_renews_the_lease(registry: Runtime, clock: FixedClock, due: Enrolled) -> None:
    (one,) = claim(registry)
    clock.advance(minutes=14)
    assert hand_over(registry, one)
    clock.advance(minutes=14)
    assert claim(registry) == ()
    assert record(registry, handovers.mark_sent, one, "250 ok")


def left(runtime: Runtime, patient: Enrolled) -> None:
    at = runtime.clock.now()
    with transaction(runtime) as session:
        endings.withdraw(session, patient.patient_id, at.date(), by="Ada", at=at)


def died(runtime: Runtime, patient: Enrolled) -> None:
    at = runtime.clock.now()
    with transaction(runtime) as session:
        endings.record_death(session, patient.patient_id, at.date(), by="Ada", at=at)


def answered(runtime: Runtime, patient: Enrolled) -> None:
    an_answered_follow_up(runtime, patient, 1)


def consent_withdrawn(runtime: Runtime, patient: Enrolled) -> None:
    set_columns(runtime, Consent, Consent.id > 0, withdrawn_on=date(2026, 1, 29))


def held(runtime: Runtime, patient: Enrolled) -> None:
    at = runtime.clock.now()
    told = {"since": at.date(), "recorded_at": at, "recorded_by": "test"}
    add_facts(runtime, MailHold(patient_id=patient.patient_id, kind="complaint", **told))


def closed(runtime: Runtime, patient: Enrolled) -> None:
    set_columns(runtime, FollowUp, FollowUp.month == 1, closes_on=date(2026, 1, 28))


CHANGES = [left, died, answered, consent_withdrawn, held, closed]


@pytest.mark.parametrize("change", CHANGES)
def test_what_happens_before_the_claim_stops_the_letter(
    registry: Runtime,
    due: Enrolled,
    mailer: MemoryMailer,
    change: Callable[[Runtime, Enrolled], None],
) -> None:
    change(registry, due)
    run(registry, mailer)
    assert mailer.sent == []
    assert letter(registry).state == "cancelled"


@pytest.mark.parametrize("change", CHANGES)
def test_what_happens_between_claim_and_hand_over_stops_the_letter(
    registry: Runtime, due: Enrolled, change: Callable[[Runtime, Enrolled], None]
) -> None:
    (one,) = claim(registry)
    change(registry, due)
    assert not hand_over(registry, one)
    stopped = letter(registry)
    assert stopped.state == "cancelled"
    assert stopped.state_reason
    assert stopped.dated_at is None


@contextmanager
def cancelled_after_the_look(runtime: Runtime) -> Iterator[None]:
    """Somebody calls the letters off when a worker has just looked whether its own may go."""
    called_off = update(OutboxEmail.metadata.tables["outbox"]).values(state="cancelled")

    def _cancel(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "is_held" in statement:
            connection.execute(called_off)

    event.listen(runtime.sessions.engine, "after_cursor_execute", _cancel)
    try:
        yield
    finally:
        event.remove(runtime.sessions.engine, "after_cursor_execute", _cancel)


@pytest.mark.parametrize("change", [held, closed], ids=["refused", "made anew"])
def test_a_letter_that_was_called_off_after_the_look_stays_called_off(
    registry: Runtime, due: Enrolled, change: Callable[[Runtime, Enrolled], None]
) -> None:
    (one,) = claim(registry)
    ready = made(registry, one)
    change(registry, due)
    with cancelled_after_the_look(registry):
        assert not mark(registry, one, ready)
    assert letter(registry).state == "cancelled"
    with reading(registry) as session:
        actions = set(session.scalars(select(AuditEvent.action)))
    assert actions.isdisjoint({"letter.cancelled", "letters.released"})


def test_a_letter_goes_with_the_words_that_its_clinic_has_when_it_goes(
    registry: Runtime, due: Enrolled, mailer: MemoryMailer
) -> None:
    (one,) = claim(registry)
    ready = made(registry, one)
    rename_site(registry, plan_of(registry, due.patient_id)[1].site_id)
    assert not mark(registry, one, ready)
    assert (letter(registry).state, letter(registry).attempts) == ("queued", 0)
    run(registry, mailer)
    assert "Renamed" in str(mailer.sent[0].message.get_body(("plain",)))


def test_who_leaves_after_the_hand_over_was_overtaken(registry: Runtime, due: Enrolled) -> None:
    (one,) = claim(registry)
    assert hand_over(registry, one)
    left(registry, due)
    assert record(registry, handovers.mark_sent, one, "250 ok")
    assert letter(registry).state == "sent"
    with reading(registry) as session:
        actions = session.scalars(
            select(AuditEvent.action)
            .where(AuditEvent.subject == f"patient:{due.patient_id}")
            .order_by(AuditEvent.number)
        ).all()
    assert actions[-3:] == ["letter.handed_over", "patient.withdrew", "letter.sent"]


def test_a_first_letter_that_is_on_its_way_is_reminded_of_all_the_same(
    registry: Runtime, clock: FixedClock, due: Enrolled, mailer: MemoryMailer
) -> None:
    (one,) = claim(registry)
    assert hand_over(registry, one)
    run(registry, mailer)  # another worker thinks of reminders before the server has replied
    assert record(registry, handovers.mark_sent, one, "250 ok")
    live_until(registry, clock, mailer, date(2026, 2, 12))
    assert len(letters(registry, kind="reminder", state="sent")) == 2


def test_a_server_that_is_down_costs_one_call_a_run_and_no_letter(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    for _ in range(3):
        a_patient(registry)
    queue(registry)
    down = FaultyMailer(open=[Unreachable("connection refused")] * 3)
    for opened in (1, 2, 3):
        assert run_jobs_once(registry, down) == {"send_due": "Unreachable: connection refused"}
        assert down.opened == opened
        clock.advance(minutes=2)
    assert {(one.state, one.attempts) for one in letters(registry)} == {("queued", 0)}
    run(registry, down)
    assert len(down.sent) == 4


def test_a_letter_put_off_by_the_server_comes_later_and_later(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    greylisting = FaultyMailer(open=[Deferred("451 4.7.1 greylisted")] * 3)
    pauses = []
    for _ in range(3):
        run(registry, greylisting)
        waiting = letter(registry)
        assert (waiting.state, waiting.state_reason) == ("queued", "451 4.7.1 greylisted")
        pauses.append((waiting.next_attempt_at - clock.now()) / timedelta(minutes=1))
        clock.move_to(waiting.next_attempt_at)
    run(registry, greylisting)
    assert pauses == [1, 5, 15]
    assert letter(registry).state == "sent"


def test_what_was_certainly_not_delivered_is_made_anew(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    mailer = FaultyMailer(refuse=[Deferred("452 full")])
    run(registry, mailer)
    waiting = letter(registry)
    assert (waiting.facts, waiting.dated_at, waiting.address_digest) == (None, None, None)
    clock.advance(hours=1)
    run(registry, mailer)
    assert mailer.sent[0].message["Date"].datetime == clock.now()


def test_a_bad_address_holds_the_mail_and_is_a_disposition(
    registry: Runtime, due: Enrolled, mailer: MemoryMailer
) -> None:
    run(registry, FaultyMailer(open=[Rejected("550 5.1.1 unknown", Fault.ADDRESS)]))
    failed = letter(registry)
    assert (failed.state, failed.state_reason) == ("failed", "550 5.1.1 unknown")
    with reading(registry) as session:
        hold = session.scalars(select(MailHold)).one()
        fact = session.scalars(select(Disposition)).one()
    assert (hold.kind, hold.patient_id) == ("undeliverable", due.patient_id)
    assert (fact.code, fact.month, fact.source) == ("undeliverable", 1, "mail")
    assert fact.noted_on == date(2026, 1, 29)


@pytest.mark.parametrize("step", ["open", "refuse"])
def test_a_refusal_by_policy_is_not_held_against_the_patient(
    registry: Runtime, due: Enrolled, step: str
) -> None:
    run(registry, FaultyMailer(**{step: [Rejected("554 5.7.1 policy", Fault.POLICY)]}))
    assert letter(registry).state == "failed"
    with reading(registry) as session:
        assert session.scalars(select(MailHold)).all() == []
        assert session.scalars(select(Disposition)).all() == []


def test_no_reply_after_the_message_brings_one_equal_copy(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    mailer = FaultyMailer(lose=[Lost("no reply")])
    run(registry, mailer)
    assert (letter(registry).state, letter(registry).uncertain_count) == ("queued", 1)
    clock.advance(hours=3)
    site = plan_of(registry, due.patient_id)[1].site_id
    rename_site(registry, site)
    run(registry, mailer)
    assert letter(registry).state == "sent"
    first, second = mailer.sent
    assert first.raw == second.raw
    with reading(registry) as session:
        assert len(session.scalars(select(SurveyLink)).all()) == 1


def rename_site(runtime: Runtime, site_id: int) -> None:
    set_columns(runtime, Site, Site.id == site_id, public_name="Renamed", telephone="")


def test_a_second_uncertain_attempt_waits_for_a_person(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    mailer = FaultyMailer(lose=[Lost("no reply"), Lost("no reply")])
    for _ in range(10):
        run(registry, mailer)
        clock.advance(hours=6)
    parked = letter(registry, kind="invitation")
    assert (parked.state, parked.uncertain_count) == ("parked", 2)
    assert len([one for one in mailer.sent if "time for" in str(one.message)]) == 2


def test_a_copy_does_not_go_to_another_address(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    mailer = FaultyMailer(lose=[Lost("no reply")])
    run(registry, mailer)
    change_address(registry, due, "new@example.org")
    clock.advance(hours=1)
    run(registry, mailer)
    run(registry, mailer)
    assert letter(registry, kind="invitation").state_reason == (
        "the address has changed since the first copy"
    )
    assert [one.recipient for one in mailer.sent] == ["pat@example.org", "new@example.org"]
    assert letter(registry, kind="new_link").state == "sent"


def change_address(runtime: Runtime, patient: Enrolled, email: str) -> None:
    vault, id_ = vault_of(runtime), patient.patient_id
    with reading(runtime) as session:
        key = session.get_one(DataKey, id_)
    assert key.wrapped
    data_key = vault.open_data_key(id_, key.wrapped, key.master_version)
    sealed = vault.seal(data_key, id_, "email", email)
    set_columns(runtime, Identity, Identity.patient_id == id_, email=sealed)


def test_an_address_changed_before_the_first_copy_is_used(
    registry: Runtime, due: Enrolled, mailer: MemoryMailer
) -> None:
    change_address(registry, due, "new@example.org")
    run(registry, mailer)
    assert [one.recipient for one in mailer.sent] == ["new@example.org"]


def test_a_letter_that_cannot_be_made_stops_no_other_and_is_parked(
    registry: Runtime, clock: FixedClock, due: Enrolled, mailer: MemoryMailer
) -> None:
    change_address(registry, due, "not an address")
    for _ in range(12):
        a_patient(registry)
    queue(registry)
    run(registry, mailer)
    assert len(mailer.sent) == 12
    for _ in range(3):
        clock.advance(hours=1)
        run(registry, mailer)
    poison = letter(registry, patient_id=due.patient_id)
    assert (poison.state, poison.broken_count) == ("parked", 3)
    assert poison.state_reason == "could not be made: LetterRefused"
    assert len(mailer.sent) == 12


def test_a_letter_that_outlives_five_workers_is_parked(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    for _ in range(5):
        assert len(claim(registry)) == 1
        clock.advance(minutes=15)
    assert claim(registry) == ()
    assert letter(registry).state == "parked"


def test_an_erased_patient_gets_nothing(
    registry: Runtime, due: Enrolled, mailer: MemoryMailer
) -> None:
    set_columns(registry, DataKey, DataKey.patient_id == due.patient_id, wrapped=None)
    run(registry, mailer)
    assert mailer.sent == []
    assert letter(registry).state_reason == "could not be made: NoAddress"


def test_asked_to_stop_a_worker_ends_after_the_letter_in_hand(
    registry: Runtime, due: Enrolled, mailer: MemoryMailer
) -> None:
    for _ in range(4):
        a_patient(registry)
    queue(registry)
    delivery.send_due(registry, mailer, lambda: len(mailer.sent) == 2)
    states = Counter((one.state, one.attempts) for one in letters(registry))
    assert states == {("sent", 1): 2, ("queued", 0): 3}


def test_a_result_is_kept_when_the_next_letter_cannot_be_opened(
    registry: Runtime, due: Enrolled
) -> None:
    for _ in range(3):
        a_patient(registry)
    queue(registry)
    dies = FaultyMailer(open=[None, None, Unreachable("connection reset")])
    with pytest.raises(Unreachable):
        delivery.send_due(registry, dies)
    states = Counter((one.state, one.attempts) for one in letters(registry))
    assert states == {("sent", 1): 2, ("queued", 0): 2}


@contextmanager
def database_fails(runtime: Runtime, mailer: MemoryMailer, times: int) -> Iterator[None]:
    """So many commits fail from when the server took the first letter."""
    left = [OSError("connection reset")] * times

    def _fail(session: Session) -> None:
        if mailer.sent and left:
            raise left.pop()

    event.listen(runtime.sessions.writing, "before_commit", _fail)
    try:
        yield
    finally:
        event.remove(runtime.sessions.writing, "before_commit", _fail)


@pytest.mark.parametrize(("times", "first"), [(1, "sent"), (2, "handover")])
def test_a_database_that_fails_at_a_result_leaves_nothing_behind(
    registry: Runtime, clock: FixedClock, due: Enrolled, times: int, first: str
) -> None:
    class Slow(MemoryMailer):
        def open(self, sender: str, recipient: str) -> None:
            clock.advance(seconds=1)  # so a result is kept by itself
            super().open(sender, recipient)

    mailer = Slow()
    for _ in range(2):
        a_patient(registry)
    queue(registry)
    with database_fails(registry, mailer, times), pytest.raises(OSError, match="reset"):
        delivery.send_due(registry, mailer)
    states = Counter((one.state, one.attempts) for one in letters(registry))
    assert states == {(first, 1): 1, ("queued", 0): 2}


def test_a_letter_costs_one_commit(
    registry: Runtime, clock: FixedClock, mailer: MemoryMailer
) -> None:
    for _ in range(12):
        a_patient(registry)
    clock.move_to(noon(DUE))
    queue(registry)
    with crash_at_commit(registry, 1000) as commits:
        delivery.send_due(registry, mailer)
    assert len(mailer.sent) == 12
    assert len(commits) <= 12 + 7


def test_a_worker_that_waited_long_gives_back_the_rest(
    registry: Runtime, clock: FixedClock, due: Enrolled
) -> None:
    class Slow(MemoryMailer):
        def hand_over(self, message: bytes) -> str:
            clock.advance(minutes=10)
            return super().hand_over(message)

    for _ in range(3):
        a_patient(registry)
    queue(registry)
    slow = Slow()
    delivery.send_due(registry, slow)
    assert len(slow.sent) == 1
    assert Counter(one.state for one in letters(registry)) == {"sent": 1, "queued": 3}
    delivery.send_due(registry, MemoryMailer())
    assert {one.state for one in letters(registry)} == {"sent"}


def test_without_the_master_key_no_letter_is_made(
    registry: Runtime, due: Enrolled, mailer: MemoryMailer
) -> None:
    run(replace(registry, vault=None), mailer)
    assert mailer.sent == []
    assert letter(registry).state == "queued"
