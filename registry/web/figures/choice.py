"""What the asker may look at and what they chose: cut-off, site, and the profile that follows."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from flask import request
from sqlalchemy.orm import Session

from registry import http, words
from registry.errors import Invalid, NotFound
from registry.queries import breakdowns
from registry.web.policy import CLAIMS, EXACT

MOST_MONTHS = 36
INTERNAL, RELEASE = "internal", "release"
Options = list[tuple[str, str]]


@dataclass(frozen=True)
class Choice:
    """One cut of the registry, and the lists that it was chosen from. `site` None: all sites."""

    as_of: date
    site: str | None
    site_name: str
    profile: str
    days: Options
    sites: Options

    @property
    def query(self) -> dict[str, str]:
        """What an address needs to lead to this cut again."""
        site = {"site": self.site} if self.site else {}
        return {"as_of": self.as_of.isoformat(), **site}

    @property
    def where(self) -> str:
        """The sites within a sentence."""
        return self.site_name if self.site else "all sites"

    @property
    def is_released(self) -> bool:
        """Whether small counts are hidden and others rounded."""
        return self.profile == RELEASE

    @property
    def profile_words(self) -> str:
        """The profile as people say it."""
        if self.is_released:
            return "released figures: counts of 1 to 7 hidden, others rounded to 5"
        return "internal figures, exact counts"

    def file(self, name: str, ending: str) -> str:
        """A file's name: what, until when, where, for whom; never a count."""
        return f"{name}-{self.as_of}-{self.site or 'all-sites'}-{self.profile}.{ending}"


def chosen(session: Session) -> Choice:
    """The cut that the address names. Raises NotFound for a site that is not the asker's, Invalid
    for a cut-off that is not offered.
    """
    profile = INTERNAL if http.asker().may(EXACT) else RELEASE
    sites = _sites(session, profile)
    wanted = request.args.get("site", "") or sites[0][0]
    if wanted not in dict(sites):
        raise NotFound("There is no such site among those whose figures you may see.")
    as_of, days = _days(session, profile)
    return Choice(as_of, wanted or None, dict(sites)[wanted], profile, days, sites)


def _sites(session: Session, profile: str) -> Options:
    """The closed list of sites. Figures of single sites are not released to those who have all
    sites: what is hidden of one could be found by subtracting the others.
    """
    held = http.asker().sites(EXACT if profile == INTERNAL else CLAIMS)
    if held is None and profile == RELEASE:
        return [("", "All sites")]
    named = [(site.code, site.staff_name) for site in breakdowns.sites(session, held)]
    if not named and held is not None:
        raise NotFound("There is no site whose figures you may see.")
    return [("", "All sites"), *named] if held is None else named


def _days(session: Session, profile: str) -> tuple[date, Options]:
    """The cut-off, and the list of cut-offs, the newest first."""
    zone = ZoneInfo(http.runtime().settings.zone)
    today = http.at().astimezone(zone).date()
    first = breakdowns.first_treated_on(session) or today
    ends = list(_ends(first, today, 3 if profile == RELEASE else 1))
    offered = ends if profile == RELEASE else list(dict.fromkeys([today, *ends]))
    wanted = _wanted(offered[0])
    if wanted not in offered:
        _refuse(wanted, today, profile)
        offered = sorted([*offered, wanted], reverse=True)
    return wanted, [(day.isoformat(), _label(day, today)) for day in offered]


def _label(day: date, today: date) -> str:
    return f"{words.date(day)} (today)" if day == today else words.date(day)


def _wanted(default: date) -> date:
    text = request.args.get("as_of", "")
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise Invalid(f"The cut-off {text} is no date. Write it like 2026-09-30.") from None


def _refuse(wanted: date, today: date, profile: str) -> None:
    if profile == RELEASE:
        raise Invalid("Figures are released at the end of each quarter. Choose one from the list.")
    if wanted > today:
        raise Invalid(f"The cut-off {words.date(wanted)} lies in the future.")


def _ends(first: date, today: date, step: int) -> Iterator[date]:
    """The last days of months (or quarters) by today, back to the first treatment; one at least."""
    year, month, found = today.year, today.month, 0
    for _ in range(MOST_MONTHS + 1):
        end = date(year, month, monthrange(year, month)[1])
        if end <= today and month % step == 0:
            if found and end < first:
                return
            yield end
            found += 1
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
