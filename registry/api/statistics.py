"""The report as JSON: the same bytes as `registry report --json`."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from sqlalchemy import select

from registry import http, published
from registry.api.policy import RECORDS
from registry.api.routes import Call, Routes
from registry.api.shapes import ReportQuerySchema, ReportSchema
from registry.errors import NotFound
from registry.models import Site
from registry.queries import protocols
from registry.queries.accounts import Asker
from registry.reports.report import build

routes = Routes("statistics", "Figures of the registry, each with its denominator and interval.")


@routes.operation("GET", "/statistics/report", ReportSchema(), query=ReportQuerySchema())
def report(call: Call, wanted: Mapping[str, Any]) -> Response:
    """The whole report at one cut-off

    Exact figures of the sites where the key's user works with records; everything else comes in
    the release profile, with small counts hidden and others rounded.
    """
    known_at, site = wanted.get("known_at"), wanted.get("site")
    zone = ZoneInfo(http.runtime().settings.zone)
    text = build(
        call.session,
        protocols.in_force(call.session, known_at).protocol,
        published.library(),
        as_of=wanted.get("as_of") or call.at.astimezone(zone).date(),
        known_at=known_at,
        site=site,
        profile=_profile(call, http.asker(), site),
    ).as_text()
    return Response(text, mimetype="application/json")


def _profile(call: Call, asker: Asker, code: str | None) -> str:
    """Which profile the asker gets; NotFound for a site that is none of theirs."""
    exact, seen = asker.sites(RECORDS), asker.sites(http.roles_here())
    if code is None:
        return "internal" if exact is None else "release"
    site = call.session.scalar(select(Site.id).where(Site.code == code))
    if site is None or (seen is not None and site not in seen):
        raise NotFound(f"There is no site {code} of yours.")
    return "internal" if exact is None or site in exact else "release"
