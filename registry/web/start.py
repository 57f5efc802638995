"""The start page of those who see no patient: the newest figures, and the pages that are theirs."""

from flask import render_template

from registry import http
from registry.reports.charts import overview, response
from registry.reports.report import SmallSite
from registry.web.figures import frame
from registry.web.figures.small_site import explained
from registry.web.pages import own_pages
from registry.web.policy import FIGURES


def page(**more: object) -> str:
    """What the asker's role shows them; figures first, for those who see figures."""
    figures = _figures() if http.asker().may(FIGURES) else {}
    return render_template("worklist/start.html", pages=own_pages(), **figures, **more)


def _figures() -> dict[str, object]:
    """The newest cut-off beside the one before; or why there is nothing to see."""
    try:
        found, before = frame.newest()
    except SmallSite:
        return {"small": explained()}
    waves = found.report.waves
    month = response.headline_month(waves, found.report.protocol.primary.months)
    return {
        "shown": found,
        "before": before,
        "lead": response.lead(waves, month),
        "flow": response.flow(found.report.treated, waves, month),
        "answers": overview.completeness(waves),
        "changes": overview.changes(found.report, before.report) if before else None,
    }
