"""The bundled library: complete, sound, and as the pages say it is."""

import dataclasses
from collections import Counter

import pytest

from registry.datafiles import DataFileError
from registry.errors import NotFound
from registry.published import Status, library
from registry.published.vocabulary import Counted, Origin


def test_all_studies_rows_and_conflicts_are_there():
    books = library()
    assert len(books.studies) == 51
    assert len(books.rows) == 372
    assert Counter(type(row).__name__ for row in books.rows) == {
        "Figure": 311, "Measure": 33, "Effect": 28,
    }  # fmt: skip
    assert len(books.conflicts) == 25
    assert len(books.codes) == 63


def test_eleven_printed_percentages_do_not_fit_their_counts():
    faulty = [f for f in library().figures() if f.faulty and f.x is not None]
    assert Counter(f.study for f in faulty) == {
        "msc-wang-2018-5y": 1, "cmp-bliss-76": 1, "cmp-tulip-2": 1, "cmp-tulip-pooled": 6,
        "cmp-explorer": 1, "cmp-jayne-2004": 1,
    }  # fmt: skip
    assert {f.status for f in faulty} == {Status.LISTED}


def test_how_many_figures_are_usable_flagged_and_listed():
    counts = Counter(figure.status for figure in library().figures())
    assert counts[Status.LISTED] == 85
    assert counts[Status.USABLE] + counts[Status.FLAGGED] == 226


def test_every_listed_figure_says_why_and_every_flagged_one_what():
    for figure in library().figures():
        assert bool(figure.unusable) is (figure.status is Status.LISTED)
        if figure.status is Status.FLAGGED:
            assert figure.flags


def test_inferred_and_secondary_counts_are_never_plain():
    for figure in library().figures():
        if figure.counted is Counted.INFERRED or figure.origin is Origin.REVIEW:
            assert figure.status is not Status.USABLE


TABLE = """
msc-deng-2017-rct      cells    renal_remission_any   6   9/12   usable
msc-deng-2017-rct      placebo  renal_remission_any   6   5/6    usable
msc-deng-2017-rct      cells    anti_dsdna_raised     6   1/12   usable
msc-deng-2017-rct      cells    serious_infection     12  2/12   flagged
msc-wang-2018-5y       cells    complete_remission    60  22/81  usable
msc-wang-2018-5y       cells    remission_any         60  28/81  listed
msc-ard-2017-abstract  cells    complete_remission    60  22/68  usable
msc-wang-2014-multicentre cells any_response          12  24/40  flagged
cmp-tulip-pooled       placebo  glucocorticoid_taper  12  59/185 listed
cmp-belimumab-ne-asia  placebo  serious_ae            12  43/235 usable
cmp-explorer           rituximab lda                  12  127/169 flagged
cmp-bliss-pooled-serologic placebo death_any          12  1/287  listed
"""


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_a_figure_known_by_heart(line):
    study, arm, code, month, share, status = line.split()
    found = [
        figure
        for figure in library().figures(code, int(month))
        if (figure.study, figure.arm) == (study, arm)
    ]
    assert (f"{found[0].x}/{found[0].n}", found[0].status) == (share, status)


def test_figures_are_found_by_code_and_month():
    twelve = library().figures("death_any", 12)
    assert {figure.study for figure in twelve} >= {"msc-deng-2017-rct", "cmp-belimumab-ne-asia"}
    assert all(figure.month == 12 for figure in twelve)
    assert len(library().figures("death_any")) > len(twelve)


def test_the_blinded_trial_is_always_shown_with_all_its_rows():
    rows = library().blinded_trial_figures()
    assert len(rows) == 30
    assert {row.study for row in rows} == {"msc-deng-2017-rct"}


def test_every_source_names_a_page_and_identifiers_come_first():
    for study in library().studies:
        for source in study.sources.values():
            assert source.pages
            if source.origin is Origin.REPRODUCTION:
                assert "read in a reproduction at" in source.line
    line = library().study("msc-deng-2017-rct").cite.line
    assert "doi:10.1136/annrheumdis-2017-211073. PMID 28478399. NCT01539902" in line


def test_one_cohort_in_two_reports_is_recognised():
    books = library()
    paper = next(f for f in books.figures("overall_survival", 60) if f.study == "msc-wang-2018-5y")
    again = next(
        f for f in books.figures("overall_survival", 60) if f.study == "msc-ard-2017-abstract"
    )
    assert (
        books.overlap(paper, again) == "the same patients (nanjing-5y-81) as in EULAR 2017 abstract"
    )


def test_treated_and_placebo_patients_of_one_cohort_do_not_overlap():
    books = library()
    treated, placebo = books.figures("bicla", 12)[0], books.figures("bicla", 12)[1]
    pooled = next(f for f in books.figures("bicla", 12) if f.study == "cmp-tulip-pooled")
    assert books.overlap(treated, placebo) is None
    assert books.overlap(placebo, pooled) is None
    assert books.overlap(treated, pooled) is not None


def test_series_of_one_centre_may_share_patients():
    books = library()
    one = next(f for f in books.figures() if f.study == "msc-wen-2019")
    other = next(f for f in books.figures() if f.study == "msc-gu-2014-ln")
    assert books.overlap(one, other) == "same centre as Gu 2014: patients may be the same"


def test_conflicts_are_told_with_their_studies():
    assert len(library().conflicts_of("cmp-jayne-2004")) == 1
    assert all(conflict.studies for conflict in library().conflicts)


def test_a_percentage_alone_keeps_every_count_that_it_allows():
    figure = next(f for f in library().figures("any_ae", 12) if f.printed == "92")
    assert (figure.x, figure.n, figure.feasible) == (None, 287, (263, 264, 265))
    assert next(f for f in library().figures() if f.printed == "<1").feasible == ()


def test_an_arm_within_another_counts_the_same_patients():
    first, second = [
        figure
        for figure in library().figures("renal_response_perr", 24)
        if figure.arm in ("belimumab-10", "belimumab-new")
    ]
    assert "the same patients as in the arm" in (library().overlap(first, second) or "")
    placebo = next(f for f in library().figures("renal_response_perr", 24) if f.arm == "placebo")
    assert library().overlap(first, placebo) is None


def test_a_code_with_another_meaning_is_refused():
    books = library()
    other = dataclasses.replace(books.codes["lda"], label="Something else")
    mine = dataclasses.replace(books, codes={**books.codes, "lda": other})
    with pytest.raises(DataFileError, match="another meaning"):
        books.plus(mine)


def test_a_near_code_must_exist():
    books = library()
    lost = dataclasses.replace(books.codes["lda"], near="nothing")
    with pytest.raises(DataFileError, match="which is no code"):
        dataclasses.replace(books, codes={**books.codes, "lda": lost})


def test_an_unknown_study_is_not_found():
    with pytest.raises(NotFound, match="brown-1999"):
        library().study("brown-1999")


def test_a_low_credibility_source_is_barred_from_comparison():
    assert library().study("meta-msc-secretome").not_compared
