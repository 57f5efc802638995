"""What is advertised, held against the registry's figures; what administrators add to it."""

from dataclasses import replace
from datetime import date

import pytest
from functional.conftest import SignIn
from functional.figures_visitor import answered, fill
from functional.staff_visitor import text_of
from spec.little import Answered, Event, Person
from sqlalchemy import select

from registry.db import reading
from registry.models import AuditEvent, ClaimVersion
from registry.runtime import Runtime

CUT = "?as_of=2025-12-31"
PAGE = f"/figures/claims{CUT}"
TREATED = date(2025, 8, 4)
TOLD = {
    "words": "nine of ten patients feel better after a month",
    "source": "Web page of an invented clinic",
    "read": "3 January 2026",
    "outcome": "responder",
    "kind": "at_least",
    "threshold": "90",
    "month": "1",
}

WRONG: list[tuple[dict[str, str], str]] = [
    ({"threshold": ""}, "Claimed share is empty"),
    ({"kind": "none"}, "leave it empty"),
    ({"threshold": "120"}, "Claimed share is more than 100"),
    ({"month": "soon"}, "is not a whole number"),
    ({"words": ""}, "Enter the words as advertised"),
    ({"outcome": "happiness"}, "the protocol has no outcome happiness"),
]
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def people(better: int, worse: int, silent: int = 0) -> list[Person]:
    """People of whom so many were better at months 1 and 3, worse, or did not answer."""
    someone = Person(treated_on=TREATED)
    by_answer = {True: better, False: worse}
    told = [
        replace(someone, answers=tuple(answered(month, each) for month in (1, 3)), visits=(0,))
        for each, amount in by_answer.items()
        for _ in range(amount)
    ]
    return told + [someone] * silent


def card(page: str, words: str) -> str:
    """What stands on the page about one statement."""
    start = page.index(f"“{words}")
    end = page.find("“", start + 1)
    return page[start : end if end > 0 else None]


def read(sign_in: SignIn, words: str, role: str = "data_manager") -> str:
    return card(text_of(sign_in(role, site=None).get(PAGE).text), words)


@SQLITE
def test_a_claim_without_a_time_is_not_testable_and_says_what_would_make_it_so(
    registry: Runtime, sign_in: SignIn
) -> None:
    found = read(sign_in, "three out of every four")
    assert "Not testable: the words name no time" in found
    assert "To test it A definition of benefit and the month" in found


@SQLITE
@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((40, 2, 3), "Supported"),
        ((4, 40, 3), "Contradicted"),
        ((20, 10, 15), "Not determined: it depends on the silent"),
        ((6, 5, 0), "Not determined: too few patients to tell"),
    ],
)
def test_a_share_is_judged_by_its_bounds(
    registry: Runtime, sign_in: SignIn, counts: tuple[int, int, int], verdict: str
) -> None:
    fill(registry, people(*counts))
    found = read(sign_in, "results should become obvious")
    assert found.split("” ")[1].startswith(verdict)
    better, _, silent = counts
    assert f"{better} of {sum(counts)} (" in found
    assert f"{better + silent} of {sum(counts)} (" in found


def test_nobody_with_a_serious_event_is_never_a_proof(registry: Runtime, sign_in: SignIn) -> None:
    long_ago = Person(treated_on=date(2023, 8, 7))
    told = replace(long_ago, answers=(Answered(24, 730),))
    fill(registry, [*[told] * 30, *[long_ago] * 8, *people(20, 10, 8)])
    found = read(sign_in, "our patients have not experienced")
    assert "Not determined: no number of patients without shows that nobody will" in found
    # over the 30 who answered at month 24, not the 60 who ever did: 1 - 0.05 ** (1 / 30)
    assert "0 of 30 (up to 9.5" in found
    assert "of those who answered at that month or later" in found


@SQLITE
def test_before_the_month_nobody_tells_that_nobody_had_it(
    registry: Runtime, sign_in: SignIn
) -> None:
    fill(registry, people(20, 10))
    found = read(sign_in, "our patients have not experienced")
    assert "known of nobody so far, and nobody can tell yet" in found
    assert "of 30" not in found


def test_the_first_serious_event_contradicts_before_anybody_is_due(
    registry: Runtime, sign_in: SignIn
) -> None:
    several = people(20, 10)
    several[3] = replace(several[3], events=(Event("Pneumonia", 20, serious=True, grade=3),))
    fill(registry, several)
    found = read(sign_in, "our patients have not experienced")
    assert "Contradicted" in found
    assert "1 of 30 (" in found
    assert "of all patients treated" in found


def test_an_administrator_adds_a_claim_and_corrects_it(registry: Runtime, sign_in: SignIn) -> None:
    fill(registry, people(40, 2, 3))
    administrator = sign_in("administrator", site=None)
    page = administrator.follow(administrator.fill("/claims/add", TOLD))
    assert "The claim is saved." in page.text
    assert "Add a claim" in page.text
    with reading(registry) as session:
        row = session.scalars(select(ClaimVersion)).one()
    told = {"threshold": "80", "reason": "the page says four of five"}
    administrator.fill(f"/claims/{row.fact_key}", told)
    with reading(registry) as session:
        versions = session.scalars(select(ClaimVersion).order_by(ClaimVersion.id)).all()
        trail = session.scalars(
            select(AuditEvent.action).where(AuditEvent.subject == f"claim:{row.fact_key}")
        ).all()
    assert [float(one.threshold or 0) for one in versions] == [0.9, 0.8]
    assert versions[0].superseded_at == versions[1].recorded_at
    assert versions[1].reason == "the page says four of five"
    assert trail == ["claim.added", "claim.corrected"]
    assert "first entered" in administrator.get(f"/claims/{row.fact_key}").text


