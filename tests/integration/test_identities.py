"""Finding patients: by number, name, e-mail and birth date, within one's own sites."""

from datetime import date

import pytest
from factories import a_patient, a_person, a_site, vault_of

from registry.db import reading
from registry.queries import identities
from registry.queries.identities import Person
from registry.runtime import Runtime

BORN = date(1980, 2, 3)


@pytest.fixture
def people(registry: Runtime) -> Runtime:
    """Three patients at A, one at B."""
    for site, name, email, born in (
        ("A", "Ada María Invented", "ada@example.org", BORN),
        ("A", "Ada Otherwise", "ada2@example.org", date(1981, 2, 3)),
        ("A", None, None, None),
        ("B", "Eve Invented", "eve@example.org", BORN),
    ):
        a_patient(registry, site, person=Person(name=name, email=email, birth_date=born))
    return registry


def found(runtime: Runtime, text: str, *sites: str, limit: int = 50) -> list[str]:
    ids = [a_site(runtime, code).id for code in sites] if sites else None
    with reading(runtime) as session:
        rows = identities.find(session, vault_of(runtime), text, ids, limit)
    return [row.study_number for row in rows]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("ada", ["R-0001", "R-0002"]),
        ("INVENTED", ["R-0001", "R-0004"]),
        ("maría  ada", ["R-0001"]),
        ("Ada@Example.org", ["R-0001"]),
        ("r-0003", ["R-0003"]),
        (" R-0003 ", ["R-0003"]),
        ("1980-02-03", ["R-0001", "R-0004"]),
        ("1980-02-04", []),
        ("inv", []),
        ("", []),
        (" ", []),
    ],
)
def test_a_patient_is_found(people: Runtime, text: str, numbers: list[str]) -> None:
    assert found(people, text) == numbers


def test_only_patients_of_ones_own_sites_are_found(people: Runtime) -> None:
    assert found(people, "invented", "B") == ["R-0004"]
    assert found(people, "1980-02-03", "A") == ["R-0001"]
    assert found(people, "r-0004", "A") == []
    with reading(people) as session:
        assert identities.find(session, vault_of(people), "ada", []) == []


def test_not_more_are_shown_than_asked_for(people: Runtime) -> None:
    assert found(people, "invented", limit=1) == ["R-0001"]
    assert found(people, "1980-02-03", limit=1) == ["R-0001"]


def test_birth_dates_of_one_bucket_are_told_apart(registry: Runtime) -> None:
    """4,096 buckets hold all dates: these two dates share one."""
    vault = vault_of(registry)
    seen: dict[str, date] = {}
    day = date(1950, 1, 1)
    while (bucket := vault.birth_date_digest(day.isoformat())) not in seen:
        seen[bucket] = day
        day = date.fromordinal(day.toordinal() + 1)
    for born in (seen[bucket], day):
        a_patient(registry, person=a_person(birth_date=born))
    assert found(registry, day.isoformat()) == ["R-0002"]


def test_a_person_is_opened_as_sealed(registry: Runtime) -> None:
    person = a_person(name="Ada María Invented")
    patient = a_patient(registry, person=person)
    with reading(registry) as session:
        assert identities.person_of(session, vault_of(registry), patient.patient_id) == person
        assert identities.person_of(session, vault_of(registry), 999) == Person()
