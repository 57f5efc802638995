"""Letters that need a person: unclear, stopped by a fault of ours, refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.models import OutboxEmail, Patient
from surveys.lifecycle import OutboxState

DEAD = (OutboxState.PARKED, OutboxState.FAILED)
TRIES_OF_OURS = 3


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of them. `end`: unclear, quarantined, or what the refusal was about."""

    letter: OutboxEmail
    number: str | None
    end: str


def dead_letters(session: Session, first: int, most: int) -> tuple[Sequence[DeadLetter], int]:
    """Those from the `first` (1 is the newest) on, and how many there are."""
    rows = session.execute(
        select(OutboxEmail, Patient.study_number)
        .outerjoin(Patient, Patient.id == OutboxEmail.patient_id)
        .where(OutboxEmail.state.in_(DEAD))
        .order_by(OutboxEmail.ended_at.desc(), OutboxEmail.id.desc())
        .offset(first - 1)
        .limit(most)
    )
    found = [DeadLetter(letter, number, end_of(letter)) for letter, number in rows]
    total = session.scalar(select(func.count()).where(OutboxEmail.state.in_(DEAD)))
    return found, total or 0


def end_of(letter: OutboxEmail) -> str:
    """How it ended, as a code."""
    if letter.state == OutboxState.FAILED:
        return letter.fault or "server"
    is_quarantined = letter.broken_count >= TRIES_OF_OURS or letter.lapse_count > 0
    return "unclear" if letter.uncertain_count and not is_quarantined else "quarantined"
