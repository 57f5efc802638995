"""The laboratory tests of the registry: reviewed data, checked on load, found by code or name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import resources

from registry.datafiles import DataFileError, read_yaml, record
from registry.errors import Invalid


class UnknownTest(Invalid):
    """No laboratory test answers to the code or name; the message offers near ones."""


class Worse(StrEnum):
    """Which side of the limits is of concern."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True)
class Range:
    """Two bounds, either of which may be open, in the test's canonical unit unless said."""

    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class TableLimits:
    """Reference limits for a demonstration, never for care: the laboratory's own come first."""

    source: str
    verified: bool
    any: Range | None = None
    male: Range | None = None
    female: Range | None = None


@dataclass(frozen=True)
class Doubt:
    """A value in this unit, below or above a bound, is to be asked about."""

    unit: str
    because: str
    below: Decimal | None = None
    above: Decimal | None = None


@dataclass(frozen=True)
class GradeRule:
    """One test's CTCAE grades in one version: step 1 to 4, each "<LLN", "<1.5", ">3" or ">=1.5".

    `low` and `absolute` compare the value, `uln` its multiple of the upper limit, `baseline` its
    multiple of the patient's own baseline when that was abnormal (or below the lower limit).
    """

    term: str
    source: str
    low: tuple[str, ...] = ()
    absolute: tuple[str, ...] = ()
    uln: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    baseline_when: str = "abnormal"
    baseline_up_to: Decimal | None = None


@dataclass(frozen=True)
class LabTest:
    """One laboratory test; a factor in `units` multiplies a value into `unit` (UCUM).

    `kept_units` are arbitrary: such a result keeps its unit and its own cut-off, unconverted.
    """

    id: str
    label: str
    also: tuple[str, ...]
    specimen: str
    loinc: str
    name: str
    unit: str
    units: Mapping[str, Decimal]
    decimals: int
    kept_units: tuple[str, ...] = ()
    unit_loinc: Mapping[str, str] = field(default_factory=dict)
    same_loinc: tuple[str, ...] = ()
    other_loinc: Mapping[str, str] = field(default_factory=dict)
    plausible: Range | None = None
    doubts: tuple[Doubt, ...] = ()
    worse: Worse | None = None
    limits: TableLimits | None = None
    molar_mass: Decimal | None = None
    cdisc: str | None = None
    grades: Mapping[str, GradeRule] = field(default_factory=dict)
    note: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """Every LOINC code under which a result of this test may come in."""
        return tuple(dict.fromkeys((self.loinc, *self.unit_loinc.values(), *self.same_loinc)))

    def loinc_for(self, unit: str) -> str | None:
        """The LOINC code of a result in this UCUM unit; None where no verified code is known."""
        if unit in self.unit_loinc:
            return self.unit_loinc[unit]
        same_kind = ("mol" in unit) == ("mol" in self.unit)
        return self.loinc if same_kind and unit in self.units else None


@dataclass(frozen=True)
class LabTable:
    """All tests and the notice that must be shown wherever LOINC codes are."""

    notice: str
    tests: tuple[LabTest, ...]


@cache
def table() -> LabTable:
    """The bundled lab table, read and checked once per process."""
    return read_table(resources.files(__package__).joinpath("tests.yaml").read_text("utf-8"))


def read_table(text: str) -> LabTable:
    """A lab table from YAML text; raises DataFileError with every fault."""
    loaded = record(LabTable, read_yaml(text, "tests.yaml"), "tests.yaml")
    faults = [f"{test.id}: {fault}" for test in loaded.tests for fault in _faults(test)]
    names = [name for test in loaded.tests for name in _names(test)]
    faults += [
        f"'{name}' names two tests" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if faults:
        raise DataFileError("\n".join(f"tests.yaml, {fault}" for fault in faults))
    return loaded


def find(code_or_name: str) -> LabTest:
    """The test with this LOINC code (also a per-unit one), id, label or common name.

    Raises UnknownTest; for a code that belongs to a look-alike test the message says which.
    """
    wanted = _plain(code_or_name)
    if wanted in _index():
        return _index()[wanted]
    for test in table().tests:
        if reason := test.other_loinc.get(code_or_name.strip()):
            raise UnknownTest(f"{code_or_name.strip()} {reason} ({test.label}, {test.loinc})")
    near = difflib.get_close_matches(wanted, _index(), n=3, cutoff=0.6)
    offers = dict.fromkeys(f"{_index()[name].label} ({_index()[name].loinc})" for name in near)
    hint = f"; near it are {', '.join(offers)}" if offers else ""
    raise UnknownTest(f"'{code_or_name}' is no laboratory test that the registry knows{hint}")


@cache
def _index() -> Mapping[str, LabTest]:
    return {name: test for test in table().tests for name in _names(test)}


def _names(test: LabTest) -> set[str]:
    return {_plain(name) for name in (test.id, test.label, test.name, *test.also, *test.codes)}


def _plain(name: str) -> str:
    if re.fullmatch(r"\s*\d+-\d\s*", name):
        return name.strip()
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def has_check_digit(loinc: str) -> bool:
    """Does the code end in its Luhn mod-10 check digit, as every LOINC code does?"""
    if not re.fullmatch(r"\d{1,7}-\d", loinc):
        return False
    body, check = loinc.split("-")
    doubled = [int(digit) * (2 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(body))]
    return (10 - sum(sum(divmod(number, 10)) for number in doubled) % 10) % 10 == int(check)


def _faults(test: LabTest) -> Iterator[str]:
    if test.units.get(test.unit) != 1:
        yield f"the canonical unit {test.unit} needs the factor 1"
    if any(factor <= 0 for factor in test.units.values()):
        yield "a factor must be above 0"
    if both := set(test.units) & set(test.kept_units):
        yield f"{sorted(both)} cannot be both converted and kept"
    if bad := [code for code in test.codes if not has_check_digit(code)]:
        yield f"{bad} fail the LOINC check digit"
    if unknown := set(test.unit_loinc) - set(test.units):
        yield f"unit_loinc names {sorted(unknown)}, which the test does not accept"
    steps = [step for rule in test.grades.values() for step in (*rule.low, *rule.absolute)]
    steps += [step for rule in test.grades.values() for step in (*rule.uln, *rule.baseline)]
    if bad := [s for s in steps if not re.fullmatch(r"none|<LLN|(<|>|>=)\d+(\.\d+)?", s)]:
        yield f"{bad} are no grade steps"
