"""What an analyst can reach never tells a count of 1 to 7, nor how any count was rounded."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from functional.applications import staff_app
from functional.figures_visitor import (
    FIGURES,
    Crawled,
    Staff,
    crawl,
    fill,
    small_registry,
    words_of,
)
from functional.staff_visitor import member
from scipy import optimize
from spec.little import Event, Noted, Person
from support import settings_for

from registry import published
from registry.actions.protocols import prepare_registry
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.protocols import bundled
from registry.reports.report import Report, build
from registry.runtime import Runtime, make_runtime

NUMBER = r"(\d+(?:,\d{3})*)"
COUNTED = re.compile(rf"(?<![\d.,]){NUMBER} of {NUMBER}")
SHARE = re.compile(rf"(?<![\d.,]){NUMBER} of {NUMBER} \((\d+\.\d)\u202f%")
Registry = Callable[[list[Person]], Runtime]
PUBLISHED_KEYS = {"published", "published_x", "published_n", "window", "months", "tau"}
CUT = "as_of=2025-12-31"
NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def registry_of(
    sqlite_templates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[list[Person]], Runtime]]:
    """Registries with given people, on SQLite: what is released does not depend on the database."""
    folder, made = tmp_path_factory.mktemp("figures"), []

    def _made(people: list[Person]) -> Runtime:
        file = folder / f"{len(made)}.sqlite"
        shutil.copy(sqlite_templates / "registry.sqlite", file)
        runtime = make_runtime(settings_for(f"sqlite:///{file}"), FixedClock(NOW), guarded=True)
        made.append(runtime)
        with transaction(runtime) as session:
            prepare_registry(session, by="test", at=runtime.clock.now())
        fill(runtime, people)
        return runtime

    yield _made
    for runtime in made:
        runtime.close()


@pytest.fixture(scope="module")
def small(registry_of: Registry) -> Runtime:
    """The small registry."""
    return registry_of(small_registry())


@pytest.fixture(scope="module")
def documents(small: Runtime) -> Crawled:
    """All that the analyst of the small registry can reach."""
    return crawl(reader_of(small))


def reader_of(runtime: Runtime) -> Staff:
    app = staff_app(runtime)
    return Staff(app).sign_in(member(runtime, "analyst", site=None))


def report_of(runtime: Runtime, profile: str) -> Report:
    with reading(runtime) as session:
        return build(
            session, bundled(), published.library(), as_of=date(2025, 12, 31), profile=profile
        )


def is_safe(count: int) -> bool:
    return count == 0 or (count >= 10 and count % 5 == 0)


def printed_counts() -> set[str]:
    """ "x of n" wherever it stands in the library of published figures."""
    library = published.library()
    rows = [row for row in library.figures() if row.x is not None and row.n is not None]
    said = {match.group() for match in COUNTED.finditer(repr(library))}
    return {f"{row.x:,} of {row.n:,}" for row in rows} | said


def test_everything_is_reached(documents: Mapping[str, str]) -> None:
    for name in FIGURES:
        assert any(address.startswith(f"/figures/{name}?as_of=") for address in documents)
        assert any(address.startswith(f"/figures/{name}.csv") for address in documents)
        assert any(address.startswith(f"/figures/{name}/") for address in documents)
    for name in ("report.json", "tables.json", "codebook.csv"):
        assert any(address.startswith(f"/figures/{name}") for address in documents)
    cuts = {found for a in documents for found in re.findall(r"as_of=([\d-]+)", a)}
    assert cuts == {"2025-12-31", "2025-09-30"}
    assert not any("site=" in address for address in documents)


def test_no_count_in_words_is_small_or_exact(documents: Mapping[str, str]) -> None:
    theirs = printed_counts()
    found = 0
    for address, document in documents.items():
        if not address.endswith((".json", ".csv")):
            for match in COUNTED.finditer(words_of(document)):
                if match.group() not in theirs:
                    found += 1
                    x, n = (int(part.replace(",", "")) for part in match.groups())
                    assert is_safe(x), f"{address}: {match.group()}"
                    assert is_safe(n), f"{address}: {match.group()}"
    assert found > 300


def test_shares_in_words_come_from_the_counts_beside_them(documents: Mapping[str, str]) -> None:
    for address, document in documents.items():
        for match in SHARE.finditer(words_of(document)):
            x, n = (int(part.replace(",", "")) for part in match.groups()[:2])
            assert match.group(3) == f"{100 * x / n:.1f}", f"{address}: {match.group()}"


def whole_numbers(value: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """Every whole number of a JSON document that is a count of the registry's."""
    if isinstance(value, dict):
        for key, under in value.items():
            if key not in PUBLISHED_KEYS and not key.startswith("protocol"):
                yield from whole_numbers(under, f"{path}/{key}")
    elif isinstance(value, list):
        for each in value:
            yield from whole_numbers(each, path)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


