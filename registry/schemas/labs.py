"""Laboratory results that come in one by one."""

from marshmallow import Schema

from registry.schemas.fields import Amount, Day, PlainText, YesNo


class LabInSchema(Schema):
    """A result as the laboratory reported it, with its own limits in that unit if it gave any."""

    test = PlainText(60, required=True, metadata={"description": "LOINC code, or our name of it"})
    value = PlainText(40, required=True, metadata={"description": "like 0.8, <0.02 or 1:640"})
    unit = PlainText(40, required=True)
    collected_on = Day(required=True)
    reference_low = Amount()
    reference_high = Amount()
    confirmed = YesNo(metadata={"description": "true although the value is hardly possible"})
