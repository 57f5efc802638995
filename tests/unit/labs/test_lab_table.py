"""The lab table itself: complete, codes sound, factors right by arithmetic."""

from decimal import Decimal
from importlib import resources

import pytest

from registry.datafiles import DataFileError
from registry.labs import UnknownTest, find, has_check_digit, table
from registry.labs.table import read_table

TEXT = resources.files("registry.labs").joinpath("tests.yaml").read_text("utf-8")


def test_all_forty_six_tests_are_there_with_the_loinc_notice():
    assert len(table().tests) == 46
    assert "LOINC is copyright © Regenstrief Institute" in table().notice


def test_every_code_ends_in_its_check_digit():
    for test in table().tests:
        for code in test.codes:
            assert has_check_digit(code), (test.id, code)


@pytest.mark.parametrize("code", ["4420-8", "4407-5", "7465-1", "4485-8", "1234", "2160-O"])
def test_wrong_codes_fail_the_check_digit(code):
    assert not has_check_digit(code)


MOLAR = """
creatinine   mg/dL   umol/L  113.12  10000/M
creatinine   mg/L    umol/L  113.12  1000/M
urine_creat  mmol/L  mg/dL   113.12  M/10
urine_creat  umol/L  mg/dL   113.12  M/10000
bili_total   mg/dL   umol/L  584.66  10000/M
bili_total   mg/L    umol/L  584.66  1000/M
bili_direct  umol/L  mg/dL   584.66  M/10000
upcr         mg/mmol mg/g    113.12  1000/M
upcr         g/mol   mg/g    113.12  1000/M
urea_n       mmol/L  mg/dL   28.014  M/10
hgb          mmol/L  g/L     16114   M/1000
"""


@pytest.mark.parametrize("line", MOLAR.strip().splitlines())
def test_factors_between_mass_and_moles_follow_from_the_molar_mass(line):
    name, unit, canonical, mass, formula = line.split()
    test = find(name)
    top, bottom = formula.replace("M", mass).split("/")
    expected = Decimal(top) / Decimal(bottom)
    assert test.unit == canonical
    assert abs(test.units[unit] / expected - 1) < Decimal("0.0005")
    assert test.molar_mass in (None, Decimal(mass))


PREFIX = {"": 1, "d": 10, "m": 1000, "u": 10**6, "n": 10**9, "f": 10**15}
SCALE = {
    f"{top}g/{bottom}L": Decimal(PREFIX[bottom]) / PREFIX[top]
    for top in ("", "m", "u", "n")
    for bottom in ("", "d", "m")
}
SCALE |= {
    "10*12/L": Decimal(10**12),
    "10*9/L": Decimal(10**9),
    "10*6/L": Decimal(10**6),
    "10*3/uL": Decimal(10**9),
    "10*6/uL": Decimal(10**12),
    "/uL": Decimal(10**6),
    "/mm3": Decimal(10**6),
    "mmol/L": Decimal("0.001"),
    "umol/L": Decimal("0.000001"),
    "U/L": Decimal(1),
    "[IU]/L": Decimal(1),
    "ukat/L": Decimal(60),  # 1 U is 1 µmol a minute, 1 kat 1 mol a second
    "k[IU]/L": Decimal(1000),
    "[IU]/mL": Decimal(1000),
    "L/L": Decimal(1),
    "%": Decimal("0.01"),
    "g/g": Decimal(1),
    "mg/mg": Decimal(1),
    "mg/g": Decimal("0.001"),
    "mg/g{creat}": Decimal("0.001"),
    "g/(24.h)": Decimal(1),
    "g/d": Decimal(1),
    "mg/(24.h)": Decimal("0.001"),
    "mg/d": Decimal("0.001"),
}


def test_every_other_factor_is_the_ratio_of_its_units():
    compared = 0
    for test in table().tests:
        for unit, factor in test.units.items():
            if unit == test.unit or ("mol" in unit) != ("mol" in test.unit):
                continue
            if test.id == "inr":
                continue
            assert factor == SCALE[unit] / SCALE[test.unit], (test.id, unit)
            compared += 1
    assert compared > 40


NAMES = """
creatinine              creatinine
Serum Creatinine        creatinine
2160-0                  creatinine
14682-9                 creatinine
 1975-2                 bili_total
ALT                     alt
sgpt                    alt
Haemoglobin             hgb
hemoglobin              hgb
Anti-dsDNA              dsdna
anti-double-stranded DNA dsdna
5130-0                  dsdna
platelet count          plt
26515-7                 plt
BUN                     urea_n
UPCR                    upcr
34366-5                 upcr
CD19+ B cells           cd19
C-Reactive Protein      crp
Complement C3           c3
c4                      c4
"""


@pytest.mark.parametrize("line", NAMES.strip().splitlines())
def test_a_test_is_found_by_code_id_label_or_common_name(line):
    name, wanted = line.rsplit(maxsplit=1)
    assert find(name).id == wanted


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("31348-6", "presence only"),
        ("4420-8", "use 4485-9"),
        ("8124-0", "use 8116-6"),
        ("62238-1", "older CKD-EPI"),
        ("3091-6", "2.14 times"),
        ("30391-7", "cannot be converted"),
        ("platlets", "near it are Platelets (777-3)"),
        ("xyzzy", "no laboratory test"),
        ("99999-9", "no laboratory test"),
    ],
)
def test_a_code_that_is_another_test_is_refused_with_the_reason(code, told):
    with pytest.raises(UnknownTest, match=told.replace("(", r"\(").replace(")", r"\)")):
        find(code)


@pytest.mark.parametrize(
    ("test", "unit", "code"),
    [
        ("creatinine", "mg/dL", "2160-0"),
        ("creatinine", "mmol/L", "14682-9"),
        ("albumin", "g/dL", "1751-7"),
        ("hgb", "mmol/L", None),
        ("upcr", "mg/mmol", "34366-5"),
        ("dsdna", "[arb'U]/mL", None),
    ],
)
def test_the_code_follows_the_unit(test, unit, code):
    assert find(test).loinc_for(unit) == code


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("loinc: 14682-9", "loinc: 14682-8", "check digit"),
        ("{umol/L: 1,", "{umol/L: 2,", "needs the factor 1"),
        ("mmol/L: 1000,", "mmol/L: 0,", "above 0"),
        ('"<LLN", "<1.5"', '"<LNL", "<1.5"', "no grade steps"),
        ("- id: c4", "- id: c3", "names two tests"),
        ("{mg/dL: 2160-0", "{mg/mL: 2160-0", "does not accept"),
        ("  decimals: 0\n", "", "'decimals' missing"),
        ("worse: high", "worse: higher", "none of"),
        ("{RU}/mL", "k[IU]/L", "both converted and kept"),
    ],
)
def test_a_fault_planted_in_the_table_is_refused(was, becomes, told):
    assert was in TEXT
    with pytest.raises(DataFileError, match=told):
        read_table(TEXT.replace(was, becomes, 1))
