"""Clinics: adding one, changing what patients read of it."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.errors import DomainError
from registry.models import Site


class SiteExists(DomainError):
    """Site codes are unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTexts:
    """What patients read of a clinic, and its time zone. No text names an illness."""

    public_name: str
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
