"""Death and withdrawal: nothing is asked any more, nothing answered is lost, all can be undone."""

from datetime import date

import pytest
from factories import a_patient, an_answered_follow_up, follow_up_of
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import endings
from registry.actions.endings import EndingKnown, NoEnding, Stopped
from registry.actions.enrolment import Enrolled
from registry.actions.facts import Unusable
from registry.db import reading, transaction
from registry.models import AuditEvent, Death, FollowUp, OutboxEmail, Withdrawal, known
from registry.runtime import Runtime

TODAY = date(2026, 1, 5)


def a_letter(runtime: Runtime, patient: Enrolled, month: int, state: str) -> None:
    """A letter of that month's follow-up, which is open from then on."""
    at = runtime.clock.now()
    follow_up_id = follow_up_of(runtime, patient.patient_id, month).id
    with transaction(runtime) as session:
        follow_up = session.get_one(FollowUp, follow_up_id)
        follow_up.state, follow_up.opened_at = "open", at
        session.add(
            OutboxEmail(
                kind="invitation",
                template="invitation",
                patient_id=patient.patient_id,
                follow_up_id=follow_up_id,
                number=0,
                state=state,
                queued_at=at,
                next_attempt_at=at,
            )
        )
        audit.record(session, by="test", at=at, action="test", subject="registry")


def states(runtime: Runtime, patient: Enrolled) -> dict[int, str]:
    with reading(runtime) as session:
        rows = session.execute(
            select(FollowUp.month, FollowUp.state).where(FollowUp.patient_id == patient.patient_id)
        )
        return {row.month: row.state for row in rows}


def letters(runtime: Runtime) -> list[str]:
    with reading(runtime) as session:
        return list(session.scalars(select(OutboxEmail.state).order_by(OutboxEmail.id)))


def died(runtime: Runtime, patient: Enrolled, on: date = TODAY) -> Stopped:
    with transaction(runtime) as session:
        return endings.record_death(
            session, patient.patient_id, on, cause="sepsis", by="Ada", at=runtime.clock.now()
        )


def withdrew(
    runtime: Runtime, patient: Enrolled, scope: str = "registry", on: date = TODAY
) -> Stopped:
    with transaction(runtime) as session:
        return endings.record_withdrawal(
            session, patient.patient_id, on, scope=scope, by="Ada", at=runtime.clock.now()
        )


def undo(runtime: Runtime, patient: Enrolled, what: str) -> tuple[int, ...]:
    action = getattr(endings, f"undo_{what}")
    with transaction(runtime) as session:
        resumed: tuple[int, ...] = action(
            session, patient.patient_id, reason="other person", by="Ada", at=runtime.clock.now()
        )
        return resumed


def current(session: Session, model: type[Death] | type[Withdrawal]) -> Death | Withdrawal | None:
    return session.scalars(select(model).where(known(model))).one_or_none()


@pytest.mark.parametrize("state", ["queued", "leased"])
def test_death_calls_off_what_is_planned_and_the_letters_that_wait(
    registry: Runtime, state: str
) -> None:
    patient = a_patient(registry)
    an_answered_follow_up(registry, patient, 1)
    a_letter(registry, patient, 3, state)
    assert died(registry, patient) == Stopped(months=(3, 6, 12, 24), letters=1)
    assert states(registry, patient) == {
        1: "answered",
        3: "cancelled",
        6: "cancelled",
        12: "cancelled",
        24: "cancelled",
    }
    assert letters(registry) == ["cancelled"]


def test_a_letter_that_was_sent_stays_sent(registry: Runtime) -> None:
    patient = a_patient(registry)
    a_letter(registry, patient, 3, "sent")
    assert withdrew(registry, patient).letters == 0
    assert letters(registry) == ["sent"]


def test_another_patient_is_not_touched(registry: Runtime) -> None:
    patient, other = a_patient(registry), a_patient(registry)
    a_letter(registry, other, 3, "queued")
    died(registry, patient)
    assert set(states(registry, other).values()) == {"planned", "open"}
    assert letters(registry) == ["queued"]


def test_a_second_death_is_refused(registry: Runtime) -> None:
    patient = a_patient(registry)
    died(registry, patient)
    with pytest.raises(EndingKnown, match="Correct its date"):
        died(registry, patient)


