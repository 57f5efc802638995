"""The whole report as one document."""

from flask import Blueprint, Response

from registry.web.figures import frame

downloads = Blueprint("downloads", __name__)


@downloads.get("/figures/report.json")
def everything() -> Response:
    """The report as JSON, as `registry report` writes it."""
    found = frame.asked()
    return frame.document(found, "report", found.report.as_text())
