"""Medicines at baseline put right on a page: versions with a reason, and the dose that follows."""

from decimal import Decimal

from factories import a_patient
from functional.conftest import SignIn
from functional.staff_visitor import text_of
from sqlalchemy import select

from registry import audit
from registry.actions.enrolment import Enrolled
from registry.actions.facts import MedicineTaken
from registry.db import reading
from registry.models import Covariate, Medicine, known
from registry.runtime import Runtime

STEROID = MedicineTaken(
    medicine_class="corticosteroid", name="methylprednisolone", daily_dose_mg=Decimal("100")
)
OTHER = MedicineTaken(medicine_class="antimalarial", name="hydroxychloroquine")


def someone(registry: Runtime) -> Enrolled:
    return a_patient(registry, medicines=(STEROID, OTHER))


def dose(registry: Runtime) -> Decimal | None:
    """The covariate as it stands now."""
    with reading(registry) as session:
        return session.scalar(
            select(Covariate.number).where(
                Covariate.name == "prednisone_mg_per_day", known(Covariate)
            )
        )


def key_of(registry: Runtime, name: str) -> str:
    with reading(registry) as session:
        return session.scalars(
            select(Medicine.fact_key).where(Medicine.name == name, known(Medicine))
        ).one()


def test_a_steroid_is_corrected_and_the_dose_follows(registry: Runtime, sign_in: SignIn) -> None:
    patient = someone(registry)
    assert dose(registry) == 125
    nurse = sign_in("nurse")
    record = f"/patients/{patient.study_number}"
    assert "methylprednisolone 100 mg a day, 125 mg as prednisone" in text_of(
        nurse.get(record).text
    )
    before = registry.clock.now()
    registry.clock.advance(minutes=5)
    address = f"{record}/medicines/{key_of(registry, 'methylprednisolone')}"
    nurse.fill(address, {"daily_dose_mg": "10", "reason": "a nought too many"})
    assert dose(registry) == Decimal("12.5")
    said = text_of(nurse.get(record).text)
    assert "methylprednisolone 10 mg a day, 12.5 mg as prednisone" in said
    with reading(registry) as session:
        versions = session.scalars(
            select(Medicine).where(Medicine.name == "methylprednisolone").order_by(Medicine.id)
        ).all()
        assert [one.daily_dose_mg for one in versions] == [100, 10]
        assert [one.reason for one in versions] == [None, "a nought too many"]
        then = select(Covariate.number).where(
            Covariate.name == "prednisone_mg_per_day", known(Covariate, before)
        )
        assert session.scalar(then) == 125
        assert audit.verify(session).broken is None


def test_a_correction_needs_a_reason(registry: Runtime, sign_in: SignIn) -> None:
    patient = someone(registry)
    key = key_of(registry, "hydroxychloroquine")
    address = f"/patients/{patient.study_number}/medicines/{key}"
    page = sign_in("data_manager").fill(address, {"name": "chloroquine"}, status=422)
    assert "Enter reason for the correction" in text_of(page.text)
    assert 'value="chloroquine"' in page.text
    key_of(registry, "hydroxychloroquine")


def test_a_medicine_is_taken_back(registry: Runtime, sign_in: SignIn) -> None:
    patient = someone(registry)
    nurse = sign_in("nurse")
    record = f"/patients/{patient.study_number}"
    address = f"{record}/medicines/{key_of(registry, 'methylprednisolone')}"
    nurse.fill(address, {"undo": "yes", "reason": "another patient's"})
    assert dose(registry) == 0
    assert "methylprednisolone" not in text_of(nurse.get(record).text)
    nurse.get(address, status=404)


def test_a_missing_medicine_is_added(registry: Runtime, sign_in: SignIn) -> None:
    patient = someone(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}/medicines/new"
    steroid = {"medicine_class": "corticosteroid", "name": "Prednisone", "daily_dose_mg": "5"}
    nurse.fill(address, steroid | {"reason": "found in the letter"})
    assert dose(registry) == 130
    told = {"medicine_class": "nsaid", "name": "ibuprofen", "reason": "found in the letter"}
    nurse.fill(address, told)
    assert dose(registry) == 130
    assert "ibuprofen" in text_of(nurse.get(f"/patients/{patient.study_number}").text)


def test_a_steroid_of_unknown_strength_leaves_the_dose_unknown(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = someone(registry)
    nurse = sign_in("nurse")
    address = f"/patients/{patient.study_number}/medicines/new"
    unknown = {"medicine_class": "corticosteroid", "name": "elixir", "reason": "found"}
    page = nurse.fill(address, unknown | {"daily_dose_mg": "5"}, status=422)
    assert "The dose of elixir in mg of prednisone is not known" in text_of(page.text).replace(
        "As prednisone: the", "The"
    )
    assert dose(registry) == 125
    nurse.fill(address, unknown)  # a steroid, but how much nobody wrote down
    assert dose(registry) is None
    nurse.fill(
        f"/patients/{patient.study_number}/medicines/{key_of(registry, 'elixir')}",
        {"daily_dose_mg": "5", "prednisone_mg_per_day": "2.5", "reason": "the pharmacy knew"},
    )
    assert dose(registry) == Decimal("127.5")


def test_a_dose_from_a_file_stays_where_no_steroid_is_touched(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry, covariates={"prednisone_mg_per_day": Decimal(15)})
    told = {"medicine_class": "nsaid", "name": "ibuprofen", "reason": "found in the letter"}
    sign_in("nurse").fill(f"/patients/{patient.study_number}/medicines/new", told)
    assert dose(registry) == 15


def test_two_who_correct_the_same_medicine(registry: Runtime, sign_in: SignIn) -> None:
    patient = someone(registry)
    key = key_of(registry, "methylprednisolone")
    address = f"/patients/{patient.study_number}/medicines/{key}"
    ann, ben = sign_in("nurse"), sign_in("nurse")
    opened = ben.get(address)
    ann.fill(address, {"daily_dose_mg": "10", "reason": "a nought too many"})
    refused = ben.send(opened, {"name": "Medrol", "reason": "its name"}, status=409)
    assert "Somebody changed this" in text_of(refused.text)
    assert dose(registry) == Decimal("12.5")
