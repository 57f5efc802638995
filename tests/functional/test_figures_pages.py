"""The pages of figures: what stands on them, by which cut, for whom, and as which file."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from xml.parsers import expat

import pytest
from factories import a_patient, a_site
from functional.conftest import SignIn
from functional.figures_visitor import FIGURES, fill, small_registry, words_of
from functional.staff_visitor import text_of

from registry import published
from registry.clock import FixedClock
from registry.db import reading
from registry.protocols import bundled
from registry.reports.report import build
from registry.runtime import Runtime

CUT = "as_of=2025-12-31"
PICTURES = {
    "response": ("response-rates",),
    "outcomes": tuple(outcome.code for outcome in bundled().outcomes),
    "safety": ("events-clinic", "events-patients"),
    "survival": ("survival", "survival-last-contact", "first-serious-event"),
    "published": ("shares", "differences"),
}


@pytest.fixture
def filled(registry: Runtime) -> Runtime:
    """The small registry, on both databases."""
    fill(registry, small_registry())
    return registry


def read(sign_in: SignIn, page: str, role: str = "data_manager") -> str:
    """The words of a page of figures at the end of 2025."""
    return text_of(sign_in(role, site=None).get(f"/figures/{page}?{CUT}").text)


def is_well_formed(drawing: str) -> bool:
    """Whether an XML parser takes it whole; it says where if not."""
    return expat.ParserCreate().Parse(drawing.encode(), True) == 1


def test_response_rates_from_treated_to_answered(filled: Runtime, sign_in: SignIn) -> None:
    page = read(sign_in, "response")
    # 61 were alive at month 3; one died before and counts in no rate
    assert "At month 3, 40 of 61 patients who were due and alive gave a complete answer" in page
    assert "Treated 62 by the cut-off" in page
    assert "Due at month 3 62 not yet due: 0" in page
    assert "Reached 57 of 61 (93.4 %" in page
    assert "Month 1 41 12 2 4 3 0 62 0 62 0 0 0" in page
    assert "Month 3 40 12 2 4 3 0 61 1 62 0 0 0" in page
    assert "Month 24 0 0 0 0 0 0 0 0 0 62 0 0" in page


def test_every_rate_has_its_interval_and_sites_add_up(filled: Runtime, sign_in: SignIn) -> None:
    page = read(sign_in, "response")
    assert "Month 1 66.1 (53.7–76.7) 85.5 (74.7–92.2)".replace("–", "\u2060–\u2060") in page
    assert "Clinic A 36 of 36" in page
    assert "Clinic B 4 of 25" in page


def test_an_outcome_stands_under_every_rule(filled: Runtime, sign_in: SignIn) -> None:
    page = read(sign_in, "outcomes")
    assert "Better or much better" in page
    # month 3: 24 of 40 who answered, one dead, 21 silent: 24 to 45 of 62
    assert "24 of 40 (60.0 %" in page
    assert "38.7 to 72.6 %" in page
    assert "45 of 62 (72.6 %" in page
    assert "24 of 61 (39.3 %" in page
    assert "40 of 62 patients due answered (RR1 65.6 %)" in page


def test_events_are_counted_by_source_and_together(filled: Runtime, sign_in: SignIn) -> None:
    page = read(sign_in, "safety")
    assert "Any event 20 of 62" in page
    assert "at most 29 of 62" in page  # 9 were never asked and had none that the clinic knows of
    assert "Pneumonia 3 of 62" in page
    assert "Malignancy 0 of 62 0 (up to 4.7 %)" in page
    assert "Never asked 9" in page


def test_survival_says_what_it_takes_the_silent_for(filled: Runtime, sign_in: SignIn) -> None:
    page = read(sign_in, "survival")
    assert "Of 62 treated, 1 are known to have died within two years." in page
    assert "Month 3 (day 91)" in page
    assert "Patients leave the curve on the last day on which they answered" in page


def test_the_first_serious_event_stands_with_death_beside_it(
    filled: Runtime, sign_in: SignIn
) -> None:
    page = read(sign_in, "survival")
    assert "First serious adverse event" in page
    assert "Patients with one 3" in page
    assert "Died without one 1" in page
    assert "Had one before" in page
    assert "Aalen-Johansen, death competing" in page


def test_the_blinded_trial_is_always_on_the_page(registry: Runtime, sign_in: SignIn) -> None:
    page = read(sign_in, "published")
    assert "In the blinded trial, Deng 2017, renal remission" in page
    assert "9 of 12 (75.0 %" in page
    assert "5 of 6 (83.3 %" in page


def test_a_published_figure_stands_beside_the_registrys(filled: Runtime, sign_in: SignIn) -> None:
    page = read(sign_in, "published")
    assert "Better or much better, month 1" in page
    assert "Liang 2010 (case)" in page
    assert "One cohort may stand here twice" in page
    assert "Another time-point" in page


def test_ratios_tests_and_tipping_points_stand_under_the_pictures(
    filled: Runtime, sign_in: SignIn
) -> None:
    page = read(sign_in, "published")
    assert "How many of the silent would change it" in page
    assert "had it." in page or "whatever the silent had." in page
    assert "Ratios and tests" in page
    assert "Risk ratio: Miettinen-Nurminen score; odds ratio: Miettinen-Nurminen score" in page
    assert "Intervals: Wilson, 95 %" in page
    assert "Intervals: Newcombe, 95 %" in page
    released = read(sign_in, "published", role="analyst")
    assert "Ratios and tests" in released
    assert "suppressed" in released or "hidden" in released


def test_every_letter_leads_to_what_differs(filled: Runtime, sign_in: SignIn) -> None:
    html = sign_in("data_manager", site=None).get(f"/figures/published?{CUT}").text
    wanted = set(re.findall(r'href="#(differs-\w+)"', html))
    assert len(wanted) > 5
    assert wanted == set(re.findall(r'id="(differs-\w+)"', html))


@pytest.mark.parametrize("page", FIGURES)
def test_a_page_of_an_empty_registry_says_so(registry: Runtime, sign_in: SignIn, page: str) -> None:
    for role in ("data_manager", "analyst"):
        words = text_of(sign_in(role, site=None).get(f"/figures/{page}").text)
        assert "To cite these figures" in words
        assert "nan" not in words.lower().split()


@pytest.mark.parametrize("page", FIGURES)
def test_every_page_says_how_to_cite_it(filled: Runtime, sign_in: SignIn, page: str) -> None:
    protocol = bundled()
    cited = read(sign_in, page).partition("To cite these figures")[2]
    for part in (
        "Outcomes Registry, all sites",
        f"{protocol.code} version {protocol.version}",
        f"fingerprint {protocol.fingerprint[:12]}",
        "cut-off 31 December 2025",
        "Software ",
    ):
        assert part in cited


@pytest.mark.parametrize("page", FIGURES)
def test_every_picture_is_a_file_that_says_what_it_is(
    filled: Runtime, sign_in: SignIn, page: str
) -> None:
    reader = sign_in("data_manager", site=None)
    html = reader.get(f"/figures/{page}?{CUT}").text
    for name in PICTURES[page]:
        assert f"/figures/{page}/{name}.svg?{CUT}" in html
        answer = reader.get(f"/figures/{page}/{name}.svg?{CUT}")
        assert answer.mimetype == "image/svg+xml"
        file = answer.headers["Content-Disposition"]
        assert file == f'attachment; filename="{name}-2025-12-31-all-sites-internal.svg"'
        assert is_well_formed(answer.text)
        words = words_of(answer.text)
        assert "62 treated" in words
        assert f"fingerprint {bundled().fingerprint[:12]}" in words


def test_a_picture_that_is_not_there_is_not_found(registry: Runtime, sign_in: SignIn) -> None:
    for page in FIGURES:
        sign_in("analyst", site=None).get(f"/figures/{page}/other.svg", 404)


def test_tables_are_the_reports(filled: Runtime, sign_in: SignIn) -> None:
    reader = sign_in("data_manager", site=None)
    rows = csv.DictReader(io.StringIO(reader.get(f"/figures/response.csv?{CUT}").text))
    month = {row["month"]: row for row in rows}["3"]
    assert [month[x] for x in ("I", "P", "R", "NC", "O", "U", "NE")] == [
        "40",
        "12",
        "2",
        "4",
        "3",
        "0",
        "1",
    ]
    for page in FIGURES:
        header = next(csv.reader(io.StringIO(reader.get(f"/figures/{page}.csv?{CUT}").text)))
        assert header[:4] == ["as_of", "known_at", "site", "profile"]
    book = csv.DictReader(io.StringIO(reader.get("/figures/codebook.csv").text))
    assert {"response_rates", "outcomes", "safety"} <= {row["table"] for row in book}


@pytest.mark.parametrize("profile", ["internal", "release"])
def test_the_document_is_the_commands(filled: Runtime, sign_in: SignIn, profile: str) -> None:
    role = "data_manager" if profile == "internal" else "analyst"
    text = sign_in(role, site=None).get(f"/figures/report.json?{CUT}").text
    with reading(filled) as session:
        report = build(
            session, bundled(), published.library(), as_of=date(2025, 12, 31), profile=profile
        )
    assert text == report.as_text()
    tables = json.loads(sign_in(role, site=None).get(f"/figures/tables.json?{CUT}").text)
    assert set(tables) == {"citation", "tables", "codebook"}


# ---- cut-off and site


def test_a_cut_off_leaves_out_what_is_dated_later(filled: Runtime, sign_in: SignIn) -> None:
    reader = sign_in("nurse", site=None)
    early = text_of(reader.get("/figures/response?as_of=2025-09-30").text)
    # windows of month 1 had closed for those treated by 17 August only
    assert "Treated 62" in early
    assert "Due at month 1 31 not yet due: 31" in early


def test_today_is_the_cut_off_unless_another_is_chosen(
    filled: Runtime, sign_in: SignIn, clock: FixedClock
) -> None:
    html = sign_in("nurse", site=None).get("/figures/response").text
    assert "5 January 2026 (today)" in html
    offered = re.findall(r'<option value="(20[\d-]+)"', html)
    assert offered == ["2026-01-05", "2025-12-31", "2025-11-30", "2025-10-31", "2025-09-30",
                       "2025-08-31"]  # fmt: skip


def test_a_cut_off_in_the_future_is_refused(filled: Runtime, sign_in: SignIn) -> None:
    reader = sign_in("nurse", site=None)
    assert "lies in the future" in reader.get("/figures/safety?as_of=2026-01-06", 422).text
    assert "is no date" in reader.get("/figures/safety?as_of=soon", 422).text
    assert reader.get("/figures/safety?as_of=2025-10-07").status_code == 200


def test_figures_of_one_site(filled: Runtime, sign_in: SignIn) -> None:
    reader = sign_in("data_manager", site=None)
    html = reader.get(f"/figures/response?{CUT}&site=A").text
    assert "At month 3, 36 of 36 patients" in text_of(html)
    assert "Clinic A" in html
    assert f"/figures/response.csv?{CUT}&amp;site=A" in html
    assert "By site" not in html


def test_who_has_one_site_gets_that_site_alone(filled: Runtime, sign_in: SignIn) -> None:
    nurse = sign_in("nurse", site="A")
    html = nurse.get(f"/figures/response?{CUT}").text
    assert "At month 3, 36 of 36 patients" in text_of(html)
    assert "Clinic B" not in html
    nurse.get(f"/figures/response?{CUT}&site=B", 404)
    nurse.get(f"/figures/response?{CUT}&site=Z", 404)


def test_released_figures_come_by_quarter_for_all_sites(filled: Runtime, sign_in: SignIn) -> None:
    analyst = sign_in("analyst", site=None)
    html = analyst.get("/figures/response").text
    assert re.findall(r'<option value="(20[\d-]+)"', html) == ["2025-12-31", "2025-09-30"]
    assert 'name="site"' not in html
    for query in ("as_of=2025-12-30", "as_of=2025-11-30", "as_of=2026-01-05"):
        analyst.get(f"/figures/response?{query}", 422)
    analyst.get("/figures/response?site=A", 404)


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("nurse", "internal figures, exact counts"),
        ("clinician", "internal figures, exact counts"),
        ("data_manager", "internal figures, exact counts"),
        ("analyst", "released figures"),
        ("auditor", "released figures"),
    ],
)
def test_exact_counts_are_for_those_who_work_with_records(
    filled: Runtime, sign_in: SignIn, role: str, words: str
) -> None:
    for page in FIGURES:
        assert words in read(sign_in, page, role)


def test_an_administrator_gets_no_figures(registry: Runtime, sign_in: SignIn) -> None:
    for page in FIGURES:
        sign_in("administrator", site=None).get(f"/figures/{page}", 403)


def test_files_of_a_site_too_small_to_be_released_are_refused(
    registry: Runtime, sign_in: SignIn
) -> None:
    a_site(registry, "A")
    a_patient(registry, treated_on=date(2025, 9, 1))
    reader = sign_in("analyst", site="A")
    for file in ("response.csv", "report.json", "tables.json"):
        assert "fewer than 20" in reader.get(f"/figures/{file}", 403).text


@pytest.fixture
def open_page(sign_in: SignIn) -> Callable[[str], str]:
    """Opens a page of figures as a data manager of all sites."""
    reader = sign_in("data_manager", site=None)
    return lambda address: reader.get(address).text


def test_the_same_cut_goes_from_page_to_page(
    filled: Runtime, open_page: Callable[[str], str]
) -> None:
    html = open_page(f"/figures/response?{CUT}&site=B")
    for page in FIGURES[1:]:
        assert f"/figures/{page}?{CUT}&amp;site=B" in html
