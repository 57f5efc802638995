"""The trail: who did what to which record, when; and whether it still holds together."""

import re

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit, http
from registry.db import reading
from registry.models import Patient
from registry.queries import audit_log

trail = Blueprint("trail", __name__)


@trail.get("/audit")
def search() -> ResponseReturnValue:
    """Events by record, person and action, the newest first."""
    given = {name: request.args.get(name, "").strip() for name in ("subject", "by", "action")}
    with reading(http.runtime()) as session:
        subject = _subject(session, given["subject"])
        found = audit_log.events(
            session, subject=subject, by=given["by"] or None, action=given["action"] or None,
            before=request.args.get("before", None, int),
        )  # fmt: skip
        actions = audit_log.actions(session)
        numbers = _study_numbers(session, {event.subject for event in found.events})
    return render_template(
        "admin/audit.html", trail=found, actions=actions, given=given, numbers=numbers
    )


@trail.get("/audit/verify")
def verify() -> ResponseReturnValue:
    """Walk every chain from its start to its head."""
    with reading(http.runtime()) as session:
        verdict = audit.verify(session)
    return render_template("admin/verify.html", verdict=verdict)


def _subject(session: Session, text: str) -> str | None:
    """A study number as its patient's subject; anything else as it was typed."""
    if not text:
        return None
    found = session.scalar(select(Patient.id).where(Patient.study_number == text))
    return f"patient:{found}" if found else text


def _study_numbers(session: Session, subjects: set[str]) -> dict[str, str]:
    ids = [int(match[1]) for s in subjects if (match := re.fullmatch(r"patient:(\d+)", s))]
    rows = session.execute(select(Patient.id, Patient.study_number).where(Patient.id.in_(ids)))
    return {f"patient:{row.id}": row.study_number for row in rows}
