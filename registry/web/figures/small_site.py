"""What stands in place of figures of a site that is too small to be shown alone."""

from dataclasses import dataclass

from flask import Response, render_template, request

from registry import http
from registry.db import reading
from registry.reports.report import SmallSite
from registry.statistics.policy import RELEASE
from registry.web import errors
from registry.web.figures.choice import Choice, chosen


@dataclass(frozen=True)
class Explained:
    """The cut that was asked for, the number of people a site needs, other ways to go on."""

    choice: Choice
    least: int
    page: str

    @property
    def others(self) -> list[tuple[str, str]]:
        """Other sites of the asker: (code, name)."""
        return [(code, name) for code, name in self.choice.sites if code != self.choice.site]

    @property
    def days(self) -> list[tuple[str, str]]:
        """Later cut-offs, by which more were treated: (date, words)."""
        own = self.choice.as_of.isoformat()
        return [(day, label) for day, label in self.choice.days if day > own][:4]


def explained() -> Explained:
    """What is hidden, and for whom."""
    with reading(http.runtime()) as session:
        choice = chosen(session)
    page = (request.endpoint or "").partition(".")[0]
    return Explained(choice, RELEASE.group, page if page != "worklist" else "response")


def answer(error: SmallSite) -> Response | str:
    """A page that explains; a file, or a program, is refused."""
    is_page = (request.endpoint or "").endswith(".page") and not request.path.startswith(http.API)
    if not is_page:
        return errors.answer(error.status, str(error))
    return render_template("figures/small_site.html", small=explained())
