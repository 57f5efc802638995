"""Advertised statements: an administrator adds one, corrects it, takes it off."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from registry import http
from registry.actions import claims as actions
from registry.claims import Kind
from registry.db import reading
from registry.models import ClaimVersion
from registry.queries import claims as kept
from registry.queries import protocols
from registry.schemas.claims import ClaimSchema, CorrectedClaimSchema, DroppedClaimSchema
from registry.web.forms import Box, FormPage

advertised = Blueprint("advertised", __name__)
LEAD = (
    "Quote the words as they stand, and say how they are tested. The rule is the software's: "
    "nobody chooses the verdict."
)
KINDS = (
    (Kind.AT_LEAST.value, "At least a share of patients had the outcome"),
    (Kind.AT_MOST.value, "At most a share of patients had it"),
    (Kind.NONE.value, "Nobody had it"),
)
NEEDS = "What would have to be recorded to test it"
REASON = Box("reason", "Why is it corrected?", "lines")


@advertised.route("/claims/add", methods=["GET", "POST"])
def add() -> ResponseReturnValue:
    """A new statement."""

    def act(session: Session, data: dict[str, Any]) -> str:
        actions.add(session, data["claim"], by=http.by(), at=http.at())
        return url_for("claims.page", done="claim")

    return FormPage(
        title="Add a claim", lead=LEAD, boxes=_boxes(), schema=ClaimSchema(), act=act,
        button="Save the claim", back=_back(),
    ).respond()  # fmt: skip


@advertised.route("/claims/<key>", methods=["GET", "POST"])
def correct(key: str) -> ResponseReturnValue:
    """The words or the reading of a statement, corrected; its versions stand above the form."""
    versions = _versions(key)

    def act(session: Session, data: dict[str, Any]) -> str:
        row = kept.current(session, key)
        actions.correct(session, row, **data, by=http.by(), at=http.at())
        return url_for("claims.page", done="corrected")

    return FormPage(
        title="Correct a claim", lead=LEAD, boxes=(*_boxes(), REASON), act=act,
        given=partial(_given, key), schema=CorrectedClaimSchema(), corrects=True, back=_back(),
        button="Save the correction", template="admin/claim.html", more={"versions": versions},
    ).respond()  # fmt: skip


@advertised.route("/claims/<key>/drop", methods=["GET", "POST"])
def drop(key: str) -> ResponseReturnValue:
    """Take a statement off the page."""
    words = next((version.words for version in _versions(key)), "")

    def act(session: Session, data: dict[str, Any]) -> str:
        row = kept.current(session, key)
        actions.drop(session, row, reason=data["reason"], by=http.by(), at=http.at())
        return url_for("claims.page", done="claim_dropped")

    return FormPage(
        title="Take a claim off", lead=f"“{words}”", act=act, given=partial(_given, key),
        schema=DroppedClaimSchema(),
        boxes=(Box("reason", "Why is it taken off?", "lines"),), button="Take it off",
        colour="red", back=_back(), consequences=(CONSEQUENCE,),
    ).respond()  # fmt: skip


CONSEQUENCE = "It leaves the page of claims. Its versions and this reason are kept."


def _back() -> tuple[str, str]:
    return "All claims", url_for("claims.page")


def _boxes() -> tuple[Box, ...]:
    with reading(http.runtime()) as session:
        outcomes = protocols.in_force(session).protocol.outcomes
    return (
        Box("words", "The words as advertised", "lines"),
        Box("source", "Where were they read?", hint="For example, the web page of a clinic"),
        Box("read", "When were they read?", hint="For example, 12 March 2026", width="w20"),
        Box(
            "outcome",
            "Which outcome do they speak of?",
            "list",
            hint="Leave it empty if the registry records nothing like it",
            options=[(outcome.code, outcome.label) for outcome in outcomes],
            optional=True,
        ),
        Box("kind", "What do they claim?", "choice", options=KINDS),
        Box(
            "threshold",
            "Claimed share",
            "number",
            hint="If the words name none, the share that you read into them; say so in the note",
            unit="%",
            optional=True,
        ),
        Box("month", "At which month?", "number", hint="Months since treatment", optional=True),
        Box("needs", NEEDS, "lines", optional=True),
        Box("note", "Note", "lines", hint="What of this is your reading", optional=True),
    )


def _versions(key: str) -> Sequence[ClaimVersion]:
    with reading(http.runtime()) as session:
        return kept.versions(session, key)


def _given(key: str) -> dict[str, Any]:
    """What stands in the boxes at first; the share in per cent. Raises NotFound."""
    with reading(http.runtime()) as session:
        row = kept.current(session, key)
    share = "" if row.threshold is None else f"{(row.threshold * 100).normalize():f}"
    names = ("words", "source", "read", "outcome", "kind", "month", "needs", "note")
    texts = {name: "" if (told := getattr(row, name)) is None else told for name in names}
    return texts | {"threshold": share}
