"""Survival: the silent taken to be alive, and followed only to the last contact; and the first
serious event, where death comes between.
"""

from flask import Blueprint, Response
from markupsafe import Markup

from registry.reports import figures
from registry.reports.charts import survival as charts
from registry.reports.values import CurveFigures, IncidenceFigures
from registry.web.figures import frame
from registry.web.figures.frame import Shown

survival = Blueprint("survival", __name__)
BAND = "Kaplan-Meier with log-log 95 % interval."
NOTE = (
    "Kaplan-Meier with log-log 95 % band; no band before the first death. The curve stops where "
    "fewer than 10 are at risk. Patients who consented later than treatment enter on that day."
)
INCIDENCE_BAND = "Aalen-Johansen, death competing, with 95 % interval on the log(-log) scale."
INCIDENCE_NOTE = (
    f"{INCIDENCE_BAND} Events by the clinic. The curve stops where fewer than 10 are at risk. "
    "Patients who consented later than treatment enter on that day, unless they had an event by "
    "then. One minus Kaplan-Meier would overstate the share."
)
RELEASED = (
    "Released figures stand only on days by which more than 7 deaths, and more than 7 events or "
    "none, have come together; between them nothing is drawn, and nothing is known from here."
)


@survival.get("/figures/survival")
def page() -> str:
    """All curves."""
    found = frame.asked()
    notes = {"note": _note(found), "incidence_note": _incidence_note(found)}
    return frame.page("survival", found, charts=charts, **notes)


@survival.get("/figures/survival.csv")
def table() -> Response:
    """The figures of the page, as a table."""
    return frame.table(frame.asked(), "survival")


@survival.get("/figures/survival/<name>.svg")
def picture(name: str) -> Response:
    """One curve, as a file."""
    found = frame.asked()
    curves = found.report.survival
    lives = {"survival": curves.overall, "survival-last-contact": curves.last_contact}
    drawn = {key: _drawn(found, each) for key, each in lives.items()}
    first = {"first-serious-event": _incidence(found, curves.first_serious)}
    return frame.picture(found, name, drawn | first)


def _drawn(found: Shown, curve: CurveFigures) -> Markup:
    caption = found.caption(curve.title, curve.definition, _note(found))
    drawn = charts.curve(curve, released=found.choice.is_released)
    return figures.curve_download(drawn, caption)


def _incidence(found: Shown, first: IncidenceFigures) -> Markup:
    caption = found.caption(first.title, first.definition, _incidence_note(found))
    drawn = charts.incidence(first, released=found.choice.is_released)
    return figures.curve_download(drawn, caption)


def _note(found: Shown) -> str:
    return f"{BAND} {RELEASED}" if found.choice.is_released else NOTE


def _incidence_note(found: Shown) -> str:
    return f"{INCIDENCE_BAND} {RELEASED}" if found.choice.is_released else INCIDENCE_NOTE
