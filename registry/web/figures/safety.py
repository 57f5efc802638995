"""Safety: events by the clinic and by the patients, kept apart, and what is known of both."""

from flask import Blueprint, Response
from markupsafe import Markup

from registry.reports import figures
from registry.reports.charts import safety as charts
from registry.reports.sentences import DEFINITIONS
from registry.reports.values import SafetyFigures
from registry.web.figures import frame
from registry.web.figures.frame import Shown

safety = Blueprint("safety", __name__)
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
    return frame.page("safety", found, charts=charts, note=_note(found), definitions=DEFINITIONS)


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
    return frame.picture(found, name, {"events-clinic": clinic, "events-patients": patient})


def _drawn(found: Shown, source: SafetyFigures, title: str, definition: str) -> Markup:
    caption = found.caption(title, DEFINITIONS[definition], _note(found))
    return figures.events_download(charts.terms(source), caption)


def _note(found: Shown) -> str:
    if not found.choice.is_released:
        return NOTE
    return f"{NOTE.rpartition(' No term')[0]} {RELEASED}"
