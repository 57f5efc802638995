"""CTCAE grades as a table: test, version, value, limits, baseline, grade."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.labs import find, grade, table


def _number(text):
    return None if text == "-" else Decimal(text)


GRADES = """
test        version value  low  high  baseline grade
neut        5.0     2.0    1.8  7.5   -        0
neut        5.0     1.7    1.8  7.5   -        1
neut        5.0     1.5    1.8  7.5   -        1
neut        5.0     1.49   1.8  7.5   -        2
neut        5.0     1.0    1.8  7.5   -        2
neut        5.0     0.5    1.8  7.5   -        3
neut        5.0     0.49   1.8  7.5   -        4
neut        5.0     1.2    -    -     -        2
neut        5.0     1.7    -    -     -        -
neut        6.0     1.7    1.8  7.5   -        0
neut        6.0     1.49   -    -     -        1
neut        6.0     0.49   -    -     -        3
neut        6.0     0.09   -    -     -        4
plt         5.0     149    150  450   -        1
plt         5.0     74     150  450   -        2
plt         5.0     24     150  450   -        4
plt         6.0     24     150  450   -        3
plt         6.0     9      150  450   -        4
wbc         5.0     2.9    4    11    -        2
wbc         6.0     2.9    4    11    -        -
hgb         6.0     119    120  160   -        1
hgb         6.0     99     120  160   -        2
hgb         6.0     79     120  160   -        3
hgb         5.0     79     120  160   -        -
lymph       5.0     0.4    1    4     -        -
albumin     5.0     19     35   55    -        -
alt         5.0     40     -    40    -        0
alt         5.0     41     -    40    -        1
alt         5.0     120    -    40    -        1
alt         5.0     121    -    40    -        2
alt         5.0     201    -    40    -        3
alt         5.0     801    -    40    -        4
alt         5.0     100    -    -     -        -
alt         5.0     130    -    40    30       2
alt         5.0     130    -    40    100      0
alt         5.0     150    -    40    100      1
alt         5.0     301    -    40    100      2
alt         6.0     100    -    40    100      1
alt         6.0     151    -    40    100      2
alt         6.0     201    -    40    100      3
alt         6.0     500    -    40    201      -
ast         5.0     121    -    40    -        2
bili_total  5.0     20     -    17    -        1
bili_total  5.0     26     -    17    -        2
bili_total  5.0     52     -    17    20       -
bili_total  6.0     52     -    17    20       3
alp         5.0     301    -    120   -        2
ggt         5.0     61     -    60    -        1
creatinine  6.0     107    53   106   -        1
creatinine  6.0     160    53   106   -        2
creatinine  6.0     90     53   106   50       2
creatinine  6.0     90     53   106   60       0
creatinine  6.0     151    53   106   50       3
creatinine  5.0     400    53   106   -        -
inr         5.0     1.2    -    -     -        0
inr         5.0     1.3    -    -     -        1
inr         5.0     2.6    -    -     -        3
c3          5.0     0.2    0.9  1.8   -        -
"""


@pytest.mark.parametrize("line", GRADES.strip().splitlines()[1:])
def test_a_grade_follows_the_table_of_its_version(line):
    name, version, value, low, high, baseline, expected = line.split()
    found = grade(
        find(name),
        Decimal(value),
        low=_number(low),
        high=_number(high),
        baseline=_number(baseline),
        version=version,
    )
    assert ("-" if found is None else str(found)) == expected


def test_only_tests_with_a_verified_row_are_graded():
    graded = {(test.id, version) for test in table().tests for version in test.grades}
    assert graded == {
        *((name, "5.0") for name in ("neut", "plt", "wbc", "alt", "ast", "bili_total", "alp", "ggt",
                                     "inr")),
        *((name, "6.0") for name in ("neut", "plt", "hgb", "alt", "ast", "bili_total",
                                     "creatinine")),
    }  # fmt: skip


@given(st.decimals(min_value=0, max_value=1000, places=2), st.decimals(1, 1000, places=2))
def test_a_worse_value_never_has_a_lower_grade(one, other):
    low, high = sorted((one, other))
    for test in table().tests:
        for version in test.grades:
            limits = {"low": Decimal(20), "high": Decimal(40), "version": version}
            first, second = grade(test, low, **limits), grade(test, high, **limits)
            if test.grades[version].low:
                assert first >= second
            else:
                assert first <= second
