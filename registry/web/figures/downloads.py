"""The whole report as one document, all its tables as another, and what the columns mean."""

from flask import Blueprint, Response

from registry.reports import download
from registry.web.figures import frame

downloads = Blueprint("downloads", __name__)


@downloads.get("/figures/report.json")
def everything() -> Response:
    """The report as JSON, as `registry report` writes it."""
    found = frame.asked()
    return frame.document(found, "report", found.report.as_text())


@downloads.get("/figures/tables.json")
def tables() -> Response:
    """All tables with their codebook."""
    found = frame.asked()
    return frame.document(found, "tables", download.json_text(found.report))


@downloads.get("/figures/codebook.csv")
def codebook() -> Response:
    """What the columns of the tables mean."""
    return frame.codebook()
