"""What can be taken away: every column explained, nothing shown that the report hides."""

import csv
import io
import json
from typing import Any

import pytest
from spec.cohorts import cohort, fill, made
from spec.little import Event, Person

from registry.reports.download import codebook, csv_files, json_text, tables
from registry.runtime import Runtime


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("profile", ["internal", "release"])
def test_every_column_of_every_file_is_in_the_codebook(runtime: Runtime, profile: str) -> None:
    fill(runtime, cohort(40))
    report = made(runtime, profile=profile)
    files = csv_files(report)
    explained = {(row["table"], row["column"]) for row in rows(files.pop("codebook.csv"))}
    assert len(files) == 5
    found = {
        (name.removesuffix(".csv"), column)
        for name, text in files.items()
        for column in (csv.DictReader(io.StringIO(text)).fieldnames or ())
    }
    assert found == explained
    for table in tables(report).values():
        assert {name for row in table.rows for name in row} <= {c.name for c in table.columns}
    for row in codebook().rows:
        assert row["meaning"]


def test_the_tables_say_what_the_report_says(runtime: Runtime) -> None:
    fill(runtime, cohort(40))
    report = made(runtime)
    written: Any = report.as_json()
    files = csv_files(report)
    for row in rows(files["outcomes.csv"]):
        figure = written["waves"][row["month"]]["outcomes"][row["outcome"]][row["rule"]]
        assert (row["x"], row["n"]) == (str(figure["x"]), str(figure["n"]))
        assert row["estimate"] == ("" if figure["estimate"] is None else str(figure["estimate"]))
    rates = rows(files["response_rates.csv"])
    assert [row["RR1"] for row in rates] == [
        str(wave["response_rates"]["RR1"]) for wave in written["waves"].values()
    ]
    assert len(rows(files["comparisons.csv"])) == len(written["comparisons"])


def test_a_released_table_hides_what_the_release_hides(runtime: Runtime) -> None:
    fill(runtime, cohort(40))
    files = csv_files(made(runtime, profile="release"))
    counts = ("due", "I", "P", "R", "NC", "O", "U", "NE", "x", "n", "patients", "events", "at_risk")
    shown = [
        row[name]
        for text in files.values()
        for row in rows(text)
        for name in counts
        if row.get(name)
    ]
    assert "suppressed" in shown
    numbers = {int(text) for text in shown if text != "suppressed"}
    assert {n for n in numbers if n and (n < 8 or n % 5)} == set()


def test_json_carries_tables_codebook_and_the_line_to_cite(runtime: Runtime) -> None:
    fill(runtime, cohort(10))
    report = made(runtime, site="A")
    content = json.loads(json_text(report))
    assert set(content) == {"citation", "tables", "codebook"}
    assert "site A" in content["citation"]
    assert len(content["tables"]["response_rates"]) == 5


def test_a_term_cannot_run_as_a_formula(runtime: Runtime) -> None:
    fill(runtime, [Person(events=(Event("=1+1", 10),))])
    terms = [row["term"] for row in rows(csv_files(made(runtime))["safety.csv"])]
    assert "'=1+1" in terms
    assert "=1+1" not in terms
