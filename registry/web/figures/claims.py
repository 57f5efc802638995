"""Advertised statements, each with its verdict, its rule, and the figures that it rests on."""

from flask import Blueprint

from registry import http
from registry.claims import bundled
from registry.db import reading
from registry.queries import claims as kept
from registry.reports.charts import apart
from registry.reports.charts import claims as charts
from registry.reports.claims import checked
from registry.web.figures import frame

claims = Blueprint("claims", __name__)
NOTE = (
    "Registry: 95 % Wilson interval. Published counts as printed; their intervals are computed "
    "here from those counts."
)


@claims.get("/figures/claims")
def page() -> str:
    """The statements that come with the software, then those that were added here."""
    found = frame.asked()
    with reading(http.runtime()) as session:
        rows = {row.fact_key: row for row in kept.added(session)}
        every = (*bundled(), *map(kept.claim_of, rows.values()))
        cards = [charts.card(each, found.report) for each in checked(session, found.report, every)]
    blinded = apart.blinded_sentences(found.report.library)
    return frame.page("claims", found, cards=cards, rows=rows, blinded=blinded, note=NOTE)
