"""The demonstration end to end: every figure of the report agrees with what its people did."""

import copy
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from itertools import zip_longest
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from click.testing import CliRunner
from factories import a_patient
from functional.staff_visitor import Forms, Staff, form_of, text_of
from sqlalchemy import case, select

from registry import published
from registry.actions import accounts
from registry.app import create_app, create_door
from registry.cli.common import NotMigrated
from registry.cli.demo import demo
from registry.db import reading, transaction
from registry.demo import folder, invented, serving
from registry.demo.building import Demo, build_demo
from registry.demo.door import free_port
from registry.demo.folder import MARKER, NotOurs
from registry.demo.ledger import RULES_ELSEWHERE
from registry.demo.staff import SignIn, sign_ins
from registry.models import FollowUp, OutboxEmail, Response, User, Withdrawal
from registry.queries import protocols, sufficient_waves
from registry.reports.report import build
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings
from surveys.lifecycle import FollowUpState

CHEAP = PasswordHasher.from_parameters(CHEAPEST)
PATIENTS, MONTHS, SEED = 24, 36, 7

pytestmark = pytest.mark.demo


def lived_in(place: Path) -> Demo:
    return build_demo(place, patients=PATIENTS, months=MONTHS, seed=SEED, hasher=CHEAP)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A small demonstration, lived once for all tests of this file."""
    return lived_in(tmp_path_factory.mktemp("demo") / "demo-data")


@pytest.fixture
def opened(lived: Demo) -> Iterator[Runtime]:
    """The demonstration's registry, as any later process opens it."""
    runtime = make_runtime(Settings.from_env(lived.env))
    yield runtime
    runtime.close()


