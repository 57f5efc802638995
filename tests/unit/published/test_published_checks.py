"""A library file with one planted fault each: refused, and the fault named."""

import re
from importlib import resources
from pathlib import Path

import pytest

from registry.datafiles import DataFileError
from registry.published import library, load
from registry.published.reading import check, read

DOCS = Path(__file__).parents[3] / "docs" / "published-figures.md"
EXAMPLE = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)[0]


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_example_of_the_documentation_loads(tmp_path):
    mine = load(_file(tmp_path, EXAMPLE))
    study = mine.study("smith-2020")
    assert study.cite.identifiers == ("doi:10.1234/invented.2020.1", "PMID 12345678", "NCT00000000")
    assert [figure.status for figure in study.figures] == [
        "usable", "usable", "flagged", "listed", "usable", "listed",
    ]  # fmt: skip
    assert study.figures[0].means == "better in the view of the physician"
    assert mine.terms == ("headache",)
    assert mine.overlap(study.figures[0], study.figures[2]) is not None


def test_the_documentation_shows_the_message_that_a_reader_gets(tmp_path):
    wrong = EXAMPLE.replace('x: 11, n: 20, printed: "55"', 'x: 11, n: 20, printed: "56"')
    with pytest.raises(DataFileError) as told:
        load(_file(tmp_path, wrong))
    assert str(told.value) == (
        "mine.yaml, study smith-2020, row 1 (any_response, 12 months): "
        "11/20 is 55.00 %, printed 56 %: impossible"
    )


def test_an_analysts_file_stands_beside_the_bundled_studies(tmp_path):
    both = library().plus(load(_file(tmp_path, EXAMPLE)))
    assert len(both.studies) == len(library().studies) + 1
    assert "headache" in both.terms
    assert both.blinded_trial_figures() == library().blinded_trial_figures()


def test_an_id_of_the_bundled_library_is_refused(tmp_path):
    mine = load(_file(tmp_path, EXAMPLE.replace("smith-2020", "msc-wen-2019")))
    with pytest.raises(DataFileError, match="msc-wen-2019"):
        library().plus(mine)


ROW = "  - {code: headache, arm: drug, month: 12, x: 0, n: 20, source: table-2}\n"

