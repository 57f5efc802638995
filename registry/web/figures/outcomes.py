"""Outcomes: each by wave, under every rule for the silent."""

from flask import Blueprint, Response
from markupsafe import Markup

from registry.reports import figures
from registry.reports.charts import outcomes as charts
from registry.reports.charts.outcomes import OutcomeView
from registry.reports.charts.shown import METHODS
from registry.web.figures import frame
from registry.web.figures.frame import Shown

outcomes = Blueprint("outcomes", __name__)
NOTE = (
    "Dot and line: those whose outcome is known, 95 % interval ({}); right only if the silent "
    "are like them. Bracket: the share if none, and if all, of the silent had it; no assumption."
)


@outcomes.get("/figures/outcomes")
def page() -> str:
    """All outcomes of the protocol."""
    found = frame.asked()
    return frame.page(
        "outcomes", found, views=_views(found), rules=charts.rules(), note=_note(found)
    )


@outcomes.get("/figures/outcomes.csv")
def table() -> Response:
    """The figures of the page, as a table."""
    return frame.table(frame.asked(), "outcomes")


@outcomes.get("/figures/outcomes/<name>.svg")
def picture(name: str) -> Response:
    """The picture of one outcome, by its code, as a file."""
    found = frame.asked()
    return frame.picture(found, name, {v.code: _drawn(found, v) for v in _views(found)})


def _note(found: Shown) -> str:
    return NOTE.format(METHODS[found.report.protocol.statistics.share])


def _views(found: Shown) -> list[OutcomeView]:
    protocol = found.report.protocol
    return charts.views(found.report.waves, protocol.outcomes, protocol.primary.months)


def _drawn(found: Shown, view: OutcomeView) -> Markup:
    measure = f"{view.definition} Share of patients due whose outcome is known."
    caption = found.caption(f"{view.label} by wave", measure, f"{_note(found)} {view.lead}")
    return figures.share_download([view.block], caption, "Wave")
