"""Adverse events as the clinic enters them, and its judgement on what patients told."""

from typing import Any

from marshmallow import Schema, fields, post_load

from registry.actions.events import CTCAE_VERSIONS, OUTCOMES, SERIOUS_BECAUSE, Happened
from registry.schemas.fields import Choice, Day, Lines, PlainText, Whole, YesNo


class AdverseEventInSchema(Schema):
    """An adverse event; loads to `Happened`."""

    term = PlainText(200, required=True)
    onset_on = Day(required=True)
    ended_on = Day()
    grade = Whole(1, 5)
    ctcae_version = Choice(CTCAE_VERSIONS)
    serious = YesNo(required=True)
    serious_because = fields.List(Choice(SERIOUS_BECAUSE))
    related = YesNo(metadata={"description": "to the treatment; leave out where not judged"})
    outcome = Choice(OUTCOMES)

    @post_load
    def happened(self, data: dict[str, Any], **_: Any) -> Happened:
        """As the actions take it."""
        return Happened(**data | {"serious_because": tuple(data.get("serious_because", ()))})


class RejectedReportInSchema(Schema):
    """Why what a patient told is no adverse event."""

    reason = Lines(500, required=True)


class LinkedReportInSchema(Schema):
    """The event, by its key, that a patient's report is about."""

    event = PlainText(64, required=True)
