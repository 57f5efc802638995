"""The bundled questionnaire says what it must, and a definition that does not hold is refused."""

import re
from pathlib import Path

import pytest

from surveys.catalogues import DEFINITIONS
from surveys.instruments import (
    answer_codes,
    bundled_instruments,
    changed_codes,
    instrument,
    load_instrument,
)
from surveys.questions import PREFER_NOT_TO_SAY, Condition, QuestionType
from surveys.reading import DefinitionError

FOLLOW_UP = instrument("follow_up", 1)
SYMPTOMS = re.findall(
    r"\w+",
    "fatigue joints muscles fever rash mouth_ulcers chest_pain breathlessness cold_fingers "
    "hair_loss head dry_eyes glands sun",
)

DEFINITION = """
code = "tiny"
version = 1
months = [0, 1]
primary = "how"
recall_days = 7
licence = "own"
page_size = 3
seconds_per_question = 10
[[section]]
code = "one"
[[section.question]]
code = "how"
type = "choice"
choices = ["well", "ill"]
[[section.question]]
code = "pain"
type = "scale"
urgent = { at_least = 8, advice = "pain" }
[[section]]
code = "thing"
repeat = 2
continue = "more"
show_if = [{ question = "how", equals = "ill" }]
[[section.question]]
code = "what"
type = "text"
max_length = 20
[[section.question]]
code = "bad"
type = "number"
maximum = 5
show_if = [{ question = "what", answered = true }]
[[section.question]]
code = "more"
type = "yes_no"
"""
ENGLISH = """
section.one.title = "One"
section.thing.title = "Thing {n}"
question.how.text = "How?"
question.how.name = "how"
question.how.choices.well = "Well"
question.how.choices.ill = "Ill"
question.pain.text = "Pain?"
question.pain.name = "pain"
question.pain.low = "none"
question.pain.high = "worst"
question.what.text = "What?"
question.what.name = "what"
question.bad.text = "Bad?"
question.bad.name = "bad"
question.bad.unit = "units"
question.more.text = "More?"
question.more.name = "more"
advice.pain.heading = "Pain"
advice.pain.text = "{emergency}"
"""


def written(folder: Path, definition: str = DEFINITION, english: str = ENGLISH) -> Path:
    (folder / "tiny.en.toml").write_text(english)
    path = folder / "tiny.toml"
    path.write_text(definition)
    return path


# ---- the bundled questionnaire


def test_the_fourteen_symptoms_are_asked_from_0_to_10_in_the_issues_order():
    section = next(part for part in FOLLOW_UP.sections if part.code == "symptoms")
    assert [question.code for question in section.questions] == SYMPTOMS
    for question in section.questions:
        assert (question.type, question.minimum, question.maximum) == (QuestionType.SCALE, 0, 10)
        assert question.months == {0, 1, 3, 6, 12, 24}


def test_overall_change_has_seven_steps_and_is_not_asked_at_enrolment():
    question = FOLLOW_UP.by_code["overall_change"]
    assert len(question.choices) == 7
    assert question.choices[:2] == ("much_better", "better")
    assert question.months == {1, 3, 6, 12, 24}
    assert FOLLOW_UP.primary == "overall_change"


def test_up_to_five_new_problems_are_told_each_after_the_one_before():
    codes = [question.code for question in FOLLOW_UP.questions]
    assert [code for code in codes if code.startswith("problem_what_")] == [
        f"problem_what_{n}" for n in range(1, 6)
    ]
    assert "problem_another_4" in codes
    assert "problem_another_5" not in codes
    third = FOLLOW_UP.by_code["problem_severity_3"]
    assert third.show_if == (
        Condition("new_problems", equals="yes"),
        Condition("problem_another_2", equals="yes"),
    )
    assert third.urgent is not None
    assert third.urgent.condition.question == "problem_severity_3"
    assert (third.text_code, third.instance) == ("problem_severity", 3)