def test_no_count_in_json_is_small_or_exact(documents: Mapping[str, str]) -> None:
    skipped = ("/month", "/day", "/window_from", "/window_to", "person_years")
    for address, document in documents.items():
        if ".json" in address:
            for path, count in whole_numbers(json.loads(document)):
                if not path.endswith(skipped) and "person_years" not in path:
                    assert is_safe(count), f"{address}: {path} is {count}"


def test_no_count_in_csv_is_small_or_exact(documents: Mapping[str, str]) -> None:
    names = {
        "due", "not_yet_due", "I", "P", "R", "NC", "O", "U", "NE", "out_of_window", "duplicates",
        "x", "n", "patients", "events", "at_risk", "deaths", "registry_x", "registry_n",
    }  # fmt: skip
    seen = set()
    for address, document in documents.items():
        if ".csv" in address and "codebook" not in address:
            for row in csv.DictReader(io.StringIO(document)):
                for name in names & row.keys():
                    seen.add(name)
                    cell = row[name]
                    assert cell in ("", "suppressed") or is_safe(int(cell)), f"{address}: {name}"
    assert seen == names


def test_no_address_or_file_name_holds_a_count(documents: Crawled) -> None:
    codes = "|".join(outcome.code for outcome in bundled().outcomes)
    for address, name in documents.files.items():
        rest = re.sub(rf"20\d\d-\d\d-\d\d|{codes}", "", address + name)
        assert not re.search(r"\d", rest), address + name


# ---- an attacker who knows the rules and solves for the hidden counts of one cut


