"""Weighting for silence in the report: from patterns in SQL to the keys of the contract."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from spec.cohorts import AS_OF, fill, made, unequal
from spec.little import AT, BY, Person
from sqlalchemy import select

from registry import audit
from registry.cli import registry as command
from registry.db import transaction
from registry.errors import NotFound
from registry.models import Covariate
from registry.runtime import Runtime
from registry.statistics import design
from registry.statistics.weighting import DueCounts, weighted

KEYS = {"estimate", "mu", "lower", "upper", "se", "ess", "weight_max", "covariates"}
ASKED = ["severity", "age", "sex", "weight"]


def ipw(report: Any, month: int = 12, outcome: str = "responder") -> dict[str, Any]:
    found: dict[str, Any] = report.as_json()["waves"][str(month)]["outcomes"][outcome]["ipw"]
    return found


def one_by_one(cohort: Sequence[Person]) -> Any:
    """The same from one row per patient, without SQL."""
    dead = np.array([one.death is not None for one in cohort])
    told = [one.answers[0].values["responder"] if one.answers else None for one in cohort]
    yes, no = (np.array([value == wanted for value in told]) for wanted in (1, 0))
    counts = DueCounts(*(part.astype(int) for part in (dead | True, yes, no, dead)))
    values = [
        ("severity", [one.baseline["severity"] for one in cohort]),
        ("age", [one.age for one in cohort]),
        ("sex", [one.sex for one in cohort]),
        ("weight", [one.baseline["weight"] for one in cohort]),
    ]
    return weighted(counts, [design.Covariate(*each) for each in values])


def test_patterns_in_sql_give_what_single_rows_give(runtime: Runtime) -> None:
    cohort = unequal(260)
    fill(runtime, cohort)
    found = ipw(made(runtime, covariates=ASKED))
    expected = one_by_one(cohort)

    assert set(found) == KEYS
    assert found["covariates"] == ASKED
    for name in KEYS - {"covariates"}:
        assert found[name] == pytest.approx(getattr(expected, name), rel=1e-9), name
    counts = made(runtime).waves[12].outcomes["responder"].by_rule
    assert found["estimate"] == pytest.approx(
        found["mu"] * counts["while_alive"].n / counts["nri"].n
    )


def test_the_protocol_names_the_covariates_and_the_asker_may_name_others(runtime: Runtime) -> None:
    fill(runtime, unequal(200))

    assert ipw(made(runtime))["covariates"] == ["age", "sex"]
    assert "the same for everyone" in ipw(made(runtime))["reason"]
    assert ipw(made(runtime, covariates=["severity"]))["covariates"] == ["severity"]
    none = ipw(made(runtime, covariates=[]))
    observed = made(runtime).as_json()["waves"]["12"]["outcomes"]["responder"]["observed_only"]
    assert (none["mu"], none["covariates"]) == (pytest.approx(observed["estimate"]), [])
    assert "share of those who answered" in none["reason"]


def test_an_unknown_covariate_is_named_with_those_there_are(runtime: Runtime) -> None:
    fill(runtime, unequal(5))
    with pytest.raises(NotFound, match=r"no covariate height.*age, .*severity.*sex, weight"):
        made(runtime, covariates=["severity", "height"])


def test_a_category_of_which_nobody_answered_is_refused_by_name(runtime: Runtime) -> None:
    cohort = [
        replace(one, answers=() if one.baseline["severity"] == "severe" else one.answers)
        for one in unequal(200)
    ]
    fill(runtime, cohort)
    found = ipw(made(runtime, covariates=["severity"]))

    assert set(found) == {"refused"}
    assert "nobody with severity severe answered" in found["refused"]


def test_nobody_due_is_refused_with_the_reason(runtime: Runtime) -> None:
    assert ipw(made(runtime)) == {"refused": "no patient is due yet"}


def test_events_and_laboratory_results_are_weighted_too(runtime: Runtime) -> None:
    gone = [Person(left=20 + n, age=30 + n % 40, sex="female") for n in range(40)]
    stayed = [Person(death=30 + n % 5 if n < 30 else None, age=35 + n % 40) for n in range(100)]
    fill(runtime, [*gone, *(replace(one, sex="female") for one in stayed)])
    found = ipw(made(runtime), outcome="death")

    assert 0.2 < found["estimate"] < 0.4
    assert found["covariates"] == ["age"]


def test_a_release_shows_nothing_of_it(runtime: Runtime) -> None:
    fill(runtime, unequal(200))
    for month in (12, 24):
        assert ipw(made(runtime, profile="release"), month) == {"suppressed": True}


def test_a_corrected_covariate_leaves_the_past_report_as_it_was(runtime: Runtime) -> None:
    fill(runtime, unequal(150))
    before = made(runtime, covariates=["weight"]).as_text()
    later = AT + timedelta(days=30)
    with transaction(runtime) as session:
        for row in session.scalars(select(Covariate).where(Covariate.name == "weight")).all():
            row.superseded_at = later
            session.flush()
            kept = {
                c.key: getattr(row, c.key) for c in Covariate.__table__.columns if c.key != "id"
            }
            kept |= {"number": row.number + row.id % 7, "recorded_at": later, "superseded_at": None}
            session.add(Covariate(**kept))
        audit.record(session, by=BY, at=later, action="spec.corrected", subject="registry")

    assert made(runtime, covariates=["weight"]).as_text() != before
    early = later - timedelta(seconds=1)
    assert made(runtime, covariates=["weight"], known_at=early).as_text() == before


def test_the_command_takes_covariates(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(runtime, unequal(120))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGISTRY_DATABASE_URL", runtime.settings.database_url)
    for number, name in enumerate(("SECRET", "AUDIT", "TOKEN", "MASTER", "INDEX")):
        secret = base64.b64encode(bytes([number]) * 32).decode()
        version = "1:" if name in ("TOKEN", "MASTER") else ""
        monkeypatch.setenv(f"REGISTRY_{name}_KEY", version + secret)
    asked = ["report", "--as-of", str(AS_OF), "--covariates"]
    done = CliRunner().invoke(command, [*asked, "severity, sex"])
    wrong = CliRunner().invoke(command, [*asked, "height"])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["waves"]["12"]["outcomes"]["responder"]["ipw"]
    assert found["covariates"] == ["severity", "sex"]
    assert wrong.exit_code == 1
    assert "There is no covariate height" in str(wrong.exception)