def test_everything_that_is_asked_can_be_declined_or_has_a_reason_not_to():
    kept = {question.text_code for question in FOLLOW_UP.questions if not question.decline}
    assert kept == {"problem_another", "may_call", "call_time"}


def test_versions_of_one_questionnaire_never_lose_an_answer_code():
    versions = sorted(bundled_instruments())
    for code, version in versions:
        if (code, version - 1) in versions:
            older = answer_codes(instrument(code, version - 1))
            assert not changed_codes(older, answer_codes(instrument(code, version)))


def test_the_version_may_come_as_text():
    assert instrument("follow_up", "1") is FOLLOW_UP
    with pytest.raises(KeyError):
        instrument("follow_up", 99)


def test_an_unknown_language_gets_english():
    assert FOLLOW_UP.catalogue("xx") is FOLLOW_UP.catalogue("en")


def test_every_definition_folder_file_is_an_instrument_or_a_catalogue():
    names = [path.name for path in DEFINITIONS.glob("*.toml")]
    assert all(name.count(".") in {1, 2} for name in names)


# ---- loading


def test_a_small_definition_loads(tmp_path: Path):
    tiny = load_instrument(written(tmp_path))
    assert [q.code for q in tiny.questions] == [
        "how",
        "pain",
        "what_1",
        "bad_1",
        "more_1",
        "what_2",
        "bad_2",
    ]
    assert tiny.by_code["bad_2"].show_if == (
        Condition("how", equals="ill"),
        Condition("more_1", equals="yes"),
        Condition("what_2", answered=True),
    )


def test_the_fingerprint_follows_content_and_english_words_not_layout(tmp_path: Path):
    first = load_instrument(written(tmp_path)).fingerprint
    assert load_instrument(written(tmp_path, "# a remark\n" + DEFINITION)).fingerprint == first
    worded = ENGLISH.replace('"How?"', '"How are you?"')
    assert load_instrument(written(tmp_path, DEFINITION, worded)).fingerprint != first
    wider = DEFINITION.replace("maximum = 5", "maximum = 6")
    assert load_instrument(written(tmp_path, wider)).fingerprint != first


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1", "", "version: is missing"),
        ("version = 1", 'version = "1"', "version: must be a whole number"),
        ("version = 1", "version = true", "version: must be a whole number"),
        ('licence = "own"', 'licence = " "', "licence: must not be empty"),
        ("page_size = 3", "page_size = 3\ncolour = 1", "unknown key: colour"),
        ("months = [0, 1]", 'months = ["0"]', "months: must be a list of whole numbers"),
        ("months = [0, 1]", "months = 1", "months: must be a list"),
        ('primary = "how"', 'primary = "who"', "primary: who is not a question"),
        ('type = "choice"', 'type = "wheel"', "type: must be one of"),
        ('["well", "ill"]', '["well"]', "choices: does not fit"),
        ('["well", "ill"]', '["well", "well"]', "choices: does not fit"),
        ('["well", "ill"]', f'["well", "{PREFER_NOT_TO_SAY}"]', "choices: does not fit"),
        ('["well", "ill"]', '["well", 1]', "choices: must be a list of texts"),
        ('["well", "ill"]', '["well", "ill"]\nexclusive = ["x"]', "exclusive: does not fit"),
        ('["well", "ill"]', '["well", "ill"]\nmonths = [3]', "months: does not fit"),
        ("max_length = 20", "", "max_length: does not fit"),
        ("maximum = 5", "minimum = 5\nmaximum = 5", "maximum: does not fit"),
        ('code = "pain"', 'code = "how"', "how: is the code of two questions"),
        ('equals = "ill"', 'equals = "sad"', "what_1: how can never have that answer"),
        ('equals = "ill"', "at_least = 2", "what_1: how can never have that answer"),
        ('equals = "ill"', 'equals = "ill", answered = true', "give exactly one of"),
        ('"how", equals = "ill"', '"bad_1", answered = true', "bad_1 is no earlier question"),
        ('continue = "more"', "", "repeat: more than 1 needs `continue`"),
        ("repeat = 2", "repeat = 1", "repeat: more than 1 needs `continue`"),
        ('continue = "more"', 'continue = "what"', "what is not a yes/no question"),
        ('urgent = { at_least = 8, advice = "pain" }', "urgent = 8", "urgent: must be a table"),
        ('code = "one"', "", r"section\[0\].code: is missing"),
        ('type = "scale"', "", r"section\[one\].question\[pain\].type: is missing"),
        (
            'show_if = [{ question = "what", answered = true }]',
            "show_if = [3]",
            "must be a table of",
        ),
    ],
)
def test_a_definition_that_does_not_hold_is_refused_by_place(tmp_path: Path, old, new, message):
    path = written(tmp_path, DEFINITION.replace(old, new, 1))
    with pytest.raises(DefinitionError, match=f"^tiny.toml: .*{message}"):
        load_instrument(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('question.how.choices.ill = "Ill"', "", "question.how.choices.ill: this text is missing"),
        ('advice.pain.heading = "Pain"', "", "advice.pain.heading: this text is missing"),
        ('question.bad.unit = "units"', "", "question.bad.unit: this text is missing"),
        ('question.pain.low = "none"', "", "question.pain.low: this text is missing"),
        ('section.one.title = "One"', "", "section.one.title: this text is missing"),
        ('"How?"', '"How?"\nquestion.who.text = "Who?"', "question.who.text: no question uses"),
        ('"How?"', '"How, {name}?"', "question.how.text: only these can be filled in"),
    ],
)
def test_a_text_that_is_missing_or_left_over_is_named(tmp_path: Path, old, new, message):
    with pytest.raises(DefinitionError, match=rf"^tiny\.en\.toml: {message}"):
        load_instrument(written(tmp_path, DEFINITION, ENGLISH.replace(old, new, 1)))


