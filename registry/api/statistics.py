"""The report as JSON: the same bytes as `registry report --json`, cut as the pages may be cut."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import http, published
from registry.api.policy import FIGURES, RECORDS
from registry.api.routes import Call, Routes
from registry.api.shapes import ReportQuerySchema, ReportSchema
from registry.errors import NotFound
from registry.models import Site
from registry.queries import protocols
from registry.reports.report import build

routes = Routes("statistics", "Figures of the registry, each with its denominator and interval.")


@routes.operation("GET", "/statistics/report", ReportSchema(), query=ReportQuerySchema())
def report(call: Call, wanted: Mapping[str, Any]) -> Response:
    """The whole report at one cut-off

    Those who work with records get exact figures of their sites. Everybody else gets the release
    profile at the ends of quarters, with small counts hidden and others rounded.
    """
    profile = "internal" if http.asker().may(RECORDS) else "release"
    today = call.at.astimezone(ZoneInfo(http.runtime().settings.zone)).date()
    known_at = wanted.get("known_at")
    as_of = _cut_off(wanted.get("as_of"), today, profile, known_at)
    site = _site(call.session, wanted.get("site"), profile)
    text = build(
        call.session,
        protocols.in_force(call.session, known_at).protocol,
        published.library(),
        as_of=as_of,
        known_at=known_at,
        site=site,
        profile=profile,
    ).as_text()
    return Response(text, mimetype="application/json")


def _site(session: Session, code: str | None, profile: str) -> str | None:
    """The site asked for. Raises NotFound for one that is none of the asker's, ValidationError
    where one must be named, or none may be: what is hidden of one site could be found by taking the
    others from all.
    """
    held = http.asker().sites(RECORDS if profile == "internal" else FIGURES)
    if code is None:
        if held is not None:
            raise ValidationError({"site": ["Say which of your sites: its code."]})
        return None
    if held is None and profile == "release":
        raise ValidationError({"site": ["Figures of single sites are not released."]})
    site_id = session.scalar(select(Site.id).where(Site.code == code))
    if site_id is None or (held is not None and site_id not in held):
        raise NotFound("There is no such site among yours.")
    return code


def _cut_off(wanted: date | None, today: date, profile: str, known_at: datetime | None) -> date:
    """The cut-off. What is released is cut at the ends of quarters, as it is known today: reports
    a day or a correction apart would tell of single patients.
    """
    if profile == "internal":
        if wanted is not None and wanted > today:
            raise ValidationError({"as_of": [f"{wanted} lies in the future."]})
        return wanted or today
    if known_at is not None:
        raise ValidationError({"known_at": ["Past knowledge is not released."]})
    newest = _quarter_end(today)
    if wanted is not None and (wanted > newest or _quarter_end(wanted) != wanted):
        told = f"Figures are released at the ends of quarters, such as {newest}."
        raise ValidationError({"as_of": [told]})
    return wanted or newest


def _quarter_end(day: date) -> date:
    """The last day of a quarter on or before `day`."""
    following = day + timedelta(days=1)
    return following.replace(month=(following.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
