"""Response rate 1 of every site, exact or as it may be released: sites are released together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from registry.protocols import Protocol
from registry.queries.sufficient import Cut
from registry.queries.sufficient_waves import wave
from registry.reports.values import Figure, Wave
from registry.statistics.disclosure import release_table, shown_proportion
from registry.statistics.policy import SUPPRESSED, Shown, Suppressed
from registry.statistics.proportions import proportion
from registry.statistics.response_rates import Dispositions

NOBODY = "nobody is due and alive"
Site = tuple[str, str]


@dataclass(frozen=True)
class SiteRates:
    """A site's response rate 1 by month."""

    name: str
    by_month: Mapping[int, Figure]


def site_rates(
    session: Session,
    cut: Cut,
    protocol: Protocol,
    sites: Sequence[Site],
    waves: Mapping[int, Wave],
    profile: str,
) -> list[SiteRates]:
    """The rates of `sites`, (code, name) each. `waves`: those of all sites together, as shown.

    A release shows sites only if all sites together are shown: it then adds nothing that could be
    subtracted.
    """
    found: dict[int, Mapping[str, Figure]] = {}
    for rule in protocol.timepoints:
        counts = {
            code: wave(session, _of(cut, code), rule.timepoint, ()).dispositions
            for code, _ in sites
        }
        exact = profile == "internal"
        rr1 = waves[rule.month].rr1
        found[rule.month] = _exact(counts) if exact else _released(counts, rr1)
    return [
        SiteRates(name, {month: rates[code] for month, rates in found.items()})
        for code, name in sites
    ]


def _of(cut: Cut, site: str) -> Cut:
    return Cut(cut.protocol, cut.as_of, cut.known_at, site, cut.last_day)


def _asked(counts: Dispositions) -> int:
    return counts.due - counts.not_eligible


def _exact(counts: Mapping[str, Dispositions]) -> dict[str, Figure]:
    return {
        site: proportion(each.complete, _asked(each), nobody=NOBODY)
        for site, each in counts.items()
    }


def _released(counts: Mapping[str, Dispositions], together: Figure) -> dict[str, Figure]:
    """From one table of sites with its totals; nothing, if a total had to go that is shown."""
    rows = {
        site: {"complete": each.complete, "rest": _asked(each) - each.complete}
        for site, each in counts.items()
    }
    table = release_table(rows)
    totals = (table.total, *table.column_totals.values())
    if isinstance(together, Suppressed) or any(isinstance(each, Suppressed) for each in totals):
        return dict.fromkeys(rows, SUPPRESSED)
    return {site: _rate(table.cells[site], table.row_totals[site]) for site in rows}


def _rate(cells: Mapping[str, Shown], total: Shown) -> Figure:
    complete, rest = cells["complete"], cells["rest"]
    if not (isinstance(complete, int) and isinstance(rest, int) and isinstance(total, int)):
        return SUPPRESSED
    return shown_proportion(complete, total)
