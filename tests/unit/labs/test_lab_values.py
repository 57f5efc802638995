"""Written results, flags, limits and plausibility, as tables."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.labs import (
    Range,
    UnreadableValue,
    check_plausible,
    check_possible,
    find,
    flag,
    limits_for,
    parse_value,
)


def _number(text):
    return None if text == "-" else Decimal(text)


@pytest.mark.parametrize(
    ("written", "comparator", "number"),
    [
        ("0.8", "", "0.8"),
        (" 12 ", "", "12"),
        ("<0.02", "<", "0.02"),
        ("< 0.02", "<", "0.02"),
        (">2000", ">", "2000"),
        ("<=5", "<=", "5"),
        ("≤5", "<=", "5"),
        ("≥ 100", ">=", "100"),
        ("1:640", "", "640"),
        (">1:2560", ">", "2560"),
        ("-1.5", "", "-1.5"),
        ("0.10", "", "0.10"),
    ],
)
def test_a_result_is_read_with_its_comparator(written, comparator, number):
    found = parse_value(written)
    assert (found[0], str(found[1])) == (comparator, number)


@pytest.mark.parametrize(
    "written", ["", "1,200", "0,8", "negative", "nan", "inf", "1e5", "5-10", "<", "~5", "3 4", "1:"]
)
def test_a_result_that_can_be_read_in_two_ways_is_refused(written):
    with pytest.raises(UnreadableValue, match="write it like"):
        parse_value(written)


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=3))
def test_every_plain_number_comes_back_as_it_was(value):
    assert parse_value(f"{value:f}") == ("", value)


FLAGS = """
value  low  high  flag
0.7    0.9  1.8   low
0.9    0.9  1.8   normal
1.8    0.9  1.8   normal
1.81   0.9  1.8   high
31     -    30    high
30     -    30    normal
59     60   -     low
90     60   -     normal
5      -    -     -
<0.02  0.9  1.8   low
<0.9   0.9  1.8   low
<=0.9  0.9  1.8   -
<1.0   0.9  1.8   -
<10    -    30    normal
<50    -    30    -
>2000  -    30    high
>30    -    30    high
>=30   -    30    -
>20    -    30    -
>60    60   -     normal
>50    60   -     -
"""


@pytest.mark.parametrize("line", FLAGS.strip().splitlines()[1:])
def test_a_result_is_flagged_by_the_limits_given(line):
    written, low, high, expected = line.split()
    comparator, value = parse_value(written)
    found = flag(value, _number(low), _number(high), comparator)
    assert (found or "-") == expected


@pytest.mark.parametrize(
    ("test", "own", "sex", "expected"),
    [
        ("c3", ("0.7", "1.7"), None, ("0.7", "1.7")),
        ("c3", ("-", "-"), None, ("0.9", "1.8")),
        ("hgb", ("-", "-"), "female", ("120", "160")),
        ("hgb", ("-", "-"), None, ("-", "-")),
        ("hgb", ("115", "-"), "female", ("115", "-")),
        ("dsdna", ("-", "30"), None, ("-", "30")),
        ("dsdna", ("-", "-"), None, ("-", "-")),
        ("esr", ("-", "-"), "male", ("-", "13")),
    ],
)
def test_the_laboratorys_own_limits_come_first(test, own, sex, expected):
    found = limits_for(find(test), _number(own[0]), _number(own[1]), sex)
    assert found == Range(_number(expected[0]), _number(expected[1]))


PLAUSIBLE = """
creatinine  88      umol/L  -
creatinine  1.1     umol/L  it looks like mg/dL
creatinine  7779.2  mg/dL   it looks like µmol/L
creatinine  5       -       was it mg/dL
upcr        1.5     mg/g    almost always mg/mg
upcr        1500    mg/mg   -
hgb         12.5    g/L     was it g/dL
plt         250000  /uL     was it
crp         2500    mg/L    check value and unit
wbc         4500    -       was it
sm          999999  -       -
"""


@pytest.mark.parametrize("line", PLAUSIBLE.strip().splitlines())
def test_a_hardly_possible_value_is_asked_about(line):
    name, value, unit, told = line.split(maxsplit=3)
    said = check_plausible(find(name), Decimal(value), None if unit == "-" else unit)
    assert said is None if told == "-" else told in (said or "")


def test_a_value_below_0_is_possible_only_where_the_table_says_so():
    creatinine = find("creatinine")
    assert "cannot be below 0" in (check_possible(creatinine, Decimal("-0.1")) or "")
    assert check_possible(creatinine, Decimal(0)) is None
    base_excess = replace(creatinine, label="Base excess", plausible=Range(Decimal(-30)))
    assert check_possible(base_excess, Decimal(-3)) is None
    assert check_possible(replace(creatinine, plausible=None), Decimal(-3)) is not None