FAULTS = [
    ("x above n", "x: 7, n: 20", "x: 27, n: 20", "27 of 20 is not possible"),
    ("negative count", "x: 7, n: 20", "x: -1, n: 20", "not possible"),
    ("percentage of nothing", 'n: 20, printed: "10"', 'n: 20, printed: "11"', "no count of 20"),
    ("percentage without quotes", 'printed: "35.0"', "printed: 35.0", "quotes"),
    ("percentage in words", 'printed: "35.0"', 'printed: "a third"', "as printed"),
    ("faulty but right", 'x: 7, n: 20, printed: "35.0"',
     'x: 7, n: 20, printed: "35.0", faulty: typo', "take faulty away"),
    ("inferred from many", 'x: 9, n: 16, printed: "56"', 'x: 900, n: 1600, printed: "56"',
     "allows the counts"),
    ("no count at all", "counted: percent only", "counted: printed", "does not go with"),
    ("nothing said", "rate only,\n     rate: 0.4 per 100 patient-years", "rate only",
     "nothing is said"),
    ("unknown arm", "arm: placebo, month: 12", "arm: sugar, month: 12", "arm 'sugar'"),
    ("unknown code", "code: headache", "code: migraine", "unknown code"),
    ("measure as a share", "{code: serious_ae", "{code: gfr_mean", "write it under measures"),
    ("no source", ", source: table-2}\n  - {code: any_response, arm: placebo",
     "}\n  - {code: any_response, arm: placebo", "'source' missing"),
    ("unknown source", 'printed: "35.0", source: table-2', 'printed: "35.0", source: t9', "'t9'"),
    ("source without address", "https://doi.org", "doi.org", "needs the address"),
    ("unknown key", "follow_up: 12 months", "folow_up: 12 months", "'folow_up'"),
    ("key twice", "follow_up: 12 months", "follow_up: 12 months\n  follow_up: 6", "stands twice"),
    ("missing key", "  design: randomised, double-blind\n", "", "'design' missing"),
    ("not a choice", "role: control", "role: sugar", "none of"),
    ("no cohort", "cohorts: [sea-40]", "cohorts: []", "counted twice"),
    ("part of nothing", "part_of: [drug]", "part_of: [men]", "no other arms"),
    ("bad DOI", "doi: 10.1234/invented", "doi: invented", "not a DOI"),
    ("bad PMID", '"12345678"', '"PMC12"', "not a PMID"),
    ("always shown but open", "blinded: true", "blinded: false\n  always_shown: true", "blinded"),
    ("definition of nothing", "    any_response: better", "    relapse: better", "no figure uses"),
    ("row twice", "  measures:\n", f"{ROW}  measures:\n", "say the same"),
    ("estimate outside", "estimate: 2.27", "estimate: 9.27", "outside its interval"),
    ("interval backwards", "lower: 0.65, upper: 8.0", "lower: 8.0, upper: 0.65", "backwards"),
    ("mean and median", "mean: 4.1, sd", "median: 3, mean: 4.1, sd", "either a mean or a median"),
    ("conflict of nobody", "studies: [smith-2020]", "studies: [brown-1999]", "brown-1999"),
    ("reports nothing again", "  follow_up:", "  reports_again: brown-1999\n  follow_up:",
     "reports_again"),
    ("code redefined", "  headache: {label: Headache", "  any_ae: {label: Headache", "bundled"),
    ("id in capitals", "- id: smith-2020", "- id: Smith-2020", "small letters"),
    ("arm of another cohort", "role: control, n: 20", "role: control, n: 20, cohorts: [lake-9]",
     "not among the study's cohorts"),
    ("baseline of nobody", "variable: age, arm: drug", "variable: age, arm: men", "baseline age"),
    ("source never used", "  defines:",
     "    t-3: {what: T, origin: paper, pages: [https://doi.org/10]}\n  defines:",
     "used by no figure"),
    ("more than the arm", "x: 7, n: 20, printed", "x: 70, n: 200, printed", "the arm's 20"),
    ("baseline that does not fit", 'printed: "80"', 'printed: "81"', "16/20 is 80.00 %"),
    ("percentage outside", 'printed: "35.0"',
     'printed: "35.0", interval: {lower: 40, upper: 60}', "outside its printed interval"),
    ("number in words", "years: 18.5", "years: .nan", "not a number"),
    ("spread below 0", "sd: 2.0", "sd: -2.0", "sd cannot be below 0"),
    ("text instead of a list", "notes:\n  - Invented", "notes: Invented", "a list is expected"),
    ("text instead of keys", "population: {n: 40, text: active lupus}", "population: 40",
     "needs keys"),
    ("date is text", "year: 2020", "year: 2020-01-01", "a whole number"),
    ("text for a number", "estimate: 2.27", "estimate: high", "a number"),
    ("text for a truth", "blinded: true", "blinded: double", "true or false"),
    ("number for a text", "label: Smith 2020", "label: 2020", "is not text"),
    ("month before", "arm: drug, month: 12, x: 0", "arm: drug, month: -1, x: 0", "below 0"),
    ("broken YAML", "studies:\n- id", "studies: [\n- id", "not valid YAML"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("was", "becomes", "told"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_planted_fault_is_refused_and_named(tmp_path, was, becomes, told):
    assert was in EXAMPLE
    with pytest.raises(DataFileError, match=re.escape(told)) as refused:
        load(_file(tmp_path, EXAMPLE.replace(was, becomes, 1)))
    assert refused.value.status == 422


def test_every_fault_is_told_at_once(tmp_path):
    wrong = EXAMPLE.replace("x: 7, n: 20", "x: 8, n: 20").replace("x: 11, n: 20", "x: 10, n: 20")
    with pytest.raises(DataFileError) as refused:
        load(_file(tmp_path, wrong))
    assert len(str(refused.value).splitlines()) == 2


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataFileError, match="UTF-8"):
        load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_a_study_that_may_not_be_compared_is_only_listed(tmp_path):
    barred = EXAMPLE.replace("  follow_up:", "  not_compared: not credible\n  follow_up:")
    figures = load(_file(tmp_path, barred)).figures()
    assert {figure.status.value for figure in figures} == {"listed"}
    assert {figure.unusable for figure in figures} == {"not credible"}


def test_an_error_planted_in_the_bundled_library_is_refused():
    text = resources.files("registry.published").joinpath("mesenchymal_other.yaml").read_text()
    wrong = text.replace('x: 9, n: 12, printed: "75"', 'x: 9, n: 13, printed: "75"')
    with pytest.raises(DataFileError, match="9/13 is 69"):
        check(read(wrong, "planted"), library().codes, "planted")
