"""Safety: events by the clinic and by the patients, kept apart, and what is known of both."""

from collections.abc import Sequence
from typing import TypedDict

from flask import Blueprint, Response
from markupsafe import Markup

from registry import http
from registry.db import reading
from registry.models import SafetyLook
from registry.queries.monitoring import looks, others
from registry.reports import figures
from registry.reports.charts import safety as charts
from registry.reports.charts.monitoring import Earlier, Monitored, earlier, monitored
from registry.reports.sentences import DEFINITIONS
from registry.reports.values import SafetyFigures
from registry.web.figures import frame
from registry.web.figures.frame import Shown

safety = Blueprint("safety", __name__)


class Looks(TypedDict):
    """The looks under the plan in force, and what is told of those under others."""

    monitored: Monitored | None
    earlier: Earlier | None


NOTE = (
    "Share: patients with at least one, 95 % Wilson interval. Rate: patients with a first event "
    "per 100 person-years up to it, 95 % exact Poisson (Garwood) interval. Nobody had it: "
    "one-sided 95 % upper limit. No term is left out for being rare."
)
RELEASED = (
    "Terms that few patients had are left out, unless the protocol or a published figure names "
    "them."
)


@safety.get("/figures/safety")
def page() -> str:
    """Both sources of events."""
    found = frame.asked(both_sources=True)
    more = {"charts": charts, "note": _note(found), "definitions": DEFINITIONS}
    return frame.page("safety", found, **more, **_looks(found))


@safety.get("/figures/safety.csv")
def table() -> Response:
    """The figures of the page, as a table."""
    return frame.table(frame.asked(), "safety")


@safety.get("/figures/safety/<name>.svg")
def picture(name: str) -> Response:
    """The events of one source, as a file."""
    found = frame.asked()
    clinic = _drawn(found, found.report.safety, "Events by the clinic", "safety")
    patient = _drawn(
        found, found.report.safety_patient, "Events told by patients", "safety_patient"
    )
    drawn = {"events-clinic": clinic, "events-patients": patient}
    if (looked := _looks(found)["monitored"]) is not None:
        drawn["monthly-looks"] = _monitored(found, looked)
    return frame.picture(found, name, drawn)


def _drawn(found: Shown, source: SafetyFigures, title: str, definition: str) -> Markup:
    caption = found.caption(title, DEFINITIONS[definition], _note(found))
    return figures.events_download(charts.terms(source), caption)


def _looks(found: Shown) -> Looks:
    """The monthly looks by the cut-off. They count all sites, and are not released: two months
    tell who came in between.
    """
    plan = found.report.protocol.monitoring
    if found.choice.is_released or found.choice.site is not None:
        return {"monitored": None, "earlier": None}
    with reading(http.runtime()) as session:
        now = _by(found, looks(session, plan.key)) if plan else []
        before = earlier(now, _by(found, others(session, plan.key if plan else None)))
        return {"monitored": monitored(plan, now) if plan else None, "earlier": before}


def _by(found: Shown, every: Sequence[SafetyLook]) -> list[SafetyLook]:
    return [look for look in every if look.on <= found.report.as_of]


def _monitored(found: Shown, looked: Monitored) -> Markup:
    caption = found.caption("Monthly looks at serious events", looked.rule, looked.standing)
    return figures.monitoring_download(looked.looks, caption)


def _note(found: Shown) -> str:
    if not found.choice.is_released:
        return NOTE
    return f"{NOTE.rpartition(' No term')[0]} {RELEASED}"
