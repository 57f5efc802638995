"""Side by side, or the reason why not, as a table."""

from dataclasses import dataclass

import pytest

from registry.published import Why, library, pair


@dataclass(frozen=True)
class _Outcome:
    code: str
    published_code: str | None
    months: tuple[int, ...]
    label: str = "ours"


OUTCOMES = (
    _Outcome("responder", "any_response", (1, 3, 6, 12, 24)),
    _Outcome("steroid", "glucocorticoid_taper", (12,)),
    _Outcome("dsdna", "anti_dsdna_raised", (6, 12)),
    _Outcome("death", "death_any", (12, 24)),
    _Outcome("work", None, (12,)),
)


def _beside(code):
    return {
        (item.figure.study, item.figure.arm, item.months)
        for item in pair(OUTCOMES, library()).beside
        if item.outcome.code == code
    }


def test_same_code_and_same_month_stand_side_by_side():
    assert _beside("dsdna") == {
        ("msc-deng-2017-rct", "cells", 6),
        ("msc-deng-2017-rct", "placebo", 6),
    }
    assert _beside("steroid") == {("cmp-tulip-pooled", "anifrolumab-300", 12)}
    assert ("msc-wang-2014-multicentre", "cells", 12) in _beside("responder")
    assert _beside("work") == set()


REASONS = """
msc-deng-2017-rct       renal_remission_any   responder  other definition
msc-deng-2017-rct       esrd                  -          not measured in the registry
msc-deng-2017-rct       sledai_change_mean    -          not measured in the registry
msc-sun-2010            any_response          responder  other time-point
cmp-tulip-pooled        glucocorticoid_taper  steroid    figure cannot be used
cmp-aurora-2            death_any             death      other time-point
cmp-bliss-pooled-serologic death_any          death      figure cannot be used
msc-wang-2018-5y        overall_survival      death      other definition
"""


@pytest.mark.parametrize("line", REASONS.strip().splitlines())
def test_the_reason_for_standing_apart_is_told(line):
    study, code, outcome, why = line.split(maxsplit=3)
    found = [
        item
        for item in pair(OUTCOMES, library()).apart
        if (item.row.study, item.row.code) == (study, code)
    ]
    assert {(item.outcome.code if item.outcome else "-", item.why.value) for item in found} == {
        (outcome, why)
    }
    assert all(item.reason for item in found)


def test_every_row_of_the_blinded_trial_is_somewhere_whatever_the_protocol():
    for outcomes in ((), OUTCOMES):
        result = pair(outcomes, library())
        rows = [item.figure for item in result.beside] + [item.row for item in result.apart]
        shown = {(row.study, row.number) for row in rows}
        assert {(row.study, row.number) for row in library().blinded_trial_figures()} <= shown


def test_mismatched_figures_never_stand_side_by_side():
    everything = [_Outcome(code, code, tuple(range(121))) for code in library().codes]
    for item in pair(everything, library()).beside:
        assert item.figure.unusable is None
        assert item.figure.x is not None
        assert item.figure.n is not None


def test_patients_who_may_be_counted_twice_are_warned_of():
    wang = next(
        item
        for item in pair(OUTCOMES, library()).beside
        if item.figure.study == "msc-wang-2014-multicentre" and item.outcome.code == "responder"
    )
    assert any("counted twice?" in caution and "Liang 2010" in caution for caution in wang.cautions)
    assert "not blinded" in wang.cautions


def test_a_second_report_of_a_cohort_gives_way_to_the_first():
    result = pair([_Outcome("cr", "complete_remission", (60,))], library())
    assert [item.figure.study for item in result.beside] == ["msc-wang-2018-5y"]
    told = {i.why: i.reason for i in result.apart if i.row.study == "msc-ard-2017-abstract"}
    assert "Wang 2018 reports the same patients" in told[Why.REPORTED_TWICE]


def test_two_denominators_of_one_arm_are_warned_of():
    result = pair([_Outcome("bicla", "bicla", (12,))], library())
    subgroups = [i for i in result.beside if i.figure.arm == "anifrolumab-naive"]
    assert any("counted twice?" in caution for caution in subgroups[0].cautions)


def test_cautions_carry_flags_notes_and_the_control_arm():
    result = pair([_Outcome("sae", "serious_ae", (12,)), *OUTCOMES], library())
    placebo = next(i for i in result.beside if i.figure.study == "cmp-anifrolumab-pooled-safety"
                   and i.figure.arm == "placebo")  # fmt: skip
    assert any(caution.startswith("count inferred") for caution in placebo.cautions)
    assert any(caution.startswith("control arm") for caution in placebo.cautions)