def numbers(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every number in the report that is not derived from others by formula."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in RULES_ELSEWHERE and (path or name != "protocol"):
                yield from numbers(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from numbers(each, (*path, number))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def changed(report: Any, paths: Iterable[tuple[str | int, ...]], by: float) -> Any:
    other = copy.deepcopy(report)
    for path in paths:
        place = other
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] += by
    return other


def test_every_figure_of_the_report_agrees_with_the_ledger(lived: Demo) -> None:
    assert lived.disagreements == ()


def test_the_report_has_counts_of_everything_that_can_happen(lived: Demo) -> None:
    report = lived.json
    letters = {
        letter
        for wave in report["waves"].values()
        for letter, count in wave["dispositions"].items()
        if count
    }
    assert {"I", "P", "R", "NC"} <= letters
    assert report["safety"]["any"]["events"] > 0
    assert report["safety"]["confirmed"] > 0
    assert report["safety_patient"]["any"]["events"] > 0
    assert len(report["comparisons"]) > 20


def test_a_change_of_any_figure_by_one_is_noticed(lived: Demo) -> None:
    report = lived.json
    paths = list(numbers(report))
    assert len(paths) > 1000
    # one figure of each kind at every place that is counted on its own: all would take minutes
    chosen = {(str(path[:2]), str(path[-2:])): path for path in paths if path[-1] != "months"}
    tables: dict[tuple[str | int, ...], list[tuple[str | int, ...]]] = {}
    for path in chosen.values():
        tables.setdefault(path[:2], []).append(path)
    for one_of_each in zip_longest(*tables.values()):  # no table says what another must be
        wrong = [path for path in one_of_each if path]
        found = lived.ledger.check(changed(report, wrong, 1))
        for path in wrong:
            assert any(one.startswith(".".join(map(str, path))) for one in found), path


def test_a_figure_that_nobody_can_check_is_a_disagreement(lived: Demo) -> None:
    report = {**lived.json, "patients_cured": 3}
    assert lived.ledger.check(report) == ["patients_cured: nobody can say whether it is right"]


def test_a_term_without_a_row_is_a_disagreement(lived: Demo) -> None:
    report = lived.json
    events = [event for one in lived.ledger.people for event in one.events]
    term = next(event for event in events if event.term in report["safety"]["by_term"])
    del report["safety"]["by_term"][term.term]
    assert f"safety.by_term: no row for {term.term}" in lived.ledger.check(report)


def test_the_same_seed_gives_the_same_report_byte_by_byte(lived: Demo, tmp_path: Path) -> None:
    again = lived_in(tmp_path / "again")
    assert again.report.as_text() == lived.report.as_text()
    assert (again.letters, again.requests) == (lived.letters, lived.requests)


def test_all_five_time_points_close_for_everyone(opened: Runtime) -> None:
    with reading(opened) as session:
        left = session.scalars(
            select(FollowUp.id).where(
                FollowUp.month > 0,
                FollowUp.state.in_((FollowUpState.PLANNED, FollowUpState.OPEN)),
            )
        ).all()
        months = set(session.scalars(select(FollowUp.month)))
    assert left == []
    assert months == {0, 1, 3, 6, 12, 24}


def test_somebody_was_treated_on_a_leap_day(lived: Demo) -> None:
    days = {one.treated_on.isoformat() for one in lived.ledger.people}
    assert "2024-02-29" in days
    assert min(days) >= "2024-01-15"
    assert max(days) < "2024-09-15"


def test_every_letter_sent_lies_in_the_mailbox(lived: Demo, opened: Runtime) -> None:
    kept = {
        str(message_from_bytes(file.read_bytes(), policy=default)["Message-ID"])
        for file in (lived.folder / "mailbox").glob("*.eml")
    }
    with reading(opened) as session:
        sent = set(
            session.scalars(select(OutboxEmail.message_id).where(OutboxEmail.state == "sent"))
        )
    assert kept == sent
    assert len(kept) == lived.letters


def test_answers_came_by_the_door_by_telephone_and_on_the_tablet(opened: Runtime) -> None:
    with reading(opened) as session:
        assert set(session.scalars(select(Response.mode))) == {"web", "phone", "tablet"}
        assert session.scalars(select(Withdrawal.id)).first() is not None


def test_a_patient_moved_to_another_disposition_is_noticed(lived: Demo) -> None:
    report = lived.json
    report["waves"]["1"]["dispositions"]["I"] -= 1
    report["waves"]["1"]["dispositions"]["P"] += 1
    found = lived.ledger.check(report)
    assert any(one.startswith("waves.1.dispositions.I:") for one in found)
    assert any(one.startswith("waves.1.dispositions.P:") for one in found)


def test_a_rule_gone_astray_in_the_real_statement_is_noticed(
    lived: Demo, opened: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a questionnaire is taken for a whole one, as a wrong order of the rules might."""
    right = sufficient_waves._letter

    def wrong(person: Any, rank: Any, *others: Any) -> Any:
        return case((rank == sufficient_waves.PARTIAL, "I"), else_=right(person, rank, *others))

    monkeypatch.setattr(sufficient_waves, "_letter", wrong)
    with reading(opened) as session:
        protocol = protocols.in_force(session).protocol
        report = build(session, protocol, published.library(), as_of=lived.report.as_of)
    found = lived.ledger.check(json.loads(report.as_text()))
    assert any(".dispositions.I:" in one for one in found)
    assert any(".response_rates.RR1:" in one for one in found)


# ---- served


def signed_in(lived: Demo, runtime: Runtime, role: str) -> Staff:
    app = create_app(runtime, hasher=CHEAP, advance=lambda span: serving.advance(runtime, span))
    who: SignIn = next(one for one in lived.sign_ins if one.role == role)
    staff = Staff(app)
    staff.fill("/sign-in", {"email": who.email, "password": who.password})
    return staff


def test_each_role_can_sign_in_with_the_printed_passphrase(lived: Demo, opened: Runtime) -> None:
    for one in lived.sign_ins:
        assert signed_in(lived, opened, one.role).get("/")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_was_shut_out_of_a_demonstration_is_let_in_again(registry: Runtime) -> None:
    sign_ins(registry, CHEAP)
    with transaction(registry) as session:
        user = session.scalars(select(User).where(User.email == "data.manager@example.org")).one()
        at = registry.clock.now()
        accounts.set_roles(session, user.id, [], by="test", at=at)
        accounts.disable(session, user.id, by="test", at=at)
    staffed = {one.role: one for one in sign_ins(registry, CHEAP)}
    assert set(staffed) == set(invented.STAFF)
    who = staffed["data_manager"]
    staff = Staff(create_app(registry, hasher=CHEAP))
    staff.fill("/sign-in", {"email": who.email, "password": who.password})
    staff.get("/figures/safety")


def test_the_banner_moves_the_clock_by_a_day_and_not_twice(lived: Demo, opened: Runtime) -> None:
    staff = signed_in(lived, opened, "nurse")
    before = opened.clock.now()
    home = staff.get("/")
    assert "Demonstration" in home.text
    found = Forms(home.text)
    form = found.forms[found.actions.index("/demo/next-day")]
    staff.client.post("/demo/next-day", data=form)
    staff.client.post("/demo/next-day", data=form)
    assert (opened.clock.now().date() - before.date()).days == 1
    assert staff.get("/").status_code == 200


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Kolkata", "Pacific/Pago_Pago"])
def test_letters_of_a_moved_day_go_out_in_every_zone(opened: Runtime, zone: str) -> None:
    now = opened.clock.now()
    patient = a_patient(opened, zone=zone, treated_on=now.date() - timedelta(days=31))
    serving.advance(opened, timedelta(days=5))
    with reading(opened) as session:
        letters = select(OutboxEmail.state).where(OutboxEmail.patient_id == patient.patient_id)
        assert set(session.scalars(letters)) == {"sent"}


def test_a_registry_that_is_no_demonstration_has_no_such_buttons(opened: Runtime) -> None:
    app = create_app(opened, hasher=CHEAP)
    assert not [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/demo")]


def test_a_link_of_the_mailbox_still_leads_to_a_page_that_says_so(
    lived: Demo, opened: Runtime
) -> None:
    newest = sorted((lived.folder / "mailbox").glob("*.eml"))[-1]
    letter = message_from_bytes(newest.read_bytes(), policy=default)
    body = letter.get_body(("plain",))
    assert body is not None
    link = next(word for word in body.get_content().split() if "/s/" in word)
    page = create_door(opened).test_client().get("/s/" + link.rpartition("/s/")[2])
    assert page.status_code == 200
    assert "new link" in text_of(page.text)


# ---- the folder and the command


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(NotOurs, match="was not made by a demonstration"):
        folder.make(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_of_an_earlier_demonstration_is_made_anew(tmp_path: Path) -> None:
    place = folder.make(tmp_path / "demo-data")
    (place / "old.txt").write_text("old")
    folder.make(place)
    assert [file.name for file in place.iterdir()] == [MARKER]


def test_only_a_demonstration_that_was_lived_is_served_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = CliRunner().invoke(demo, ["--again", "--patients", "3"])
    assert wrong.exit_code == 2
    assert "leave out --patients" in wrong.output
    for _ in ("no folder", "one whose life was broken off"):
        refused = CliRunner().invoke(demo, ["--again"])
        assert isinstance(refused.exception, NotOurs)
        assert "Make one with `registry demo`" in str(refused.exception)
        folder.make(tmp_path / "demo-data")


def test_a_demonstration_of_another_version_is_to_be_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = folder.make(tmp_path / "demo-data")
    (place / folder.REPORT).write_text("{}")
    refused = CliRunner().invoke(demo, ["--again"])
    assert isinstance(refused.exception, NotMigrated)
    assert "Make a new one with `registry demo`" in str(refused.exception)


def served_again(place: Path) -> list[str]:
    """Serve what the folder holds, sign in as was printed, and stop it; what it printed."""
    port = free_port(0)
    line = [Path(sys.executable).with_name("registry"), "demo", "--again", "--port", str(port)]
    with Popen(line, cwd=place, stdout=PIPE, text=True) as process:
        try:
            printed = []
            while not any("clock stands still" in one for one in printed):
                printed.append(process.stdout.readline() if process.stdout else "")
                assert printed[-1] or process.poll() is None, printed
            nurse = next(one.split("  ") for one in printed if "nurse@example.org" in one)
            browser = build_opener(HTTPCookieProcessor())
            address = f"http://127.0.0.1:{port}/sign-in"
            boxes = form_of(browser.open(address).read().decode())
            told = boxes | {"email": "nurse@example.org", "password": nurse[-1].strip()}
            home = browser.open(address, urlencode(told, doseq=True).encode())
            assert home.url == f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
    return printed


def test_the_command_prints_the_tables_and_ends_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(demo, ["--patients", "3", "--months", "4", "--no-serve"])
    report = json.loads((tmp_path / "demo-data" / "report.json").read_text())
    assert result.exit_code == 0, result.output
    for words in ("Response rates", "Safety", "published figures", "agrees with what"):
        assert words in result.output
    assert report["as_of"] == "2024-05-15"
    assert 'make demo ARGS="--again"' in result.output
    assert len(served_again(tmp_path)) > 6
