"""How laboratories write units, and what becomes of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.labs import (
    NotConverted,
    Quantity,
    UnknownUnit,
    canonical,
    canonical_unit_of,
    code_conflict,
    convert,
    find,
    table,
)
from registry.labs.units import _aliases

WRITTEN = """
dsdna       IU/mL         [IU]/mL
dsdna       IU/ml         [IU]/mL
dsdna       kIU/L         k[IU]/L
dsdna       U/mL          [arb'U]/mL
dsdna       AU/ml         [arb'U]/mL
creatinine  mg/dl         mg/dL
creatinine  MG/DL         mg/dL
creatinine  µmol/L        umol/L
creatinine  μmol/l        umol/L
creatinine  umol / L      umol/L
creatinine  mcmol/L       umol/L
plt         x10^9/L       10*9/L
plt         10*9/L        10*9/L
plt         10^9/l        10*9/L
plt         10⁹/L         10*9/L
plt         ×10⁹/L        10*9/L
plt         x10E9/L       10*9/L
plt         G/L           10*9/L
plt         Gpt/l         10*9/L
plt         K/uL          10*3/uL
plt         k/µl          10*3/uL
plt         10^3/uL       10*3/uL
plt         thou/mm3      10*3/uL
plt         /mm³          /mm3
plt         cells/cumm    /mm3
rbc         T/L           10*12/L
rbc         M/uL          10*6/uL
rbc         x10^12/L      10*12/L
hgb         g/dl          g/dL
hgb         gm/dL         g/dL
hgb         g%            g/dL
hgb         g/L           g/L
hgb         mmol/l        mmol/L
alt         IU/L          U/L
alt         u/l           U/L
alt         µkat/L        ukat/L
egfr        mL/min/1.73m² mL/min/{1.73_m2}
egfr        ml/min/1.73m^2 mL/min/{1.73_m2}
upcr        mg/mmol creat mg/mmol
upcr        g/g           g/g
prot24h     g/24h         g/(24.h)
prot24h     mg/day        mg/(24.h)
esr         mm/hr         mm/h
pt          sec           s
inr         ratio         1
hct         %             %
hct         L/L           L/L
ferritin    µg/L          ug/L
c3          mg/dl         mg/dL
urine_rbc   /hpf          /[HPF]
ana_titer   titre         {titer}
cd19        cells/µL      /uL
"""


@pytest.mark.parametrize("line", WRITTEN.strip().splitlines())
def test_a_unit_is_understood_as_laboratories_write_it(line):
    name, rest = line.split(maxsplit=1)
    written, ucum = rest.rsplit(maxsplit=1)
    assert canonical_unit_of(find(name), written.strip()) == ucum


REFUSED = """
creatinine  g/dL     umol/L, mmol/L, mg/dL, mg/L
plt         g/l      10*9/L
plt         IU/mL    10*9/L
alt         mg/dL    U/L
egfr        mL/min   mL/min/{1.73_m2} (written mL/min/1.73m2)
dsdna       mg/dL    [IU]/mL (written IU/mL)
crp         µmol/L   mg/L
"""


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_an_unknown_unit_is_refused_and_the_accepted_ones_are_offered(line):
    name, written, offered = line.split(maxsplit=2)
    with pytest.raises(UnknownUnit) as told:
        canonical_unit_of(find(name), written)
    assert f"'{written}'" in str(told.value)
    assert f"Accepted: {offered}" in str(told.value)


@pytest.mark.parametrize("nothing", ["", "  ", "\u00a0"])
def test_a_result_without_a_unit_is_refused(nothing):
    for test in table().tests:
        with pytest.raises(UnknownUnit, match="needs its unit"):
            canonical_unit_of(test, nothing)


def test_every_alias_means_its_own_unit_wherever_it_is_accepted():
    for test in table().tests:
        for unit in (*test.units, *test.kept_units):
            lists = (_aliases().any_case, _aliases().exact_case)
            for spelling in (unit, *(item for each in lists for item in each.get(unit, ()))):
                found = canonical_unit_of(test, spelling)
                assert test.units.get(found, found) == test.units.get(unit, unit), (
                    test.id,
                    spelling,
                )


def test_no_alias_stands_for_a_unit_that_no_test_accepts():
    accepted = {unit for test in table().tests for unit in (*test.units, *test.kept_units)}
    assert set(_aliases().any_case) | set(_aliases().exact_case) <= accepted


CONVERTED = """
creatinine  1.1    mg/dL    97.24    umol/L
creatinine  0.08   mmol/L   80.00    umol/L
c3          95     mg/dL    0.95     g/L
hgb         12.5   g/dL     125.0    g/L
plt         85     K/uL     85       10*9/L
wbc         4500   /mm3     4.500    10*9/L
upcr        1.5    mg/mg    1500.0   mg/g
upcr        100    mg/mmol  884.00   mg/g
alt         0.5    ukat/L   30.0     U/L
crp         1.2    mg/dL    12.0     mg/L
prot24h     350    mg/24h   0.350    g/(24.h)
cd19        0.12   10*9/L   120.00   /uL
bili_total  1      mg/dL    17.1     umol/L
"""


@pytest.mark.parametrize("line", CONVERTED.strip().splitlines())
def test_conversion_is_exact(line):
    name, value, unit, expected, canonical_unit = line.split()
    test = find(name)
    assert convert(test, Decimal(value), unit) == Decimal(expected)
    assert canonical(test, Decimal(value), unit) == Quantity(Decimal(expected), canonical_unit)


def test_an_arbitrary_unit_is_kept_and_never_converted():
    dsdna = find("dsdna")
    assert canonical(dsdna, Decimal("87"), "U/mL") == Quantity(Decimal("87"), "[arb'U]/mL")
    with pytest.raises(NotConverted, match="kept as reported"):
        convert(dsdna, Decimal("87"), "U/mL")


@given(st.decimals(min_value=0, max_value=10**6, places=4))
def test_the_canonical_unit_changes_nothing(value):
    for test in table().tests:
        assert convert(test, value, test.unit) == value


@pytest.mark.parametrize(
    ("test", "code", "unit", "told"),
    [
        ("creatinine", "2160-0", "umol/L", "in that unit it is 14682-9"),
        ("creatinine", "14682-9", "mg/dl", "in that unit it is 2160-0"),
        ("creatinine", "2160-0", "mg/dl", None),
        ("creatinine", "creatinine", "mg/dl", None),
        ("wbc", "26464-8", "10*9/L", None),
        ("hgb", "718-7", "mmol/L", None),
    ],
)
def test_a_code_for_mass_with_a_unit_of_moles_is_noticed(test, code, unit, told):
    said = code_conflict(find(test), code, unit)
    assert said is None if told is None else told in (said or "")
