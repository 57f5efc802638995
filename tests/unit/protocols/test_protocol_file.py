"""The bundled protocol says what the contract says; a wrong file is refused by place."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from registry.datafiles import DataFileError
from registry.protocols import OutcomeKind, bundled, from_text, load_protocol
from registry.protocols.loading import BUNDLED
from surveys.reading import fingerprint

PROTOCOL = bundled()


def content() -> Any:
    """The bundled protocol as plain data, ready to be spoilt."""
    return json.loads(PROTOCOL.text)


# ---- what the contract fixes


def test_windows_and_days_are_those_of_the_contract():
    windows = {rule.month: (rule.opens_day, rule.closes_day) for rule in PROTOCOL.timepoints}
    assert windows == {
        1: (16, 44),
        3: (61, 121),
        6: (138, 228),
        12: (305, 425),
        24: (640, 820),
    }
    assert (PROTOCOL.link_days, PROTOCOL.safety_days) == (30, 730)
    assert PROTOCOL.days_per_year == Decimal("365.25")
    assert (PROTOCOL.completeness.complete, PROTOCOL.completeness.partial) == (
        Decimal("0.8"),
        Decimal("0.5"),
    )


def test_reminders_and_calls_are_those_of_the_follow_up_rule():
    rules = {rule.month: rule.reminders for rule in PROTOCOL.timepoints}
    assert (rules[1].days, rules[1].before_close, rules[1].call_day) == ((3, 7), None, 9)
    for month in (3, 6, 12, 24):
        rule = rules[month]
        assert (rule.days, rule.before_close, rule.call_day) == ((3, 7, 14), 7, 17)
    assert {rule.min_gap for rule in rules.values()} == {3}


def test_letters_go_out_from_9_to_17_on_working_days():
    window = PROTOCOL.sending.window
    assert (window.opens.hour, window.closes.hour) == (9, 17)
    assert window.weekdays == {0, 1, 2, 3, 4}


def test_the_outcomes_and_their_published_codes_are_those_of_the_product():
    assert {outcome.code: outcome.published_code for outcome in PROTOCOL.outcomes} == {
        "responder": "any_response",
        "steroid_reduced": "glucocorticoid_taper",
        "anti_dsdna_raised": "anti_dsdna_raised",
        "death": "death_any",
        "serious_event": "serious_ae",
        "any_event": "any_ae",
        "infection": "infection",
        "serious_infection": "serious_infection",
        "malignancy": "malignancy",
        "herpes_zoster": "herpes_zoster",
    }
    assert all(outcome.differs for outcome in PROTOCOL.outcomes)
    reduced = PROTOCOL.by_outcome["steroid_reduced"]
    assert reduced.population is not None
    assert (reduced.population.covariate, reduced.population.at_least) == (
        "prednisone_mg_per_day",
        10,
    )
    assert reduced.score is not None
    assert reduced.score.at_most == Decimal("7.5")
    assert PROTOCOL.by_outcome["death"].kind is OutcomeKind.DEATH


def test_the_plan_of_a_patient_has_the_five_dated_follow_ups():
    plan = PROTOCOL.plan(date(2024, 1, 31))
    assert [one.due_on.isoformat() for one in plan] == [
        "2024-02-29",
        "2024-04-30",
        "2024-07-31",
        "2025-01-31",
        "2026-01-31",
    ]
    assert (plan[0].link_ends_on - plan[0].closes_on).days == 30
    assert PROTOCOL.by_month[12].opens_day == 305


def test_steroid_factors_are_the_published_equivalents():
    factors = PROTOCOL.steroids.factors
    assert factors["prednisone"] == factors["prednisolone"] == 1
    assert factors["methylprednisolone"] == Decimal("1.25")
    assert factors["hydrocortisone"] == Decimal("0.25")
    question = PROTOCOL.questionnaire.by_code["steroid_medicine"]
    assert set(question.choices) - set(factors) == {"not_sure"}


def test_the_questionnaire_offers_the_medicine_classes_of_the_protocol():
    offered = set(PROTOCOL.questionnaire.by_code["medicines"].choices)
    assert offered - {"none", "not_sure"} == {one.code for one in PROTOCOL.medicine_classes}


def test_a_consent_text_has_its_fingerprint():
    [consent] = PROTOCOL.consents
    assert (consent.code, consent.language) == ("1", "en")
    assert len(consent.sha256) == 64
    assert "lupus" not in consent.text.lower()
    assert "stem" not in consent.text.lower()


# ---- one text, one fingerprint


def test_the_stored_text_gives_the_same_protocol_again():
    again = from_text(PROTOCOL.text)
    assert again == PROTOCOL
    assert again.fingerprint == load_protocol(None).fingerprint


def test_remarks_and_layout_do_not_change_the_fingerprint_but_content_does():
    assert from_text(json.dumps(content())).fingerprint == PROTOCOL.fingerprint
    changed = content()
    changed["timepoints"][0]["closes_day"] = 45
    assert from_text(json.dumps(changed)).fingerprint != PROTOCOL.fingerprint
    worded = content()
    worded["event_categories"][3]["phrases"].append("sniffles")
    assert from_text(json.dumps(worded)).fingerprint != PROTOCOL.fingerprint


def test_the_fingerprint_covers_the_questionnaire_word_for_word():
    both = [content(), PROTOCOL.questionnaire.fingerprint]
    assert PROTOCOL.fingerprint == fingerprint(both)


def test_a_file_elsewhere_finds_its_categories_beside_it(tmp_path: Path):
    (tmp_path / "event_categories.yaml").write_text(
        (BUNDLED.parent / "event_categories.yaml").read_text("utf-8"), "utf-8"
    )
    path = tmp_path / "other.yaml"
    path.write_text(BUNDLED.read_text("utf-8"), "utf-8")
    assert load_protocol(path).fingerprint == PROTOCOL.fingerprint
    (tmp_path / "event_categories.yaml").unlink()
    with pytest.raises(DataFileError, match=r"other\.yaml, event_categories: there is no"):
        load_protocol(path)


def test_all_faults_are_told_at_once():
    data = content()
    data["link_days"], data["safety_days"] = 0, 0
    with pytest.raises(DataFileError, match=r"link_days: must be above 0\n.*safety_days"):
        from_text(json.dumps(data))


def test_a_file_may_hold_its_categories_itself(tmp_path: Path):
    path = tmp_path / "whole.yaml"
    path.write_text(PROTOCOL.text, "utf-8")
    assert load_protocol(path) == PROTOCOL


def test_a_text_that_is_no_table_is_refused():
    with pytest.raises(DataFileError, match="needs keys"):
        from_text("[1]")
    with pytest.raises(DataFileError, match="the stored protocol is not valid JSON"):
        from_text("code: SLE-MSC")


# ---- what does not hold

Spoil = Callable[[Any], Any]


def _set(*path: Any) -> Spoil:
    *way, key, value = path

    def spoil(data: Any) -> None:
        for step in way:
            data = data[step]
        data[key] = value

    return spoil


def _drop(*path: Any) -> Spoil:
    *way, key = path

    def spoil(data: Any) -> None:
        for step in way:
            data = data[step]
        del data[key]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_set("colour", "red"), "unknown 'colour'"),
        (_drop("emergency"), "'emergency' missing"),
        (_set("version", "one"), "version: 'one' is not a whole number"),
        (_set("instrument", "version", 9), "instrument: there is no such version; known are: fol"),
        (_set("timepoints", 1, "opens_day", 44), "timepoints, month 3: windows must be in order"),
        (_set("timepoints", 0, "closes_day", 16), "month 1: windows must be in order"),
        (_set("timepoints", 0, "closes_day", 30), r"month 1: the due day \(day 28 to 31\) must"),
        (_set("timepoints", 0, "opens_day", 29), r"month 1: the due day \(day 28 to 31\) must"),
        (_set("timepoints", 0, "month", 2), r"month 2: the instrument has the months \[1, 3,"),
        (_set("timepoints", 0, "month", 0), "month 0: the instrument has the months"),
        (_set("timepoints", 0, "reminders", "days", [3, 14]), "reminder 2 can never go out: after"),
        (_set("timepoints", 0, "reminders", "days", [3, 4]), "reminder 2 can never go out: within"),
        (_set("completeness", "partial", 0.9), "completeness: partial must be above 0"),
        (_set("completeness", "complete", 1.1), "completeness: partial must be above 0"),
        (_set("link_days", 0), "link_days: must be above 0"),
        (_set("safety_days", -1), "safety_days: must be above 0"),
        (_set("days_per_year", 0), "days_per_year: must be above 0"),
        (_set("steroids", "equal_to_5_mg", "prednisone", 0), "steroids: doses must be above 0"),
        (_set("sending", "closes", "08:00"), "sending: a send window opens before it closes"),
        (_set("sending", "opens", "nine"), "sending: Invalid isoformat"),
        (_set("scores", 0, "mean", "questions", 0, "hair"), "scores, score: hair is no scale"),
        (_set("scores", 0, "mean", "minimum_answered", 15), "score: minimum_answered must lie"),
        (_drop("scores", 0, "mean"), "score score: give `mean` or `dose`"),
        (_set("scores", 1, "dose", "medicine", "x"), "scores, steroid_dose_mg: x is no question"),
        (_set("scores", 1, "dose", "taking", "equals", "x"), "medicines can never have that"),
        (_set("scores", 1, "dose", "taking", "question", "x"), "x is no question"),
        (_set("outcomes", 0, "answer", "question", "x"), "outcomes, responder: x is no question"),
        (_set("outcomes", 0, "answer", "any_of", ["x"]), "responder: overall_change can never"),
        (_set("outcomes", 0, "event", "infection"), "outcome responder: give the rule `answer`"),
        (_drop("outcomes", 0, "answer"), "outcome responder: give the rule `answer`"),
        (_set("outcomes", 3, "event", "infection"), "outcome death: give the rule `death`"),
        (_set("outcomes", 0, "kind", "guess"), "kind: 'guess' is none of"),
        (_set("outcomes", 0, "months", [2]), r"outcomes, responder: months must be among \[1, 3"),
        (_set("outcomes", 0, "months", []), "outcomes, responder: months must be among"),
        (_set("outcomes", 1, "score", "score", "x"), "steroid_reduced: x is no score of this"),
        (_set("outcomes", 1, "score", "at_least", 1), "give at_most or at_least"),
        (_set("outcomes", 4, "event", "x"), "serious_event: x is no event category"),
        (_set("matching", 1, "variable", "age"), "matching: age stands twice"),
        (_set("outcomes", 1, "code", "responder"), "outcomes: responder stands twice"),
        (_set("outcomes", 1, "code", "score"), "outcomes: score stands twice"),
        (_set("primary", "months", 2), "primary: must name an outcome and one of its months"),
        (_set("primary", "outcome", "x"), "primary: must name an outcome"),
        (
            _set("alerts", 0, "when", {"question": "x", "equals": "y"}),
            "chest_pain: x is no question",
        ),
        (_set("alerts", 0, "when", "at_least", None), "exactly one of equals"),
        (_set("alerts", 0, "when", {"question": "x", "answered": True}), "chest_pain: x is no"),
        (_set("alerts", 6, "when", {"question": "hospital", "at_least": 1}), "hospital can never"),
        (_set("routes", []), "routes: needs at least one entry"),
        (_set("event_categories", 4, "within", "x"), "serious_infection: x must stand before it"),
        (_set("reported_events", "section", "x"), "reported_events: x is no section"),
        (_set("reported_events", "term", "x"), "reported_events: x is no question of section prob"),
        (_drop("reported_events", "grades", "mild"), "reported_events: grades must cover"),
        (_set("reported_events", "in_hospital", ["x"]), "reported_events: in_hospital must be"),
        (_set("reported_events", "serious", 0, "equals", "x"), "reported_events: problem_hospital"),
    ],
)
def test_a_protocol_that_does_not_hold_is_refused_by_place(spoil: Spoil, message: str):
    data = content()
    spoil(data)
    with pytest.raises(DataFileError, match=rf"(?m)^test\.yaml.*{message}"):
        from_text(json.dumps(data), "test.yaml")


def test_no_categories_at_all_is_refused_by_its_key():
    data = content()
    del data["event_categories"]
    with pytest.raises(DataFileError, match="'event_categories' missing"):
        from_text(json.dumps(data))


def test_a_key_that_stands_twice_is_refused(tmp_path: Path):
    path = tmp_path / "twice.yaml"
    path.write_text("code: A\ncode: B\n")
    with pytest.raises(DataFileError, match="'code' stands twice"):
        load_protocol(path)