class Attack:
    """Whole-number programs over all counts of the report that have a name and a sum."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.bounds: list[tuple[float, float]] = []
        self.sums: list[tuple[str, tuple[str, ...]]] = []

    def put(self, name: str, shown: Any) -> str:
        """A count as the document shows it; None is one that it does not name at all."""
        self.names[name] = len(self.bounds)
        if shown is None or isinstance(shown, dict):
            self.bounds.append((0, 100))
        else:
            self.bounds.append((max(8, shown - 2), shown + 2) if shown else (0, 0))
        return name

    def tie(self, total: str, *parts: str) -> None:
        self.sums.append((total, parts))

    def reach(self, name: str) -> tuple[int, int]:
        """The least and the most that the count can be."""
        size = len(self.bounds)
        matrix = np.zeros((len(self.sums), size))
        for row, (total, parts) in enumerate(self.sums):
            matrix[row, self.names[total]] = -1
            for part in parts:
                matrix[row, self.names[part]] += 1
        low, high = np.array(self.bounds, dtype=float).T
        ends = []
        for sign in (1, -1):
            aim = np.zeros(size)
            aim[self.names[name]] = sign
            found = optimize.milp(
                aim,
                integrality=np.ones(size),
                bounds=optimize.Bounds(low, high),
                constraints=optimize.LinearConstraint(matrix, 0, 0),
            )
            assert found.x is not None, "what is released contradicts itself"
            ends.append(round(found.x[self.names[name]]))
        return ends[0], ends[1]


def attack_on(report: Mapping[str, Any]) -> Attack:
    """The counts of a report with all that ties them together."""
    attack = Attack()
    attack.put("treated", report["treated"])
    for month, wave in report["waves"].items():
        _wave(attack, month, wave)
    for source in ("safety", "safety_patient"):
        people = attack.put(f"{source} people", report[source]["any"]["n"])
        for kind in ("any", "serious", "grade3plus", "related"):
            name = attack.put(f"{source} {kind}", report[source][kind]["patients"])
            attack.tie(people, name, attack.put(f"{source} not {kind}", None))
            if kind != "any":
                attack.tie(f"{source} any", name, attack.put(f"{source} but {kind}", None))
        for term, found in report[source]["by_term"].items():
            name = attack.put(f"{source} {term}", found["patients"])
            if term.lower() != "death":
                attack.tie(f"{source} any", name, attack.put(f"{source} any but {term}", None))
    attack.tie("treated", "safety people")
    return attack


def _wave(attack: Attack, month: str, wave: Mapping[str, Any]) -> None:
    due, later = (attack.put(f"{month} {n}", wave[n]) for n in ("due", "not_yet_due"))
    attack.tie("treated", due, later)
    letters = {x: attack.put(f"{month} {x}", n) for x, n in wave["dispositions"].items()}
    asked = attack.put(f"{month} asked", None)
    attack.tie(due, *letters.values())
    attack.tie(asked, *(name for letter, name in letters.items() if letter != "NE"))
    for code, outcome in wave["outcomes"].items():
        name = f"{month} {code}"
        of_rule = {rule: each for rule, each in outcome.items() if isinstance(each, dict)}
        has = attack.put(name, of_rule["nri"].get("x"))
        everyone = attack.put(f"{name} due", of_rule["nri"].get("n"))
        known = attack.put(f"{name} known", of_rule["observed_only"].get("n"))
        most = attack.put(f"{name} most", of_rule["best_case"].get("x"))
        alive = attack.put(f"{name} alive", of_rule["while_alive"].get("n"))
        attack.tie(known, has, attack.put(f"{name} has not", None))
        attack.tie(alive, known, attack.put(f"{name} silent", None))
        attack.tie(most, has, f"{name} silent")
        attack.tie(everyone, alive, attack.put(f"{name} dead", None))
        attack.tie(due, everyone, attack.put(f"{name} others", None))


def exact_counts(report: Mapping[str, Any]) -> dict[str, int]:
    """The same names with the counts as they are."""
    found: dict[str, int] = {"treated": report["treated"]}
    for month, wave in report["waves"].items():
        found |= {f"{month} {x}": n for x, n in wave["dispositions"].items()}
        found |= {f"{month} {n}": wave[n] for n in ("due", "not_yet_due")}
        for code, outcome in wave["outcomes"].items():
            name, nri, seen = f"{month} {code}", outcome["nri"], outcome["observed_only"]
            found |= {name: nri["x"], f"{name} has not": seen["n"] - seen["x"]}
            found[f"{name} silent"] = outcome["best_case"]["x"] - nri["x"]
            found[f"{name} dead"] = nri["n"] - outcome["while_alive"]["n"]
    for source in ("safety", "safety_patient"):
        for kind in ("any", "serious", "grade3plus", "related"):
            found[f"{source} {kind}"] = report[source][kind]["patients"]
        for term, figures in report[source]["by_term"].items():
            found[f"{source} {term}"] = figures["patients"]
    return found


def test_no_hidden_count_can_be_computed(documents: Mapping[str, str], small: Runtime) -> None:
    attack = attack_on(json.loads(documents[f"/figures/report.json?{CUT}"]))
    truth = exact_counts(report_of(small, "internal").as_json())
    few = {name: count for name, count in truth.items() if 1 <= count <= 7}
    assert len(few) > 15
    for name, count in few.items():
        if name in attack.names:
            least, most = attack.reach(name)
            assert least <= 1, f"{name} is {count}, at least {least} is known"
            assert most >= 7, f"{name} is {count}, at most {most} is known"


def test_sites_beside_their_sum_tell_no_small_count(registry_of: Registry) -> None:
    people = small_registry()
    # at site B all but five of those at risk answer: what is left of them is small
    people[36:62] = [replace(person, answers=people[0].answers, log=()) for person in people[36:62]]
    people[57:62] = [replace(person, answers=()) for person in people[57:62]]
    words = words_of(reader_of(registry_of(people)).get("/figures/response").text)
    by_site = words[words.index("By site") :]
    assert not re.search(r"Clinic B\s+2\d of 2\d", by_site)
    assert "hidden" in by_site[by_site.index("Clinic B") :]


# ---- two registries that are released alike are alike in every byte that leaves


def _other(people: list[Person]) -> list[Person]:
    """One more who could not answer, one fewer who was not reached: 4 and 4 in place of 3 and 5."""
    log = tuple(Noted(note.month, "other", note.day) for note in people[57].log)
    return [*people[:57], replace(people[57], log=log), *people[58:]]


def _event(people: list[Person]) -> list[Person]:
    """A fourth patient with pneumonia, on the day of their headache."""
    events = (*people[3].events, Event("Pneumonia", 12, serious=True, grade=3))
    return [*people[:3], replace(people[3], events=events), *people[4:]]


def _better(people: list[Person]) -> list[Person]:
    """One more who is better, of 24: 25 is what is shown."""
    answers = tuple(replace(one, values={"responder": 1.0}) for one in people[5].answers)
    return [*people[:5], replace(people[5], answers=answers), *people[6:]]


def test_what_is_hidden_changes_no_byte(
    documents: Mapping[str, str], small: Runtime, registry_of: Registry
) -> None:
    other = registry_of(_better(_event(_other(small_registry()))))
    exact = [report_of(each, "internal").as_text() for each in (small, other)]
    released = [report_of(each, "release").as_text() for each in (small, other)]
    assert exact[0] != exact[1]
    assert released[0] == released[1], "choose changes that rounding hides"
    theirs = crawl(reader_of(other), f"/figures/response?{CUT}", CUT)
    assert len(theirs) > 25
    assert [address for address in theirs if documents[address] != theirs[address]] == []
