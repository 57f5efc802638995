"""Clinics: adding one, changing what patients read of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.errors import DomainError
from registry.models import Site, SiteHoliday


class SiteExists(DomainError):
    """Site codes are unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTexts:
    """What patients read of a clinic, and its time zone. No text names an illness.

    Without `public_name` the letters to its patients wait.
    """

    public_name: str = ""
    telephone: str = ""
    hours: str = ""
    emergency_text: str = ""
    zone: str = "UTC"


def add(session: Session, code: str, texts: SiteTexts, *, by: str, at: datetime) -> Site:
    """A new clinic. Raises SiteExists."""
    if session.scalar(select(Site.id).where(Site.code == code)) is not None:
        raise SiteExists(f"There is a site {code} already. Change that one, or choose a new code.")
    site = Site(code=code, recorded_by=by, recorded_at=at, **asdict(texts))
    session.add(site)
    session.flush()
    audit.record(
        session,
        by=by,
        at=at,
        action="site.added",
        subject=f"site:{site.id}",
        changes={"code": code, **asdict(texts)},
    )
    return site


def set_holidays(
    session: Session, site: Site, holidays: Mapping[date, str], *, by: str, at: datetime
) -> None:
    """The days on which no letter to the clinic's patients goes out, all of them: {day: name}.

    What stays the same is not written. Letters that wait keep to it from the next claim on.
    """
    known = {
        row.on: row
        for row in session.scalars(select(SiteHoliday).where(SiteHoliday.site_id == site.id))
    }
    before = {on: row.name for on, row in known.items()}
    if before == dict(holidays):
        return
    for on, row in known.items():
        if holidays.get(on) != row.name:
            session.delete(row)
    session.flush()
    session.add_all(
        SiteHoliday(site_id=site.id, on=on, name=name, recorded_by=by, recorded_at=at)
        for on, name in holidays.items()
        if before.get(on) != name
    )
    told = {on.isoformat(): (before.get(on), holidays.get(on)) for on in {*before, *holidays}}
    changes = {on: (old, new) for on, (old, new) in told.items() if old != new}
    subject = f"site:{site.id}"
    audit.record(session, by=by, at=at, action="holidays.set", subject=subject, changes=changes)


def change(session: Session, site: Site, texts: SiteTexts, *, by: str, at: datetime) -> None:
    """New texts for a clinic; what stays the same is not written, nor is a change of nothing."""
    changes = {
        name: (getattr(site, name), new)
        for name, new in asdict(texts).items()
        if getattr(site, name) != new
    }
    if not changes:
        return
    for name, (_, new) in changes.items():
        setattr(site, name, new)
    audit.record(
        session, by=by, at=at, action="site.changed", subject=f"site:{site.id}", changes=changes
    )