def test_hints_and_introductions_are_optional(tmp_path: Path):
    more = 'question.how.hint = "Hint"\nsection.one.intro = "Intro"\nquestion.how.missing = "Say"\n'
    assert load_instrument(written(tmp_path, DEFINITION, ENGLISH + more))


def test_an_instrument_without_english_words_is_refused(tmp_path: Path):
    path = written(tmp_path)
    (tmp_path / "tiny.en.toml").rename(tmp_path / "tiny.de.toml")
    with pytest.raises(DefinitionError, match=r"tiny\.toml: the file: has no tiny\.en\.toml"):
        load_instrument(path)


# ---- what stored answers rely on


@pytest.mark.parametrize(
    ("old", "new", "english", "lost"),
    [
        ('["well", "ill"]', '["well", "ill", "so_so"]', "question.how.choices.so_so", ()),
        ("maximum = 5", "maximum = 9", "", ()),
        ('"well", "ill"', '"fine", "ill"', "question.how.choices.fine", ("how = well",)),
        ('type = "scale"', 'type = "scale"\nmaximum = 9', "", ("pain from 0 to 10",)),
    ],
)
def test_lost_codes_are_listed_and_added_ones_are_not(tmp_path: Path, old, new, english, lost):
    before = answer_codes(load_instrument(written(tmp_path)))
    words = ENGLISH + (f'{english} = "x"\n' if english else "")
    words = words.replace('question.how.choices.well = "Well"', "") if "fine" in english else words
    after = answer_codes(load_instrument(written(tmp_path, DEFINITION.replace(old, new), words)))
    assert changed_codes(before, after) == lost


def test_another_unit_is_another_answer(tmp_path: Path):
    before = answer_codes(load_instrument(written(tmp_path)))
    words = ENGLISH.replace('"units"', '"grams"')
    after = answer_codes(load_instrument(written(tmp_path, DEFINITION, words)))
    assert changed_codes(before, after) == ("bad_1 in units", "bad_2 in units")
