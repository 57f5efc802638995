"""Units as laboratories write them, and exact conversion into each test's own unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources

from registry.datafiles import read_yaml, record
from registry.errors import Invalid
from registry.labs.table import LabTest


class UnknownUnit(Invalid):
    """The unit is missing or not one of this test's; the message offers those it accepts."""


class NotConverted(Invalid):
    """An arbitrary unit has no factor: such a result keeps its unit and its own cut-off."""


@dataclass(frozen=True)
class Quantity:
    """A value with its UCUM unit."""

    value: Decimal
    unit: str


@dataclass(frozen=True)
class Aliases:
    """How units are written: characters to fold, then spellings by UCUM unit."""

    characters: Mapping[str, str]
    any_case: Mapping[str, tuple[str, ...]]
    exact_case: Mapping[str, tuple[str, ...]]


def canonical_unit_of(test: LabTest, written_unit: str) -> str:
    """The UCUM unit, among those the test accepts, that a laboratory meant.

    Raises UnknownUnit for no unit, one the test does not accept, or one of two meanings.
    """
    written = _folded(written_unit)
    if not written:
        raise UnknownUnit(f"{test.label}: a result needs its unit. {_offer(test)}")
    accepted = (*test.units, *test.kept_units)
    if written_unit.strip() in accepted:
        return written_unit.strip()
    found = [unit for unit in accepted if written in _exact(unit)]
    found = found or [unit for unit in accepted if written.casefold() in _loose(unit)]
    if len({test.units.get(unit, unit) for unit in found}) != 1:
        raise UnknownUnit(f"{test.label}: '{written_unit}' is not a unit of it. {_offer(test)}")
    return found[0]


def convert(test: LabTest, value: Decimal, unit: str) -> Decimal:
    """`value` in the test's canonical unit, exactly.

    Raises UnknownUnit, and NotConverted for a unit that is kept as reported.
    """
    known = canonical_unit_of(test, unit)
    if known in test.kept_units:
        raise NotConverted(f"{test.label} in {unit} is kept as reported: it has no factor")
    return value * test.units[known]


def canonical(test: LabTest, value: Decimal, unit: str) -> Quantity:
    """The result as it is stored and compared: converted, or kept where the unit is arbitrary."""
    known = canonical_unit_of(test, unit)
    if known in test.kept_units:
        return Quantity(value, known)
    return Quantity(value * test.units[known], test.unit)


def code_conflict(test: LabTest, code: str, unit: str) -> str | None:
    """What is wrong if a code for mass comes with a unit of moles, or the other way round."""
    wanted = test.loinc_for(canonical_unit_of(test, unit))
    given = code.strip()
    if wanted is None or given == wanted or given not in (test.loinc, *test.unit_loinc.values()):
        return None
    return f"{test.label}: code {given} does not go with {unit}; in that unit it is {wanted}"


def _offer(test: LabTest) -> str:
    offers = []
    for unit in (*test.units, *test.kept_units):
        usual = _aliases().any_case.get(unit, (unit,))[0]
        offers.append(unit if usual == unit else f"{unit} (written {usual})")
    return f"Accepted: {', '.join(offers)}"


@cache
def _aliases() -> Aliases:
    text = resources.files(__package__).joinpath("aliases.yaml").read_text("utf-8")
    return record(Aliases, read_yaml(text, "aliases.yaml"), "aliases.yaml")


def _folded(written: str) -> str:
    signs = _aliases().characters
    return "".join("".join(signs.get(letter, letter) for letter in written).split())


def _spellings(unit: str) -> Iterator[str]:
    yield _folded(unit)
    for spelling in _aliases().any_case.get(unit, ()):
        yield _folded(spelling)


@cache
def _loose(unit: str) -> frozenset[str]:
    return frozenset(spelling.casefold() for spelling in _spellings(unit))


@cache
def _exact(unit: str) -> frozenset[str]:
    own = {_folded(spelling) for spelling in _aliases().exact_case.get(unit, ())}
    return frozenset(own | set(_spellings(unit)))
