"""Advertised statements, as the form gives them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, post_load, validates_schema

from registry.claims import Claim, Kind
from registry.schemas.fields import Amount, Choice, Lines, PlainText, Whole


class ClaimSchema(Schema):
    """A statement and how it is read; loads to `{"claim": Claim}`. `threshold` is in per cent."""

    words = Lines(500, required=True)
    source = PlainText(300, required=True)
    read = PlainText(40, required=True)
    outcome = PlainText(60)
    kind = Choice([kind.value for kind in Kind], required=True)
    threshold = Amount("0.1", "100")
    month = Whole(1, 600)
    needs = Lines(300, load_default="")
    note = Lines(500, load_default="")

    @validates_schema
    def fits(self, data: Mapping[str, Any], **_: Any) -> None:
        """A share has a threshold; "none" has not."""
        is_none = data.get("kind") == Kind.NONE
        if is_none and "threshold" in data:
            told = "is not needed where nobody is claimed to have it; leave it empty"
            raise ValidationError({"threshold": [told]})
        if not is_none and "threshold" not in data:
            told = "is empty; enter the share that is claimed, or the one that you read into it"
            raise ValidationError({"threshold": [told]})

    @post_load
    def claim(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """As the actions take it, with the reason of a correction beside it."""
        reason = {"reason": data.pop("reason")} if "reason" in data else {}
        threshold: Decimal | None = data.pop("threshold", None)
        share = None if threshold is None else threshold / 100
        kind = Kind(data.pop("kind"))
        return {"claim": Claim(code="", kind=kind, threshold=share, **data)} | reason


class CorrectedClaimSchema(ClaimSchema):
    """A statement as it should read, and why."""

    reason = Lines(500, required=True)


class DroppedClaimSchema(Schema):
    """Why a statement is taken off."""

    reason = Lines(500, required=True)
