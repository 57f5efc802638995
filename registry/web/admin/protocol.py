"""The protocol in force: its schedule, outcomes and words, and what it would send to whom when."""

from datetime import date
from zoneinfo import available_timezones

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from registry import http
from registry.db import reading
from registry.models import ProtocolVersion, Site
from registry.protocols import Protocol
from registry.queries import preflight, protocols
from surveys.lifecycle import Reminder, call_on, reminders
from surveys.timepoints import PlannedFollowUp

protocol = Blueprint("protocol", __name__)


@protocol.get("/protocol")
def show() -> ResponseReturnValue:
    """What is in force, since when, and the calendar of a fictitious patient."""
    with reading(http.runtime()) as session:
        current = protocols.in_force(session).protocol
        versions = session.scalars(select(ProtocolVersion).order_by(ProtocolVersion.id)).all()
    treated_on = _day(request.args.get("treated_on", "")) or http.at().date()
    return render_template(
        "admin/protocol.html", protocol=current, versions=versions, treated_on=treated_on,
        calendar=_calendar(current, treated_on),
    )  # fmt: skip


@protocol.get("/protocol/rehearsal")
def rehearse() -> ResponseReturnValue:
    """What the protocol in force lacks here, and every letter of a silent patient as it reads."""
    zones = sorted(available_timezones())
    zone = request.args.get("zone", http.runtime().settings.zone)
    zone = zone if zone in zones else "UTC"
    treated_on = _day(request.args.get("treated_on", "")) or http.at().date()
    with reading(http.runtime()) as session:
        current = protocols.in_force(session).protocol
        lacks = preflight.missing(session, current, http.runtime().settings)
        site = session.scalars(select(Site).order_by(Site.id).limit(1)).first()
    shown = preflight.rehearsal(current, http.runtime().settings, treated_on, zone=zone, site=site)
    return render_template(
        "admin/rehearsal.html", protocol=current, lacks=lacks, letters=shown, zone=zone,
        zones=zones, treated_on=treated_on,
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _calendar(
    current: Protocol, treated_on: date
) -> list[tuple[PlannedFollowUp, tuple[Reminder, ...], date]]:
    """Each follow-up with its reminders and its call, if the invitation goes out when it is due."""
    rows = []
    for planned in current.plan(treated_on):
        rule = current.by_month[planned.month].reminders
        reminded = reminders(rule, planned.due_on, planned.closes_on)
        rows.append((planned, reminded, call_on(rule, planned.due_on)))
    return rows
