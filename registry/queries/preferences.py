"""How a patient wants to be written to: hour, zone, reminders, the day of the next one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from registry.models import FollowUp, MailHold, MailPreference
from registry.queries import surveys
from registry.queries.surveys import Standing
from surveys.lifecycle import FollowUpState

HOURS = range(7, 21)
PARTS_OF_DAY = {"morning": 9, "afternoon": 14, "evening": 18}
FURTHEST = 14  # days
REGIONS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe")
) | {"Indian", "Pacific"}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a patient chose. `hour` None: in the clinic's hours. `open`: the newest questionnaire
    that waits for answers; `days`: those on which a reminder of it can be asked for.
    """

    zone: str
    hour: int | None
    fewer: bool
    is_stopped: bool
    open: FollowUp | None
    days: tuple[date, ...]


def of_patient(session: Session, patient_id: int, at: datetime) -> Preferences:
    """What holds now."""
    kept = session.get(MailPreference, patient_id)
    newest = newest_open(session, patient_id)
    zone = session.scalars(
        select(FollowUp.zone)
        .where(FollowUp.patient_id == patient_id)
        .order_by(FollowUp.month.desc())
        .limit(1)
    ).first()
    return Preferences(
        zone=zone or "UTC",
        hour=kept.hour if kept else None,
        fewer=kept.fewer if kept else False,
        is_stopped=is_stopped(session, patient_id),
        open=newest,
        days=days_of(newest, at) if newest else (),
    )


def newest_open(session: Session, patient_id: int) -> FollowUp | None:
    """The newest questionnaire whose letters go out."""
    return session.scalars(
        select(FollowUp)
        .where(
            FollowUp.patient_id == patient_id,
            FollowUp.month > 0,
            FollowUp.state == FollowUpState.OPEN.value,
        )
        .order_by(FollowUp.month.desc())
        .limit(1)
    ).one_or_none()


def days_of(follow_up: FollowUp, at: datetime) -> tuple[date, ...]:
    """Tomorrow and the days after it, as far as the window goes, at most two weeks."""
    today = surveys.local_day(follow_up, at)
    days = (today + timedelta(days=number) for number in range(1, FURTHEST + 1))
    return tuple(day for day in days if day <= follow_up.closes_on)


def is_stopped(session: Session, patient_id: int) -> bool:
    """Whether the patient wanted no more letters."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    MailHold.patient_id == patient_id,
                    MailHold.kind == "unsubscribed",
                    MailHold.lifted_at.is_(None),
                )
            )
        )
    )


def answerable(session: Session, follow_up: FollowUp, on: date) -> list[FollowUp]:
    """The questionnaires that this patient was asked to answer and still can, the newest first."""
    rows = session.scalars(
        select(FollowUp)
        .where(
            FollowUp.patient_id == follow_up.patient_id,
            FollowUp.opened_at.is_not(None),
            FollowUp.month > 0,
        )
        .order_by(FollowUp.month.desc())
    )
    return [one for one in rows if surveys.standing(one, on) is Standing.ANSWERABLE]


@cache
def zones() -> tuple[str, ...]:
    """The names of zones that people live in, in order."""
    return (*sorted(name for name in available_timezones() if _region(name) in REGIONS), "UTC")


def _region(name: str) -> str:
    return name.partition("/")[0]


def zone_names(*more: str) -> Collection[str]:
    """The zones to choose from, with those in use that are not among them."""
    return (*zones(), *(name for name in more if name not in zones()))
