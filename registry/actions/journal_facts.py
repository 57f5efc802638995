"""What stops letters, taken over from the side journal."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from registry import audit
from registry.actions import endings
from registry.errors import DomainError
from registry.journal import Line
from registry.models import MailHold, OutboxEmail, Patient


def apply(session: Session, lines: Sequence[Line], *, by: str, at: datetime) -> list[str]:
    """Carry out what the lines tell: withdrawals, deaths, holds. Gives those that could not be, in
    words. A patient enrolled after a line is another one who got the same number.
    """
    problems = []
    for line in lines:
        patient = session.get(Patient, line.told["patient"])
        name = f"line {line.number} ({line.kind}, patient {line.told['patient']})"
        if patient is None:
            problems.append(f"{name}: this patient was enrolled after the backup was made")
        elif patient.recorded_at > line.at:
            problems.append(f"{name}: that number belongs to somebody enrolled later")
        else:
            problems += _carry_out(session, line, name, by, at)
    return problems


def _carry_out(session: Session, line: Line, name: str, by: str, at: datetime) -> list[str]:
    mine = line.told["patient"]
    try:
        match line.kind:
            case "withdrawn":
                on, scope = date.fromisoformat(line.told["on"]), line.told["scope"]
                endings.withdraw(session, mine, on, scope=scope, by=by, at=at)
            case "died":
                endings.record_death(
                    session, mine, date.fromisoformat(line.told["on"]), by=by, at=at
                )
            case "held":
                _hold(session, line, by, at)
    except DomainError as fault:
        return [f"{name}: {fault}"]
    return []


def _hold(session: Session, line: Line, by: str, at: datetime) -> None:
    mine, kind = line.told["patient"], line.told["hold"]
    session.add(
        MailHold(
            patient_id=mine,
            kind=kind,
            since=date.fromisoformat(line.told["since"]),
            recorded_at=at,
            recorded_by=by,
        )
    )
    session.execute(
        update(OutboxEmail)
        .where(OutboxEmail.patient_id == mine, OutboxEmail.state.in_(("queued", "leased")))
        .values(state="cancelled", state_reason=kind, ended_at=at)
    )
    audit.record(
        session,
        by=by,
        at=at,
        action="mail.stopped",
        subject=f"patient:{mine}",
        changes={"hold": kind},
        reason=f"side journal, line {line.number}",
    )
