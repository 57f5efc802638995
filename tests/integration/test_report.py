"""The report from a database: the contract's keys, the same bytes everywhere, cuts in time."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from spec.cohorts import AS_OF, cohort, fill, made, unequal
from spec.little import AT, BY, Answered, Event, Person
from spec.little import build as put
from sqlalchemy import select

from registry import audit, published
from registry.cli import registry as command
from registry.db import transaction
from registry.errors import NotFound, Refused
from registry.models import AdverseEvent, Death, ResponseStatus, TreatmentCourse
from registry.runtime import Runtime


@pytest.fixture
def two(
    make: Callable[[str], Runtime], sqlite_url: str, postgresql_url: str
) -> Iterator[tuple[Runtime, Runtime]]:
    """An empty registry on SQLite, and one on PostgreSQL."""
    name = f"both_{uuid4().hex}"
    server = postgresql_url.replace("+psycopg", "") + "/postgres"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_registry".encode())
        yield make(sqlite_url), make(f"{postgresql_url}/{name}")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize("profile", ["internal", "release"])
def test_the_same_registry_gives_the_same_bytes_on_both_databases(
    two: tuple[Runtime, Runtime], profile: str
) -> None:
    for runtime in two:
        fill(runtime, cohort(120))
    lite, big = (made(runtime, profile=profile).as_text() for runtime in two)
    assert lite == big
    assert '"treated": 120' in lite


def test_weights_are_the_same_bytes_on_both_databases(two: tuple[Runtime, Runtime]) -> None:
    for runtime in two:
        fill(runtime, unequal(150))
    lite, big = (made(each, covariates=["severity", "weight", "sex"]).as_text() for each in two)
    assert lite == big
    assert '"covariates": [\n              "severity",' in lite


def test_the_report_of_nobody_estimates_nothing_and_breaks_nothing(runtime: Runtime) -> None:
    report = made(runtime).as_json()
    assert report["treated"] == 0
    wave: Any = report["waves"]
    assert wave["12"]["due"] == 0
    assert wave["12"]["response_rates"]["RR1"] is None
    assert "nobody due" in wave["12"]["response_rates"]["reason"]
    assert wave["12"]["outcomes"]["responder"]["nri"]["estimate"] is None
    curve: Any = report["survival"]
    assert curve["overall"]["at"]["365"]["reason"] == "nobody was followed"


RATES = {"RR1", "RR2", "RR3", "RR4", "RR5", "RR6", "COOP1", "REF1", "CON1"}
LABEL = {
    "patients", "n", "incidence", "events", "person_years", "person_years_to_first",
    "event_rate_per_100py", "eair_per_100py", "zero_event_upper",
}  # fmt: skip
SOURCE = {
    "any", "serious", "grade3plus", "related", "by_term", "excluded_before_treatment",
    "excluded_after_followup", "reported_by_patients", "confirmed", "unreconciled",
}  # fmt: skip


def test_the_json_has_the_keys_of_the_contract_and_no_others(runtime: Runtime) -> None:
    fill(runtime, cohort(40))
    report: Any = json.loads(made(runtime).as_text())
    assert set(report) == {
        "as_of", "protocol", "software_version", "profile", "treated", "waves", "safety",
        "safety_patient", "survival", "comparisons",
    }  # fmt: skip
    assert set(report["protocol"]) == {"code", "version", "fingerprint"}
    assert set(report["waves"]) == {"1", "3", "6", "12", "24"}
    wave = report["waves"]["12"]
    assert set(wave) == {
        "window", "due", "not_yet_due", "dispositions", "e", "response_rates", "RR1_interval",
        "out_of_window", "duplicates", "outcomes",
    }  # fmt: skip
    assert wave["window"] == [305, 425]
    assert set(wave["response_rates"]) - {"reason"} == RATES
    assert set(wave["dispositions"]) == {"I", "P", "R", "NC", "O", "U", "NE"}
    assert set(wave["RR1_interval"]) == {"lower", "upper", "level", "method"}
    responder = wave["outcomes"]["responder"]
    assert set(responder) == {
        "observed_only", "nri", "worst_case", "best_case", "while_alive", "tipping_point",
        "ipw", "sentence",
    }  # fmt: skip
    assert set(responder["nri"]) == {"x", "n", "estimate", "lower", "upper", "method"}
    assert set(report["safety"]) == SOURCE
    assert set(report["safety_patient"]) == SOURCE | {"ascertained"}
    assert set(report["safety_patient"]["ascertained"]) == {"asked", "never_asked"}
    for label in (report["safety"]["any"], report["safety"]["by_term"]["infusion reaction"]):
        assert set(label) - {"reason"} == LABEL
    assert set(report["survival"]) == {"overall", "overall_last_contact", "first_serious_ae"}
    first = report["survival"]["first_serious_ae"]
    assert set(first) == {"at"}
    assert set(first["at"]) == {"30", "91", "183", "365", "730"}
    assert set(first["at"]["365"]) - {"reason"} == {"incidence", "lower", "upper"}
    assert set(report["survival"]["overall"]) == {"deaths", "at", "median", "rmst"}
    assert set(report["survival"]["overall"]["at"]) == {"30", "91", "183", "365", "730"}
    assert set(report["comparisons"][0]) - {"reason"} == {
        "study", "arm", "outcome", "months", "registry", "published", "risk_difference",
        "risk_ratio", "odds_ratio", "p_fisher", "p_boschloo", "rate_ratio", "maic", "mismatches",
        "verdict",
    }  # fmt: skip
    assert set(report["comparisons"][0]["registry"]) == {
        "x", "n", "estimate", "lower", "upper", "method", "rule",
    }  # fmt: skip


def test_nobody_had_it_is_a_result(runtime: Runtime) -> None:
    fill(runtime, [Person() for _ in range(10)])
    report: Any = made(runtime).as_json()
    none = report["safety"]["by_term"]["infusion reaction"]
    assert (none["patients"], none["n"], none["incidence"]["x"]) == (0, 10, 0)
    assert none["zero_event_upper"] == pytest.approx(1 - 0.05**0.1)
    assert none["event_rate_per_100py"]["lower"] == 0


def test_a_named_term_counts_its_category_and_death_the_deaths(runtime: Runtime) -> None:
    fill(runtime, [Person(events=(Event("Breast cancer", 10),)), Person(death=30), Person()])
    terms: Any = made(runtime).as_json()["safety"]
    by_term = terms["by_term"]
    assert by_term["Breast cancer"]["patients"] == 1
    assert by_term["malignancy"]["patients"] == 1
    assert (by_term["death"]["patients"], by_term["death"]["n"]) == (1, 3)
    assert terms["any"]["events"] == 1


def test_a_past_report_comes_back_after_later_corrections(runtime: Runtime) -> None:
    fill(runtime, cohort(60))
    later = AT + timedelta(days=30)
    before = made(runtime).as_text()
    correct(runtime, later)
    with transaction(runtime) as session:
        put(session, cohort(20, seed=2), at=later, prefix="L")
    assert made(runtime).as_text() != before
    assert made(runtime, known_at=later - timedelta(seconds=1)).as_text() == before
    assert made(runtime, known_at=later).as_text() == made(runtime).as_text()


def correct(runtime: Runtime, at: datetime) -> None:
    """Another treatment date, a death that was none, an answer of another day, a milder event."""
    with transaction(runtime) as session:
        for model, field, days in (
            (TreatmentCourse, "started_on", 3),
            (ResponseStatus, "answered_on", 9),
            (AdverseEvent, "onset_on", -700),
        ):
            for row in session.scalars(select(model).order_by(model.id).limit(20)).all():
                values = {
                    c.key: getattr(row, c.key) for c in model.__table__.columns if c.key != "id"
                }
                row.superseded_at = at
                session.flush()
                values[field] += timedelta(days=days)
                session.add(model(**values | {"recorded_at": at, "superseded_at": None}))
        for death in session.scalars(select(Death)):
            death.superseded_at = at
        audit.record(session, by=BY, at=at, action="spec.corrected", subject="registry")


def test_what_is_dated_after_the_cut_off_is_left_out(runtime: Runtime) -> None:
    person = Person(
        treated_on=date(2022, 1, 1),
        death=500,
        events=(Event("Fever", 450),),
        answers=(Answered(12, 400, values={"responder": 1}),),
    )
    fill(runtime, [person])
    report: Any = made(runtime, as_of=date(2022, 1, 1) + timedelta(days=425)).as_json()
    assert report["waves"]["12"]["outcomes"]["responder"]["nri"]["x"] == 1
    assert (report["safety"]["any"]["events"], report["survival"]["overall"]["deaths"]) == (0, 0)
    assert report["safety"]["any"]["person_years"] == pytest.approx(425 / 365.25)


def test_two_sites_add_up_to_all(runtime: Runtime) -> None:
    fill(runtime, cohort(60))
    sites: list[Any] = [made(runtime, site=site).as_json() for site in (None, "A", "B")]
    every, first, second = ([r["treated"], r["waves"]["6"]["dispositions"]["I"]] for r in sites)
    assert every == [a + b for a, b in zip(first, second, strict=True)]
    with pytest.raises(NotFound):
        made(runtime, site="nowhere")


def test_comparisons_stand_on_the_figures_of_the_wave(runtime: Runtime) -> None:
    fill(runtime, cohort(60))
    report: Any = made(runtime).as_json()
    assert report["comparisons"]
    for each in report["comparisons"]:
        outcome = report["waves"][str(each["months"])]["outcomes"][each["outcome"]]
        ours = {key: value for key, value in each["registry"].items() if key != "rule"}
        assert ours == outcome[each["registry"]["rule"]]
        difference = each["risk_difference"]["estimate"]
        assert difference == pytest.approx(ours["estimate"] - each["published"]["estimate"])


def test_the_blinded_trial_is_always_there(runtime: Runtime) -> None:
    report = made(runtime)
    library = published.library()
    placed = {(each.pair.figure.study, each.pair.figure.number) for each in report.comparisons}
    placed |= {(each.row.study, each.row.number) for each in report.apart}
    assert {(row.study, row.number) for row in library.blinded_trial_figures()} <= placed


# ---- what may leave the registry


def counts_in(value: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """Every whole number of a report that counts people or events, with its place."""
    if isinstance(value, dict):
        for key, under in value.items():
            if key not in ("published", "tau", "protocol", "window", "months"):
                yield from counts_in(under, f"{path}/{key}")
    elif isinstance(value, list):
        for item in value:
            yield from counts_in(item, path)
    elif type(value) is int and not path.endswith(("person_years", "person_years_to_first")):
        yield path, value


@pytest.mark.parametrize("size", [6, 30, 150])
def test_a_release_shows_no_small_count_and_rounds_the_rest(runtime: Runtime, size: int) -> None:
    fill(runtime, cohort(size))
    report = made(runtime, profile="release").as_json()
    shown = dict(counts_in(report))
    assert shown
    assert {path: n for path, n in shown.items() if n and (n < 8 or n % 5)} == {}


def test_a_release_computes_from_what_it_shows(runtime: Runtime) -> None:
    fill(runtime, cohort(150))
    report: Any = made(runtime, profile="release").as_json()

    def check(value: Any) -> int:
        if isinstance(value, list):
            return sum(check(item) for item in value)
        if not isinstance(value, dict):
            return 0
        found = 0
        if {"x", "n", "estimate"} <= set(value) and value["n"]:
            assert value["estimate"] == pytest.approx(value["x"] / value["n"])
            found = 1
        return found + sum(check(under) for under in value.values())

    assert check({k: v for k, v in report.items() if k != "comparisons"}) > 20


def test_a_release_names_no_rare_term_in_anybodys_words(runtime: Runtime) -> None:
    rare = Event("Fell off the horse of Mr Example", 10)
    fill(runtime, [*cohort(100), Person(events=(rare,))])
    assert "horse" in made(runtime).as_text()
    assert "horse" not in made(runtime, profile="release").as_text()


def test_a_release_shows_no_site_that_is_small_or_leaves_few(runtime: Runtime) -> None:
    few = [Person(site="C") for _ in range(5)]
    fill(runtime, [*cohort(100), *few])
    with pytest.raises(Refused):
        made(runtime, profile="release", site="C")
    made(runtime, profile="release", site="A")


# ---- the command


@pytest.fixture
def environment(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The settings of `runtime` as environment, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGISTRY_DATABASE_URL", runtime.settings.database_url)
    for number, name in enumerate(("SECRET", "AUDIT", "TOKEN", "MASTER", "INDEX")):
        secret = base64.b64encode(bytes([number]) * 32).decode()
        version = "1:" if name in ("TOKEN", "MASTER") else ""
        monkeypatch.setenv(f"REGISTRY_{name}_KEY", version + secret)
    return tmp_path


@pytest.mark.usefixtures("environment")
def test_the_command_writes_the_report(runtime: Runtime, tmp_path: Path) -> None:
    fill(runtime, cohort(20))
    file = tmp_path / "report.json"
    done = CliRunner().invoke(command, ["report", "--as-of", str(AS_OF), "--json", str(file)])
    assert done.exit_code == 0, done.output
    assert file.read_text(encoding="utf-8") == made(runtime).as_text()
    known = ["--known-at", datetime(2024, 1, 1, tzinfo=UTC).isoformat()]
    early = CliRunner().invoke(command, ["report", "--as-of", str(AS_OF), *known])
    assert early.exit_code == 1


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "wrong", [["--as-of", "31.1.2024"], ["--known-at", "2024-01-31"], ["--profile", "cms"]]
)
def test_wrong_use_ends_with_2_and_says_how(wrong: list[str]) -> None:
    done = CliRunner().invoke(command, ["report", *wrong])
    assert done.exit_code == 2
    assert wrong[1] in done.output
