"""Corrections: a new version with its reason, the old one readable, the plan brought in line."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from factories import (
    TREATED_ON,
    a_patient,
    a_person,
    an_answered_follow_up,
    follow_up_of,
    vault_of,
)
from sqlalchemy import func, select

from registry import audit
from registry.actions import corrections, endings, replanning
from registry.actions.corrections import Erased, OldVersion
from registry.actions.enrolment import AlreadyEnrolled, Enrolled
from registry.actions.facts import ConsentGiven, Given, Unusable
from registry.db import reading, transaction
from registry.models import (
    Administration,
    AuditEvent,
    Consent,
    Covariate,
    DataKey,
    Demographics,
    Diagnosis,
    FollowUp,
    IdentityIndex,
    OutboxEmail,
    TreatmentCourse,
    known,
)
from registry.queries import identities
from registry.queries.identities import Person
from registry.runtime import Runtime


def who(runtime: Runtime, reason: str = "typed wrongly") -> dict[str, Any]:
    return {"reason": reason, "by": "Ada", "at": runtime.clock.now()}


def one(runtime: Runtime, model: type[Any]) -> Any:
    """The current version of the only fact in a table."""
    with reading(runtime) as session:
        return session.scalars(select(model).where(known(model))).one()


def events(runtime: Runtime) -> list[tuple[str, str | None]]:
    """What the trail says since enrolment: action and reason."""
    with reading(runtime) as session:
        rows = session.execute(
            select(AuditEvent.action, AuditEvent.reason)
            .where(AuditEvent.subject.like("patient:%"), AuditEvent.number > 1)
            .order_by(AuditEvent.id)
        )
        assert audit.verify(session).broken is None
        return [(row.action, row.reason) for row in rows]


def a_letter(runtime: Runtime, patient: Enrolled, month: int, state: str) -> None:
    """The follow-up is open, and its invitation in that state."""
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
                dated_at=at if state in {"handover", "sent"} else None,
            )
        )
        audit.record(session, by="test", at=at, action="test", subject="registry")


# ---- facts


def test_a_corrected_fact_is_a_new_version_and_the_old_one_stays(registry: Runtime) -> None:
    a_patient(registry)
    registry.clock.advance(days=1)
    with transaction(registry) as session:
        fact = session.scalars(select(Diagnosis)).one()
        corrections.change_fact(session, fact, {"kind": "discoid"}, **who(registry))
    with reading(registry) as session:
        old, new = session.scalars(select(Diagnosis).order_by(Diagnosis.id))
        assert (old.kind, new.kind, new.reason) == ("systemic", "discoid", "typed wrongly")
        assert old.fact_key == new.fact_key
        assert old.superseded_at == new.recorded_at == registry.clock.now()
        before = registry.clock.now() - timedelta(hours=1)
        assert session.scalars(select(Diagnosis).where(known(Diagnosis, before))).one() is old
    assert events(registry) == [("diagnosis.corrected", "typed wrongly")]


def test_what_does_not_differ_is_not_corrected(registry: Runtime) -> None:
    a_patient(registry)
    with transaction(registry) as session:
        fact = session.scalars(select(Diagnosis)).one()
        same = corrections.change_fact(session, fact, {"kind": "systemic"}, **who(registry))
        assert same is fact
    assert events(registry) == []


def test_a_correction_says_why(registry: Runtime) -> None:
    a_patient(registry)
    with transaction(registry) as session:
        fact = session.scalars(select(Diagnosis)).one()
        with pytest.raises(Unusable, match="say why"):
            corrections.change_fact(session, fact, {"kind": "discoid"}, **who(registry, " "))


def test_of_two_corrections_at_once_the_second_is_told(registry: Runtime) -> None:
    a_patient(registry)
    with transaction(registry) as session:
        fact = session.scalars(select(Diagnosis)).one()
        corrections.change_fact(session, fact, {"kind": "discoid"}, **who(registry))
        with pytest.raises(OldVersion, match="corrected in the meantime"):
            corrections.change_fact(session, fact, {"kind": "neonatal"}, **who(registry))
        with pytest.raises(OldVersion):
            corrections.retract_fact(session, fact, **who(registry))


def test_a_fact_taken_back_counts_no_more_and_stays_readable(registry: Runtime) -> None:
    a_patient(registry)
    with transaction(registry) as session:
        fact = session.scalars(select(Diagnosis)).one()
        corrections.retract_fact(session, fact, **who(registry))
    with reading(registry) as session:
        assert session.scalars(select(Diagnosis).where(known(Diagnosis))).all() == []
        assert session.scalars(select(Diagnosis)).one().kind == "systemic"
    assert events(registry) == [("diagnosis.retracted", "typed wrongly")]


def test_language_zone_sex_and_age_are_carried_to_the_follow_ups_to_come(
    registry: Runtime,
) -> None:
    patient = a_patient(registry)
    an_answered_follow_up(registry, patient, 1)
    changes = {"language": "de", "zone": "Asia/Tokyo", "sex": "male"}
    with transaction(registry) as session:
        fact = session.scalars(select(Demographics)).one()
        corrections.change_fact(session, fact, changes, **who(registry))
    told = [
        (row.language, row.zone, row.context["pregnancy"])
        for row in (follow_up_of(registry, patient.patient_id, month) for month in (1, 3))
    ]
    assert told == [("en", "Europe/Berlin", True), ("de", "Asia/Tokyo", False)]
    with transaction(registry) as session:
        fact = session.scalars(select(Demographics).where(known(Demographics))).one()
        corrections.change_fact(session, fact, {"zone": None}, **who(registry))
    assert follow_up_of(registry, patient.patient_id, 3).zone == "Asia/Tokyo"


def test_a_covariate_is_new_or_corrected_and_may_change_its_kind(registry: Runtime) -> None:
    patient = a_patient(registry)
    for value in (Decimal(4), Decimal(4), "high"):
        with transaction(registry) as session:
            corrections.set_covariate(session, patient.patient_id, "crp", value, **who(registry))
    covariate = one(registry, Covariate)
    assert (covariate.number, covariate.code) == (None, "high")
    assert [action for action, _ in events(registry)] == [
        "covariate.recorded",
        "covariate.corrected",
    ]


def test_a_diagnosis_is_new_or_corrected(registry: Runtime) -> None:
    patient = a_patient(registry, diagnosis=None)
    for kind in ("systemic", "discoid"):
        with transaction(registry) as session:
            corrections.set_diagnosis(session, patient.patient_id, kind, **who(registry))
    assert one(registry, Diagnosis).kind == "discoid"
    assert [action for action, _ in events(registry)] == [
        "diagnosis.recorded",
        "diagnosis.corrected",
    ]


def test_consent_to_a_newer_text_is_added_and_a_wrong_one_corrected(registry: Runtime) -> None:
    patient = a_patient(registry, consent=None)
    for version, reason in (("1", None), ("2", None), ("2b", "other form")):
        consent = ConsentGiven(version=version, given_on=TREATED_ON)
        with transaction(registry) as session:
            told = {**who(registry), "reason": reason}
            corrections.record_consent(session, patient.patient_id, consent, **told)
    with reading(registry) as session:
        current = session.scalars(
            select(Consent.consent_version).where(known(Consent)).order_by(Consent.id)
        )
        assert list(current) == ["1", "2b"]
    assert follow_up_of(registry, patient.patient_id, 3).consent_version == "2b"


# ---- identity


def test_identity_is_corrected_sealed_and_found_anew(registry: Runtime) -> None:
    patient = a_patient(registry, person=a_person(name="Ada Invented", email="a@example.org"))
    vault, told = vault_of(registry), {"name": "Ada Married", "email": "b@example.org"}
    with transaction(registry) as session:
        corrections.change_identity(
            session, patient.patient_id, Person(**told), vault=vault, **who(registry)
        )
    with reading(registry) as session:
        person = identities.person_of(session, vault, patient.patient_id)
        assert person == Person(**told)
        assert identities.by_email(session, vault, "a@example.org") is None
        assert identities.by_email(session, vault, "B@example.org") == patient.patient_id
        kinds = session.scalars(select(IdentityIndex.kind)).all()
        assert sorted(kinds) == ["email", "name", "name"]
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "identity.corrected")
        ).one()
    assert sorted(event.changes) == ["birth_date", "email", "name", "telephone"]


def test_identity_that_does_not_differ_is_not_written(registry: Runtime) -> None:
    person = a_person()
    patient = a_patient(registry, person=person)
    with transaction(registry) as session:
        corrections.change_identity(
            session, patient.patient_id, person, vault=vault_of(registry), **who(registry)
        )
    assert events(registry) == []


def test_another_patients_address_is_refused(registry: Runtime) -> None:
    first, second = a_patient(registry), a_patient(registry, person=a_person(email="b@example.org"))
    with transaction(registry) as session, pytest.raises(AlreadyEnrolled) as refusal:
        corrections.change_identity(
            session,
            first.patient_id,
            Person(email="b@example.org"),
            vault=vault_of(registry),
            **who(registry),
        )
    assert refusal.value.patient_id == second.patient_id


def test_nobody_is_named_whose_key_was_destroyed(registry: Runtime) -> None:
    patient, vault = a_patient(registry), vault_of(registry)
    with transaction(registry) as session:
        session.get_one(DataKey, patient.patient_id).wrapped = None
        audit.record(
            session, by="test", at=registry.clock.now(), action="erased", subject="patient:1"
        )
    with reading(registry) as session:
        assert identities.person_of(session, vault, patient.patient_id) == Person()
    with transaction(registry) as session, pytest.raises(Erased):
        corrections.change_identity(
            session, patient.patient_id, Person(), vault=vault, **who(registry)
        )


# ---- the treatment date


def corrected(runtime: Runtime, patient: Enrolled, day: date) -> list[replanning.Change]:
    """Preview and correction, which say the same."""
    with reading(runtime) as session:
        preview = corrections.preview_treatment_date(
            session, patient.patient_id, day, by="Ada", at=runtime.clock.now()
        )
    with transaction(runtime) as session:
        done = corrections.correct_treatment_date(session, patient.patient_id, day, **who(runtime))
    assert preview == done
    return done


def test_a_corrected_treatment_date_moves_the_plan(registry: Runtime) -> None:
    given = (Given(given_on=TREATED_ON, route="intravenous"),)
    patient = a_patient(registry, administrations=given)
    changes = corrected(registry, patient, date(2025, 12, 31))
    assert [(change.before.due_on, change.after.due_on) for change in changes][:2] == [
        (date(2026, 1, 29), date(2026, 1, 31)),
        (date(2026, 3, 29), date(2026, 3, 31)),
    ]
    assert all(change.is_sent_again for change in changes)
    assert one(registry, TreatmentCourse).started_on == date(2025, 12, 31)
    assert one(registry, Administration).given_on == date(2025, 12, 31)
    row = follow_up_of(registry, patient.patient_id, 3)
    assert (row.due_on, row.opens_on, row.closes_on, row.link_ends_on, row.recall_from) == (
        date(2026, 3, 31),
        date(2026, 3, 2),
        date(2026, 5, 1),
        date(2026, 5, 31),
        date(2025, 12, 31),
    )
    assert events(registry) == [("treatment_date.corrected", "typed wrongly")]


def test_what_is_open_stays_open_and_is_not_sent_again(registry: Runtime) -> None:
    patient = a_patient(registry, treated_on=date(2025, 12, 5))
    a_letter(registry, patient, 1, "sent")
    change = corrected(registry, patient, date(2025, 12, 10))[0]
    assert (change.after.state, change.is_sent_again) == ("open", False)


def test_what_is_begun_but_not_mailed_waits_for_its_new_day(registry: Runtime) -> None:
    """Found by the simulation: its window is open, its letter must not go before it is due."""
    patient = a_patient(registry, treated_on=date(2025, 12, 5))
    a_letter(registry, patient, 1, "leased")
    change = corrected(registry, patient, date(2025, 12, 10))[0]
    assert (change.after.state, change.is_sent_again) == ("planned", True)
    with reading(registry) as session:
        assert session.scalar(select(OutboxEmail.state)) == "cancelled"


def test_a_follow_up_that_was_opened_too_early_is_planned_again(registry: Runtime) -> None:
    patient = a_patient(registry, treated_on=date(2025, 12, 5))
    a_letter(registry, patient, 1, "queued")
    change = corrected(registry, patient, date(2026, 1, 2))[0]
    assert (change.after.state, change.is_sent_again) == ("planned", True)
    assert follow_up_of(registry, patient.patient_id, 1).opened_at is None
    with reading(registry) as session:
        letter = session.scalars(select(OutboxEmail)).one()
    assert (letter.state, letter.state_reason) == ("cancelled", "the treatment date was corrected")


def test_a_follow_up_whose_window_moved_into_the_past_is_missed(registry: Runtime) -> None:
    patient = a_patient(registry)
    a_letter(registry, patient, 1, "leased")
    corrected(registry, patient, date(2025, 9, 1))
    row = follow_up_of(registry, patient.patient_id, 1)
    assert (row.state, row.state_reason) == (
        "missed",
        "its window ended before the treatment date was corrected",
    )
    assert row.ended_at == registry.clock.now()
    with reading(registry) as session:
        assert session.scalar(select(OutboxEmail.state)) == "cancelled"


def test_a_missed_follow_up_whose_window_comes_again_is_asked(registry: Runtime) -> None:
    never_sent = a_patient(registry, treated_on=date(2025, 9, 1))
    assert never_sent.plan[0].state == "missed"
    assert corrected(registry, never_sent, date(2025, 12, 10))[0].after.state == "planned"
    still_missed = corrected(registry, never_sent, date(2025, 9, 2))[0].after
    assert still_missed.state == "missed"


def test_a_missed_follow_up_that_was_sent_is_open_again(registry: Runtime) -> None:
    patient = a_patient(registry)
    a_letter(registry, patient, 1, "sent")
    corrected(registry, patient, date(2025, 9, 1))
    change = corrected(registry, patient, date(2025, 12, 10))[0]
    assert (change.after.state, change.is_sent_again) == ("open", False)
    assert follow_up_of(registry, patient.patient_id, 1).ended_at is None


def test_answers_stay_and_are_in_time_or_late_by_the_new_window(registry: Runtime) -> None:
    patient = a_patient(registry, treated_on=date(2025, 10, 1))
    an_answered_follow_up(registry, patient, 3, on=date(2026, 1, 5))
    assert corrected(registry, patient, date(2025, 8, 1))[1].after.state == "answered_late"
    assert corrected(registry, patient, date(2025, 10, 1))[1].after.state == "answered"
    row = follow_up_of(registry, patient.patient_id, 6)
    assert row.recall_from == date(2025, 10, 1)


def test_what_was_called_off_stays_so(registry: Runtime) -> None:
    patient = a_patient(registry)
    with transaction(registry) as session:
        endings.record_withdrawal(
            session, patient.patient_id, date(2026, 1, 2), by="Ada", at=registry.clock.now()
        )
    changes = corrected(registry, patient, date(2025, 12, 31))
    assert {change.after.state for change in changes} == {"cancelled"}
    assert follow_up_of(registry, patient.patient_id, 1).due_on == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 1, 7), "2026-01-07 lies in the future"),
        (date(2026, 1, 4), "2026-01-04 is after the death on 2026-01-03"),
        (date(2026, 1, 4), "2026-01-04 is after the withdrawal on 2026-01-02"),
    ],
)
def test_an_impossible_treatment_date_is_refused(registry: Runtime, day: date, words: str) -> None:
    patient = a_patient(registry, died_on=date(2026, 1, 3), withdrawn_on=date(2026, 1, 2))
    with reading(registry) as session, pytest.raises(Unusable, match=words):
        corrections.preview_treatment_date(
            session, patient.patient_id, day, by="Ada", at=registry.clock.now()
        )
    with transaction(registry) as session, pytest.raises(Unusable, match=words):
        corrections.correct_treatment_date(session, patient.patient_id, day, **who(registry))
    with reading(registry) as session:
        assert session.scalar(select(func.count(TreatmentCourse.id))) == 1