@SQLITE
def test_a_claim_that_was_taken_off_is_kept_and_not_shown(
    registry: Runtime, sign_in: SignIn
) -> None:
    administrator = sign_in("administrator", site=None)
    administrator.fill("/claims/add", TOLD)
    with reading(registry) as session:
        key = session.scalars(select(ClaimVersion.fact_key)).one()
    administrator.fill(f"/claims/{key}/drop", {"reason": "entered twice"})
    assert TOLD["words"] not in administrator.get(PAGE).text
    administrator.get(f"/claims/{key}", status=404)
    with reading(registry) as session:
        assert session.scalars(select(ClaimVersion)).one().superseded_at is not None


@SQLITE
@pytest.mark.parametrize("page", ["", "/drop"])
def test_what_was_typed_stays_if_a_colleague_took_the_claim_off_first(
    registry: Runtime, sign_in: SignIn, page: str
) -> None:
    late, first = (sign_in("administrator", site=None) for _ in range(2))
    late.fill("/claims/add", TOLD)
    with reading(registry) as session:
        key = session.scalars(select(ClaimVersion.fact_key)).one()
    form = late.get(f"/claims/{key}{page}")
    first.fill(f"/claims/{key}/drop", {"reason": "entered twice"})
    refused = late.send(form, {"reason": "the page says four of five"}, status=404)
    assert "There is no such claim" in text_of(refused.text)
    assert "the page says four of five" in refused.text
    late.get(f"/claims/{key}{page}", status=404)


@SQLITE
def test_a_wrong_claim_is_told_by_its_box_and_nothing_is_written(
    registry: Runtime, sign_in: SignIn
) -> None:
    administrator = sign_in("administrator", site=None)
    for wrong, told in WRONG:
        refused = administrator.fill("/claims/add", TOLD | wrong, status=422)
        assert told in text_of(refused.text)
    with reading(registry) as session:
        assert session.scalars(select(ClaimVersion)).first() is None


@SQLITE
def test_who_adds_none_sees_no_way_to(sign_in: SignIn) -> None:
    analyst = sign_in("analyst", site=None)
    assert "/claims/add" not in analyst.get("/figures/claims").text
    analyst.get("/claims/add", status=403)


@SQLITE
def test_a_released_verdict_rests_on_released_figures(registry: Runtime, sign_in: SignIn) -> None:
    fill(registry, people(52, 13, 11))
    found = read(sign_in, "results should become obvious", "analyst")
    assert found.split("” ")[1].startswith("Supported")
    assert "50 of 75 (" in found
    assert "52 of 76" not in found
    # of month 24 nobody is due: a release knows nothing of events before, an exact report does
    serious = read(sign_in, "our patients have not experienced", "administrator")
    assert serious.split("” ")[1].startswith("Not shown: small counts")
    assert "Contradicted if the released figures have patients due" in serious
    nobody = TOLD | {"kind": "none", "threshold": "", "words": "nobody ever felt better"}
    sign_in("administrator", site=None).fill("/claims/add", nobody)
    for role, due in (("administrator", "50 of 75 ("), ("data_manager", "52 of 76 (")):
        better = read(sign_in, nobody["words"], role)
        assert due in better
        assert "of the patients due" in better


@SQLITE
def test_a_hidden_figure_hides_the_verdict(registry: Runtime, sign_in: SignIn) -> None:
    fill(registry, people(52, 3, 11))
    found = read(sign_in, "results should become obvious", "analyst")
    assert found.split("” ")[1].startswith("Not shown: small counts")
    assert "of 66" not in found


@SQLITE
@pytest.mark.parametrize(
    ("state", "verdict"), [("waiting", "Contradicted"), ("rejected", "Not determined")]
)
def test_what_a_patient_told_contradicts_unless_it_was_rejected(
    registry: Runtime, sign_in: SignIn, state: str, verdict: str
) -> None:
    several = people(12, 8)
    told = Event("Pneumonia", 20, serious=True, state=state, answer=0)
    several[0] = replace(several[0], told=(told,))
    fill(registry, several)
    found = read(sign_in, "our patients have not experienced")
    assert found.split("” ")[1].startswith(verdict)


@SQLITE
def test_the_dead_support_no_claim_that_few_have_a_raised_antibody(
    registry: Runtime, sign_in: SignIn
) -> None:
    someone = Person(treated_on=date(2024, 8, 5))
    normal = replace(someone, labs=((365, "normal"),))
    fill(registry, [normal] * 30)
    assert "Supported" in read(sign_in, "a negative double stranded DNA test")
    fill(registry, [replace(someone, death=200)] * 30)
    found = read(sign_in, "a negative double stranded DNA test")
    assert found.split("” ")[1].startswith("Not determined")
    assert "30 of 60 (" in found
