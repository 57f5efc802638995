"""What all pages of figures share: the report of the chosen cut, its frame, its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from registry import http, published, words
from registry.db import reading
from registry.errors import NotFound
from registry.queries import breakdowns, protocols
from registry.queries.sufficient import Cut
from registry.reports.charts import shown
from registry.reports.figures import Caption
from registry.reports.report import Report, build
from registry.reports.sites import SiteRates, site_rates
from registry.web.figures.choice import Choice, chosen


@dataclass(frozen=True)
class Shown:
    """The chosen cut and its report, under the profile of whoever asks."""

    choice: Choice
    report: Report
    name: str
    sites: tuple[SiteRates, ...] = ()

    @property
    def about(self) -> str:
        """Where, how many, until when, under which profile."""
        return " · ".join((self.choice.site_name, f"{self.treated} treated", self.cut))

    @property
    def treated(self) -> str:
        """How many were treated, as words."""
        return shown.whole(self.report.treated)

    @property
    def cut(self) -> str:
        """The cut-off and the profile, as words."""
        day = words.date(self.report.as_of)
        return f"answers and events up to {day} · {self.choice.profile_words}"

    @property
    def cite(self) -> str:
        """The line to cite: registry, protocol with version and fingerprint, cut-off, software."""
        protocol = self.report.protocol
        return (
            f"{self.name}, {self.choice.site_name}. Protocol {protocol.code} version "
            f"{protocol.version}, fingerprint {protocol.fingerprint[:12]}. Data cut-off "
            f"{words.date(self.report.as_of)}; {self.choice.profile_words}. Software "
            f"{self.report.software_version}."
        )

    def caption(self, title: str, measure: str, note: str) -> Caption:
        """What a downloaded picture carries with it."""
        return Caption(title, f"{measure} {self.about}.", note, self.cite)


def asked(*, by_site: bool = False) -> Shown:
    """The report that the address asks for; the only way in which these pages get figures."""
    runtime = http.runtime()
    with reading(runtime) as session:
        choice = chosen(session)
        protocol, library = protocols.in_force(session).protocol, published.library()
        report = build(
            session, protocol, library, as_of=choice.as_of, site=choice.site, profile=choice.profile
        )
        sites = _sites(session, choice, report) if by_site and choice.site is None else []
    return Shown(choice, report, runtime.settings.name, tuple(sites))


def _sites(session: Session, choice: Choice, report: Report) -> list[SiteRates]:
    protocol = report.protocol
    cut = Cut(protocol.code, choice.as_of, None, None, protocol.safety_days)
    named = [(site.code, site.public_name) for site in breakdowns.sites(session, None)]
    return site_rates(session, cut, protocol, named, report.waves, choice.profile)


def page(template: str, found: Shown, **values: Any) -> str:
    """A page of figures."""
    return render_template(f"figures/{template}.html", shown=found, page=template, **values)


def picture(found: Shown, name: str, drawings: Mapping[str, Markup]) -> Response:
    """One of the page's pictures as a file. Raises NotFound for a name that it does not have."""
    if name not in drawings:
        raise NotFound("There is no such picture. The page lists its own.")
    return _file(str(drawings[name]), "image/svg+xml", found.choice.file(name, "svg"))


def table(found: Shown, name: str, text: str) -> Response:
    """The page's figures as a table."""
    return _file(text, "text/csv", found.choice.file(name, "csv"))


def document(found: Shown, name: str, text: str) -> Response:
    """A JSON document."""
    return _file(text, "application/json", found.choice.file(name, "json"))


def _file(text: str, kind: str, name: str) -> Response:
    answer = Response(text, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