@pytest.mark.parametrize(
    ("day", "words"),
    [(date(2025, 12, 1), "before the treatment on 2025-12-29"), (date(2026, 1, 7), "future")],
)
def test_an_impossible_day_is_refused(registry: Runtime, day: date, words: str) -> None:
    patient = a_patient(registry)
    with pytest.raises(Unusable, match=words):
        died(registry, patient, day)
    with pytest.raises(Unusable, match=words):
        withdrew(registry, patient, on=day)


def test_the_door_may_withdraw_without_reading_the_treatment(registry: Runtime) -> None:
    patient = a_patient(registry)
    with transaction(registry) as session, pytest.raises(Unusable, match="future"):
        endings.withdraw(
            session, patient.patient_id, date(2026, 1, 7), by="patient", at=registry.clock.now()
        )
    with transaction(registry) as session, pytest.raises(Unusable, match="contact, registry"):
        endings.withdraw(
            session, patient.patient_id, TODAY, scope="all", by="patient", at=registry.clock.now()
        )


def test_no_contact_can_become_leaving_but_not_the_other_way(registry: Runtime) -> None:
    patient = a_patient(registry)
    assert withdrew(registry, patient, "contact").months == (1, 3, 6, 12, 24)
    assert withdrew(registry, patient, "contact") == Stopped()
    assert withdrew(registry, patient, "registry") == Stopped()
    assert withdrew(registry, patient, "contact") == Stopped()
    with reading(registry) as session:
        versions = session.scalars(select(Withdrawal).order_by(Withdrawal.id)).all()
    assert [(one.scope, one.superseded_at is None) for one in versions] == [
        ("contact", False),
        ("registry", True),
    ]
    assert len({one.fact_key for one in versions}) == 1


def test_a_corrected_day_is_a_new_version_with_its_reason(registry: Runtime) -> None:
    patient = a_patient(registry)
    died(registry, patient)
    withdrew(registry, patient)
    registry.clock.advance(days=1)
    with transaction(registry) as session:
        told = {"reason": "letter of the family", "by": "Ada", "at": registry.clock.now()}
        endings.correct_death(session, patient.patient_id, date(2026, 1, 3), **told)
        endings.correct_withdrawal(session, patient.patient_id, date(2026, 1, 2), **told)
    with reading(registry) as session:
        death, withdrawal = current(session, Death), current(session, Withdrawal)
        assert isinstance(death, Death)
        assert isinstance(withdrawal, Withdrawal)
        assert (death.died_on, death.reason) == (date(2026, 1, 3), "letter of the family")
        assert (death.cause, withdrawal.withdrawn_on) == ("sepsis", date(2026, 1, 2))
        reasons = session.scalars(
            select(AuditEvent.reason).where(AuditEvent.action.like("%.corrected"))
        ).all()
    assert list(reasons) == ["letter of the family"] * 2


@pytest.mark.parametrize("what", ["death", "withdrawal"])
def test_an_ending_recorded_by_mistake_is_undone(registry: Runtime, what: str) -> None:
    patient = a_patient(registry)
    a_letter(registry, patient, 3, "sent")
    (died if what == "death" else withdrew)(registry, patient)
    registry.clock.advance(days=60)
    assert undo(registry, patient, what) == (3, 6, 12, 24)
    assert states(registry, patient) == {
        1: "cancelled",  # its window has ended meanwhile
        3: "open",  # its letter went out before
        6: "planned",
        12: "planned",
        24: "planned",
    }


def test_while_another_ending_stands_nothing_is_asked_again(registry: Runtime) -> None:
    patient = a_patient(registry)
    withdrew(registry, patient)
    died(registry, patient)
    assert undo(registry, patient, "withdrawal") == ()
    assert set(states(registry, patient).values()) == {"cancelled"}


@pytest.mark.parametrize("what", ["death", "withdrawal"])
def test_what_was_never_recorded_cannot_be_undone(registry: Runtime, what: str) -> None:
    patient = a_patient(registry)
    with pytest.raises(NoEnding, match=f"No {what} is recorded"):
        undo(registry, patient, what)
