"""Laboratory results: recorded as reported, given back in the canonical unit as well."""

from collections.abc import Mapping, Sequence
from typing import Any

from registry.actions import laboratory
from registry.actions.facts import Measured
from registry.api.routes import PATIENT, Call, Made, Routes
from registry.api.shapes import LabSchema
from registry.models import LabResult
from registry.queries import records
from registry.schemas.labs import LabInSchema

routes = Routes("labs", "Laboratory results of a patient, at any date.")


@routes.operation("GET", f"{PATIENT}/labs", LabSchema(many=True))
def results(call: Call) -> Sequence[LabResult]:
    """The laboratory results of a patient, as they are known now"""
    order = (LabResult.collected_on, LabResult.test)
    return records.current(call.session, LabResult, call.patient.id, *order)


@routes.operation("POST", f"{PATIENT}/labs", LabSchema(), status=201, takes=LabInSchema())
def record(call: Call, given: Mapping[str, Any]) -> Made:
    """Record a laboratory result

    One that is hardly possible is refused with a question, unless `confirmed` says that it is so.
    """
    confirmed = given.get("confirmed", False)
    measured = Measured(**{name: value for name, value in given.items() if name != "confirmed"})
    patient = call.patient
    result = laboratory.record_result(
        call.session, patient.id, measured, by=call.by, at=call.at, confirmed=confirmed
    )
    return Made(result, f"/patients/{patient.study_number}/labs")
