"""Laboratory results: recorded as reported and in the unit of the laboratory table."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from registry import audit, labs
from registry.actions.facts import Measured, Problem, Unusable
from registry.errors import Invalid
from registry.models import LabResult
from registry.models.writing import Row, stamp
from registry.queries import laboratory
from surveys.timepoints import last_civil_day

PLACES = Decimal("0.000000001")


class Implausible(Invalid):
    """A result that is hardly possible: ask, and record it as confirmed if it is true."""


def columns(measured: Measured, sex: str | None, baseline: Decimal | None = None) -> Row:
    """The columns of a readable result: converted, flagged, graded where a verified rule allows.

    `baseline`: the patient's value before treatment in the canonical unit.
    """
    test = labs.find(measured.test)
    comparator, number = labs.parse_value(measured.value)
    result = labs.canonical(test, number, measured.unit)
    own = [_converted(test, limit, measured.unit) for limit in _own_limits(measured)]
    has_own = any(limit is not None for limit in own)
    limits = _limits(test, own, sex, kept=result.unit != test.unit)
    graded = result.unit == test.unit and not comparator
    return {
        "collected_on": measured.collected_on,
        "test": test.id,
        "loinc": test.loinc_for(labs.canonical_unit_of(test, measured.unit)),
        "reported_value": measured.value.strip(),
        "reported_unit": measured.unit.strip(),
        "comparator": comparator or None,
        "value": result.value.quantize(PLACES),
        "unit": result.unit,
        "reference_low": limits.low,
        "reference_high": limits.high,
        "reference_from": _from(limits, has_own=has_own),
        "flag": labs.flag(result.value, limits.low, limits.high, comparator),
        "grade": labs.grade(test, result.value, low=own[0], high=own[1], baseline=baseline)
        if graded
        else None,
    }


def problems(measured: Measured) -> list[Problem]:
    """What cannot be read or be true: the test, its value, its unit, code and unit together."""
    return list(_problems(measured))


def _problems(measured: Measured) -> Iterator[Problem]:
    number = None
    try:
        _, number = labs.parse_value(measured.value)
    except labs.UnreadableValue as error:
        yield Problem("value", str(error))
    try:
        test = labs.find(measured.test)
    except labs.UnknownTest as error:
        yield Problem("code", str(error))
        return
    try:
        conflict = labs.code_conflict(test, measured.test, measured.unit)
    except labs.UnknownUnit as error:
        yield Problem("unit", str(error))
        return
    if conflict:
        yield Problem("code", conflict)
    impossible = labs.check_possible(test, number) if number is not None else None
    if impossible:
        yield Problem("value", impossible)


def doubt(measured: Measured) -> str | None:
    """A question to ask about a readable result that is hardly possible; None if it can be."""
    test = labs.find(measured.test)
    unit = labs.canonical_unit_of(test, measured.unit)
    if unit in test.kept_units:
        return None
    _, number = labs.parse_value(measured.value)
    return labs.check_plausible(test, labs.convert(test, number, unit), unit)


def record_result(
    session: Session,
    patient_id: int,
    measured: Measured,
    *,
    by: str,
    at: datetime,
    confirmed: bool = False,
) -> LabResult:
    """Record one result. Raises Unusable, and Implausible unless `confirmed`."""
    found = problems(measured)
    if measured.collected_on > last_civil_day(at):
        found.append(Problem("collected_on", f"{measured.collected_on} lies in the future"))
    if found:
        raise Unusable(found)
    sex = laboratory.sexes(session, [patient_id]).get(patient_id)
    baselines = laboratory.baselines(session, [patient_id])
    row = columns(measured, sex, baselines.get((patient_id, labs.find(measured.test).id)))
    question = None if confirmed else doubt(measured)
    if question:
        raise Implausible(question)
    result = LabResult(patient_id=patient_id, **row, **stamp(by, at))
    session.add(result)
    audit.record(
        session,
        by=by,
        at=at,
        action="lab.recorded",
        subject=f"patient:{patient_id}",
        changes={name: row[name] for name in ("test", "collected_on", "value", "unit")},
    )
    return result


def _own_limits(measured: Measured) -> tuple[Decimal | None, Decimal | None]:
    return measured.reference_low, measured.reference_high


def _converted(test: labs.LabTest, limit: Decimal | None, unit: str) -> Decimal | None:
    return None if limit is None else labs.canonical(test, limit, unit).value.quantize(PLACES)


def _limits(
    test: labs.LabTest, own: list[Decimal | None], sex: str | None, *, kept: bool
) -> labs.Range:
    """The limits that count; the table's say nothing of a result that is kept in its own unit."""
    if kept:
        return labs.Range(*own)
    return labs.limits_for(test, own[0], own[1], sex)


def _from(limits: labs.Range, *, has_own: bool) -> str | None:
    if has_own:
        return "laboratory"
    return None if limits.low is None and limits.high is None else "table"
