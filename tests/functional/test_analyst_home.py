"""The analyst's home: the newest figures and what changed; and a site too small to be shown."""

import re
from dataclasses import replace
from datetime import date

import pytest
from functional.applications import staff_app
from functional.figures_visitor import DUE, FIGURES, answered, fill
from functional.staff_visitor import Staff, member, text_of
from spec.little import Noted, Person
from sqlalchemy import select

from registry.actions import accounts
from registry.db import transaction
from registry.models import Site
from registry.runtime import Runtime

NEWEST, BEFORE = "31 December 2025", "30 September 2025"


def analyst(runtime: Runtime, site: str | None = None) -> Staff:
    return Staff(staff_app(runtime)).sign_in(member(runtime, "analyst", site=site))


def few(number: int, site: str) -> list[Person]:
    """So many people of a site who all answered."""
    told = tuple(answered(month, True) for month in DUE)
    return [Person(treated_on=date(2025, 8, 4), site=site, answers=told) for _ in range(number)]


def large() -> list[Person]:
    """Of 60 people 40 answer both times, and of those 10 in part; 20 are not reached."""
    people = few(30, "A")
    told = tuple(answered(month, False, "partial") for month in DUE)
    people += [replace(people[0], site="B", answers=told) for _ in range(10)]
    log = tuple(Noted(month, "no_contact", day) for month, day in DUE.items())
    return people + [replace(people[0], site="B", answers=(), log=log) for _ in range(20)]


def test_the_newest_figures_stand_on_the_first_page(registry: Runtime) -> None:
    fill(registry, large())
    said = text_of(analyst(registry).get("/").text)
    assert f"All sites · 60 treated · up to {NEWEST}" in said
    assert "Answers at each time-point" in said
    assert re.search(r"Month 1 60 30 of 60 \(50\.0\s%, [^)]*\) 40 of 60 \(66\.7\s%", said), said
    assert "30 of 40 (75.0" in said
    assert "Month 24 hidden hidden" in said
    assert "Response : how many answered, by wave and site" in said


def test_what_changed_since_the_cut_off_before(registry: Runtime) -> None:
    fill(registry, large())
    page = analyst(registry).get("/")
    said = text_of(page.text)
    assert f"What changed since {BEFORE}" in said
    assert "Treated 60 60" in said
    then_and_now = said.partition("Month 3: complete answers ")[2]
    assert then_and_now.startswith("hidden 30 of 60 (50.0")
    assert 'href="/figures/tables.json?as_of=2025-12-31"' in page.text


def test_a_first_quarter_has_nothing_to_compare_with(registry: Runtime) -> None:
    late = [replace(one, treated_on=date(2025, 10, 6)) for one in few(30, "A")]
    fill(registry, late)
    assert "There is one cut-off so far" in text_of(analyst(registry).get("/").text)


@pytest.mark.parametrize(("here", "elsewhere"), [(12, 40), (40, 12)])
def test_a_small_site_is_explained_and_not_refused(
    registry: Runtime, here: int, elsewhere: int
) -> None:
    fill(registry, few(here, "A") + few(elsewhere, "B"))
    reader = analyst(registry, "A")
    for address in ("/", *(f"/figures/{name}" for name in FIGURES)):
        said = text_of(reader.get(address).text)
        assert "are not shown" in said
        assert "fewer than 20 patients were treated there, or fewer than 20 at all other" in said
        assert "What you can see instead" in said
        assert " of 12" not in said
        assert " of 40" not in said
    reader.get("/figures/response.csv", status=403)
    reader.get("/figures/report.json", status=403)
    page = reader.get("/figures/safety?as_of=2025-09-30")
    assert 'href="/figures/safety?site=A&amp;as_of=2025-12-31"' in page.text
    assert 'href="/protocol"' in page.text
    reader.get("/protocol")
    reader.get("/figures/codebook.csv")


def test_another_site_of_ones_own_is_offered(registry: Runtime) -> None:
    fill(registry, few(12, "A") + few(40, "B") + few(40, "C"))
    user = member(registry, "analyst", site="A")
    with transaction(registry) as session:
        sites = session.scalars(select(Site).where(Site.code.in_(("A", "B")))).all()
        grants = [("analyst", site.id) for site in sites]
        accounts.set_roles(session, user.id, grants, by="test", at=registry.clock.now())
    reader = Staff(staff_app(registry)).sign_in(user)
    page = reader.get("/")
    assert "The figures of Clinic A are not shown" in text_of(page.text)
    assert "Another of your sites: Clinic B" in text_of(page.text)
    assert 'href="/figures/response?site=B&amp;as_of=2025-12-31"' in page.text
    assert "40 of 40" in text_of(reader.get("/figures/response?site=B").text)


def test_an_auditor_sees_the_same_and_an_administrator_no_figure(registry: Runtime) -> None:
    fill(registry, large())
    app = staff_app(registry)
    auditor = Staff(app).sign_in(member(registry, "auditor", site=None))
    assert "Answers at each time-point" in text_of(auditor.get("/").text)
    administrator = Staff(app).sign_in(member(registry, "administrator", site=None))
    said = text_of(administrator.get("/").text)
    assert "Answers at each time-point" not in said
    assert "Users : accounts" in said
