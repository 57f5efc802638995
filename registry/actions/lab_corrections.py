"""A laboratory result that was entered wrongly."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from registry import labs
from registry.actions import corrections
from registry.actions.facts import Measured, Problem, Unusable
from registry.actions.laboratory import Implausible, columns, doubt, problems
from registry.models import LabResult
from registry.queries import laboratory
from surveys.timepoints import last_civil_day


def own_limits(result: LabResult) -> dict[str, Decimal]:
    """The limits that the laboratory gave, in the unit it reported; none where the table's count.

    They are kept converted to nine decimals, so seven digits give back what was reported.
    """
    if result.reference_from != "laboratory":
        return {}
    test = labs.find(result.test)
    one = labs.canonical(test, Decimal(1), result.reported_unit).value
    kept = {"reference_low": result.reference_low, "reference_high": result.reference_high}
    return {
        name: Decimal(f"{limit / one:.7g}").normalize() + 0
        for name, limit in kept.items()
        if limit is not None
    }


def correct_result(
    session: Session,
    result: LabResult,
    measured: Measured,
    *,
    reason: str,
    by: str,
    at: datetime,
    confirmed: bool = False,
) -> LabResult:
    """A new version of a result, converted and flagged anew. Raises Unusable, and Implausible
    unless `confirmed`.
    """
    found = problems(measured)
    if measured.collected_on > last_civil_day(at):
        found.append(Problem("collected_on", f"{measured.collected_on} lies in the future"))
    if found:
        raise Unusable(found)
    question = None if confirmed else doubt(measured)
    if question:
        raise Implausible(question)
    sex = laboratory.sexes(session, [result.patient_id]).get(result.patient_id)
    baselines = laboratory.baselines(session, [result.patient_id])
    row = columns(measured, sex, baselines.get((result.patient_id, labs.find(measured.test).id)))
    return corrections.change_fact(session, result, row, reason=reason, by=by, at=at)
