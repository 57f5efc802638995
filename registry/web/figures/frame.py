"""What all pages of figures share: the report of the chosen cut, its frame, its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import Response, render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from registry import http, published, words
from registry.db import reading
from registry.errors import NotFound
from registry.queries import breakdowns, protocols
from registry.queries.sufficient import Cut
from registry.queries.sufficient_union import either
from registry.reports import download
from registry.reports.charts import shown
from registry.reports.either import EitherFigures, either_figures
from registry.reports.figures import Caption
from registry.reports.report import Report, SmallSite, build
from registry.reports.sites import SiteRates, site_rates
from registry.web.figures.choice import Choice, chosen


@dataclass(frozen=True)
class Shown:
    """The chosen cut and its report, under the profile of whoever asks."""

    choice: Choice
    report: Report
    name: str
    sites: tuple[SiteRates, ...] = ()
    either: tuple[EitherFigures, ...] = ()

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
        return f"up to {day} · {self.choice.profile_words}"

    @property
    def cite(self) -> str:
        """The line to cite: registry, protocol with version and fingerprint, cut-off, software."""
        protocol = self.report.protocol
        return (
            f"{self.name}, {self.choice.where}. Protocol {protocol.code} version "
            f"{protocol.version}, fingerprint {protocol.fingerprint[:12]}. Data cut-off "
            f"{words.date(self.report.as_of)}; {self.choice.profile_words}. Software "
            f"{self.report.software_version}."
        )

    def caption(self, title: str, measure: str, note: str) -> Caption:
        """What a downloaded picture carries with it."""
        return Caption(title, f"{measure} {self.about}.", note, self.cite)


def asked(*, by_site: bool = False, both_sources: bool = False) -> Shown:
    """The report that the address asks for; the only way in which these pages get figures.

    `by_site`: with the response rates of the sites; `both_sources`: with events from either source.
    """
    runtime = http.runtime()
    with reading(runtime) as session:
        choice = chosen(session)
        report = _report(session, choice)
        protocol = report.protocol
        cut = Cut(protocol.code, choice.as_of, None, choice.site, protocol.safety_days)
        sites = _sites(session, cut, choice, report) if by_site else []
        both = either_figures(either(session, cut), report) if both_sources else []
    return Shown(choice, report, runtime.settings.name, tuple(sites), tuple(both))


def newest() -> tuple[Shown, Shown | None]:
    """The newest cut that the asker may look at, and the one before if there is one."""
    runtime = http.runtime()
    with reading(runtime) as session:
        choice = chosen(session)
        found = Shown(choice, _report(session, choice), runtime.settings.name)
        if len(choice.days) < 2:
            return found, None
        day = date.fromisoformat(choice.days[1][0])
        earlier = replace(choice, as_of=day)
        try:
            return found, Shown(earlier, _report(session, earlier), runtime.settings.name)
        except SmallSite:
            return found, None


def _report(session: Session, choice: Choice) -> Report:
    protocol, library = protocols.in_force(session).protocol, published.library()
    return build(
        session, protocol, library, as_of=choice.as_of, site=choice.site, profile=choice.profile
    )


def _sites(session: Session, cut: Cut, choice: Choice, report: Report) -> list[SiteRates]:
    if choice.site is not None:
        return []
    named = [(site.code, site.staff_name) for site in breakdowns.sites(session, None)]
    return site_rates(session, cut, report.protocol, named, report.waves, choice.profile)


def page(template: str, found: Shown, **values: Any) -> str:
    """A page of figures."""
    return render_template(f"figures/{template}.html", shown=found, page=template, **values)


def picture(found: Shown, name: str, drawings: Mapping[str, Markup]) -> Response:
    """One of the page's pictures as a file. Raises NotFound for a name that it does not have."""
    if name not in drawings:
        raise NotFound("There is no such picture. The page lists its own.")
    return _file(str(drawings[name]), "image/svg+xml", found.choice.file(name, "svg"))


def table(found: Shown, name: str) -> Response:
    """One table of the report as CSV."""
    text = download.tables(found.report)[name].as_csv()
    return _file(text, "text/csv", found.choice.file(name.replace("_", "-"), "csv"))


def codebook() -> Response:
    """What the columns of all tables mean."""
    return _file(download.codebook().as_csv(), "text/csv", "codebook.csv")


def document(found: Shown, name: str, text: str) -> Response:
    """A JSON document."""
    return _file(text, "application/json", found.choice.file(name, "json"))


def _file(text: str, kind: str, name: str) -> Response:
    answer = Response(text, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
