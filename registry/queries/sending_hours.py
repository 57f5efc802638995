"""When letters may go out: the protocol's hours, the clinic's holidays, the patient's choice."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.models import FollowUp, MailPreference, Patient, SiteHoliday
from registry.queries import protocols
from registry.queries.outreach import zone_of
from registry.settings import Settings
from surveys.lifecycle import SendWindow, next_send_instant

Hours: TypeAlias = Mapping[int, SendWindow | None]
EVERY_DAY = frozenset(range(7))
END_OF_DAY = time(22)
# built once: they run with every batch of letters
CHOSEN = (
    select(Patient.id, Patient.site_id, MailPreference.hour)
    .outerjoin(MailPreference, MailPreference.patient_id == Patient.id)
    .where(Patient.id.in_(bindparam("patients", expanding=True)))
)
HOLIDAYS = select(SiteHoliday.site_id, SiteHoliday.on).where(
    SiteHoliday.site_id.in_(bindparam("sites", expanding=True)),
    SiteHoliday.on >= bindparam("since"),
)


def of_patients(
    session: Session, patient_ids: Iterable[int], settings: Settings, at: datetime
) -> Hours:
    """The hours of each of these patients from `at` on; None: always."""
    patients = list(set(patient_ids))
    if settings.send_window == "always":
        return dict.fromkeys(patients)
    rows = session.execute(CHOSEN, {"patients": patients}).all()
    # a day early: it may still be yesterday where the clinic is
    holidays = _holidays(session, {row.site_id for row in rows}, at.date() - timedelta(days=1))
    rules = protocols.of_patients(session, patients)
    found: dict[int, SendWindow | None] = {}
    for row in rows:
        window = rules[row.id].sending.window
        window = replace(window, closed_on=holidays.get(row.site_id, frozenset()))
        found[row.id] = window if row.hour is None else window.from_hour(row.hour)
    return found


def _holidays(session: Session, sites: Iterable[int], since: date) -> Mapping[int, frozenset[date]]:
    days: dict[int, set[date]] = {}
    for site_id, on in session.execute(HOLIDAYS, {"sites": list(sites), "since": since}):
        days.setdefault(site_id, set()).add(on)
    return {site_id: frozenset(known) for site_id, known in days.items()}


def send_at(follow_up: FollowUp, hours: Hours, at: datetime) -> datetime:
    """The first instant from `at` in the local sending hours of the follow-up's patient."""
    return next_send_instant(at, zone_of(follow_up.zone), hours.get(follow_up.patient_id))


def asked_for_at(follow_up: FollowUp, hours: Hours, at: datetime) -> datetime:
    """The first instant from `at` for a reminder that the patient asked for: on any day, from the
    hour that was chosen.
    """
    hour = follow_up.snoozed_hour
    if hour is None or hours.get(follow_up.patient_id) is None:
        return send_at(follow_up, hours, at)
    window = SendWindow(time(hour), END_OF_DAY, EVERY_DAY)
    return next_send_instant(at, zone_of(follow_up.zone), window)
