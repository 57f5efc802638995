"""Clinics: what patients read of them."""

from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import http
from registry.actions import sites as actions
from registry.actions.sites import SiteTexts
from registry.db import reading
from registry.errors import NotFound
from registry.models import Site, SiteHoliday
from registry.queries import accounts
from registry.schemas.staff import SiteSchema, SiteTextsSchema
from registry.web.forms import Box, FormPage

sites = Blueprint("sites", __name__)
LEAD = "Patients read these words. They must not name an illness, a treatment or a speciality."
TEXTS = (
    Box("public_name", "Name that patients read", width="wide"),
    Box("telephone", "Telephone", width="w20", optional=True),
    Box("hours", "Hours", hint="For example, Monday to Friday, 9 to 17", optional=True),
    Box("emergency_text", "What to do in an emergency", "lines", optional=True),
    Box("zone", "Time zone", hint="For example, Europe/Berlin", width="w20"),
    Box(
        "holidays",
        "Days without letters",
        "lines",
        hint="Holidays of the clinic, one a line, like 2026-12-25 Christmas Day",
        optional=True,
    ),
)
CODE = Box("code", "Code", hint="Short, as in import files", width="w10")


@sites.get("/sites")
def index() -> ResponseReturnValue:
    """Every clinic."""
    with reading(http.runtime()) as session:
        found = accounts.sites_by_id(session)
    return render_template("admin/sites.html", sites=found)


@sites.route("/sites/add", methods=["GET", "POST"])
def add() -> ResponseReturnValue:
    """A new clinic."""
    given = {"zone": http.runtime().settings.zone}
    return _page("Add a site", (CODE, *TEXTS), SiteSchema(), _add, given).respond()


@sites.route("/sites/<int:site_id>", methods=["GET", "POST"])
def change(site_id: int) -> ResponseReturnValue:
    """New words for a clinic."""
    with reading(http.runtime()) as session:
        site = _site(session, site_id)

        given = _given(session, site)

    def act(session: Session, data: dict[str, Any]) -> str:
        holidays, row = data.pop("holidays"), _site(session, site_id)
        actions.change(session, row, SiteTexts(**data), by=http.by(), at=http.at())
        actions.set_holidays(session, row, holidays, by=http.by(), at=http.at())
        return url_for("sites.index")

    return _page(f"Site {site.code}", TEXTS, SiteTextsSchema(), act, given).respond()


def _given(session: Session, site: Site) -> dict[str, Any]:
    """What stands in the boxes at first."""
    days = session.scalars(
        select(SiteHoliday).where(SiteHoliday.site_id == site.id).order_by(SiteHoliday.on)
    )
    lines = "\n".join(f"{day.on} {day.name}".strip() for day in days)
    texts = {box.name: getattr(site, box.name) for box in TEXTS if box.name != "holidays"}
    return texts | {"holidays": lines}


def _add(session: Session, data: dict[str, Any]) -> str:
    code, holidays = data.pop("code"), data.pop("holidays")
    site = actions.add(session, code, SiteTexts(**data), by=http.by(), at=http.at())
    actions.set_holidays(session, site, holidays, by=http.by(), at=http.at())
    return url_for("sites.index")


def _page(
    title: str, boxes: tuple[Box, ...], schema: Schema, act: Any, given: dict[str, Any]
) -> FormPage:
    return FormPage(
        title=title, lead=LEAD, boxes=boxes, schema=schema, act=act, button="Save the site",
        given=given, corrects=CODE not in boxes, back=("All sites", url_for("sites.index")),
    )  # fmt: skip


def _site(session: Session, site_id: int) -> Site:
    found = session.get(Site, site_id)
    if found is None:
        raise NotFound("There is no such site.")
    return found
