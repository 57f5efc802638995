"""Response rates: what became of each questionnaire."""

from flask import Blueprint, Response
from markupsafe import Markup

from registry.reports import figures
from registry.reports.charts import response as charts
from registry.web.figures import frame
from registry.web.figures.frame import Shown

response = Blueprint("response", __name__)
TITLE = "Response rates by wave"
MEASURE = "Shares of patients due and alive; response rate 1 (AAPOR)."
NOTE = (
    "Response rate 1 counts complete answers over everybody due and alive, unknowns included; it "
    "is the lowest of the six. Complete: sent in the window, with the main question and at least "
    "80 % of the others answered; partial: 50 to 80 %. Intervals: Wilson, 95 %."
)


@response.get("/figures/response")
def page() -> str:
    """All waves at one cut-off."""
    found = frame.asked(by_site=True)
    wanted = found.report.protocol.primary.months
    month = charts.headline_month(found.report.waves, wanted)
    sites = charts.sites(found.sites, found.report.waves, month)
    return frame.page("response", found, charts=charts, month=month, note=NOTE, sites=sites)


@response.get("/figures/response.csv")
def table() -> Response:
    """The figures of the page, as a table."""
    return frame.table(frame.asked(), "response_rates")


@response.get("/figures/response/<name>.svg")
def picture(name: str) -> Response:
    """The bars, as a file."""
    found = frame.asked()
    return frame.picture(found, name, {"response-rates": _drawn(found)})


def _drawn(found: Shown) -> Markup:
    waves = charts.bars(found.report.waves)
    return figures.response_download(waves, found.caption(TITLE, MEASURE, NOTE))
