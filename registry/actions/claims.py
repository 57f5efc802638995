"""Advertised statements: adding one, correcting it, taking it off."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from registry import audit
from registry.actions.facts import Problem, Unusable
from registry.claims import Claim
from registry.models import ClaimVersion
from registry.models.writing import stamp, supersede
from registry.queries import protocols


def add(session: Session, claim: Claim, *, by: str, at: datetime) -> ClaimVersion:
    """A new statement; its code is given here. Raises Unusable for an unknown outcome."""
    values = _values(session, claim)
    row = ClaimVersion(**values, **stamp(by, at))
    session.add(row)
    _record(session, row, "added", values, by=by, at=at)
    return row


def correct(
    session: Session, row: ClaimVersion, claim: Claim, *, reason: str, by: str, at: datetime
) -> ClaimVersion:
    """A new version with its reason; of what stays the same nothing is written.

    Raises Unusable for an unknown outcome.
    """
    values = _values(session, claim)
    told = {name: (getattr(row, name), new) for name, new in values.items()}
    changes = {name: (old, new) for name, (old, new) in told.items() if old != new}
    if not changes:
        return row
    successor = supersede(session, row, reason=reason, by=by, at=at, **values)
    _record(session, successor, "corrected", changes, reason=reason, by=by, at=at)
    return successor


def drop(session: Session, row: ClaimVersion, *, reason: str, by: str, at: datetime) -> None:
    """Take a statement off the page; its versions stay."""
    row.superseded_at = at
    _record(session, row, "dropped", {}, reason=reason, by=by, at=at)


def _values(session: Session, claim: Claim) -> dict[str, Any]:
    outcomes = protocols.in_force(session).protocol.by_outcome
    if claim.outcome is not None and claim.outcome not in outcomes:
        told = f"the protocol has no outcome {claim.outcome}; choose one of {', '.join(outcomes)}"
        raise Unusable([Problem("outcome", told)])
    values = asdict(claim) | {"kind": claim.kind.value}
    del values["code"]
    return values


def _record(
    session: Session,
    row: ClaimVersion,
    done: str,
    changes: dict[str, Any],
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    audit.record(
        session,
        by=by,
        at=at,
        action=f"claim.{done}",
        subject=f"claim:{row.fact_key}",
        changes=changes,
        reason=reason,
    )
