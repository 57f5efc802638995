"""Survival: the silent taken to be alive, and followed only to the last contact."""

from flask import Blueprint, Response
from markupsafe import Markup

from registry.reports import figures
from registry.reports.charts import survival as charts
from registry.reports.values import CurveFigures
from registry.web.figures import frame
from registry.web.figures.frame import Shown

survival = Blueprint("survival", __name__)
BAND = "Kaplan-Meier with log-log 95 % interval."
NOTE = (
    "Kaplan-Meier with log-log 95 % band; no band before the first death. The curve stops where "
    "fewer than 10 are at risk. Patients who consented later than treatment enter on that day."
)
RELEASED = (
    "Released figures stand only on days by which more than 7 deaths have come together; between "
    "them nothing is drawn, and nothing is known from here."
)


@survival.get("/figures/survival")
def page() -> str:
    """Both curves."""
    found = frame.asked()
    return frame.page("survival", found, charts=charts, note=_note(found))


@survival.get("/figures/survival.csv")
def table() -> Response:
    """The figures of the page, as a table."""
    return frame.table(frame.asked(), "survival")


@survival.get("/figures/survival/<name>.svg")
def picture(name: str) -> Response:
    """One curve, as a file."""
    found = frame.asked()
    curves = found.report.survival
    drawn = {"survival": curves.overall, "survival-last-contact": curves.last_contact}
    return frame.picture(found, name, {key: _drawn(found, each) for key, each in drawn.items()})


def _drawn(found: Shown, curve: CurveFigures) -> Markup:
    caption = found.caption(curve.title, curve.definition, _note(found))
    drawn = charts.curve(curve, released=found.choice.is_released)
    return figures.curve_download(drawn, caption)


def _note(found: Shown) -> str:
    return f"{BAND} {RELEASED}" if found.choice.is_released else NOTE
