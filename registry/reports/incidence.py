"""Day counts as a cumulative incidence with death competing, as it is."""

from collections.abc import Sequence

from registry.queries.sufficient_incidence import CauseCounts
from registry.reports.sentences import DEFINITIONS
from registry.reports.values import CauseRow, IncidenceFigures, Share
from registry.statistics.incidence import Incidence, aalen_johansen
from registry.statistics.risk_sets import REPORTED_DAYS

TITLE = "First serious adverse event"


def exact_incidence(rows: Sequence[CauseCounts]) -> IncidenceFigures:
    """The first serious event as it is."""
    curve = incidence_of(rows)
    return IncidenceFigures(
        title=TITLE,
        definition=DEFINITIONS["first_serious_ae"],
        events=sum(row.events for row in rows),
        deaths=sum(row.deaths for row in rows),
        at={day: share(curve, day) for day in REPORTED_DAYS},
        steps=tuple(curve.steps()),
        risk=tuple(
            CauseRow(
                day,
                curve.at(day).at_risk,
                sum(row.events for row in rows if row.day < day),
                sum(row.deaths for row in rows if row.day < day),
                sum(row.censored for row in rows if row.day < day),
            )
            for day in (0, *REPORTED_DAYS)
        ),
    )


def incidence_of(rows: Sequence[CauseCounts]) -> Incidence:
    """Aalen-Johansen of the day counts."""
    return aalen_johansen(
        [row.day for row in rows],
        [row.events for row in rows],
        [row.deaths for row in rows],
        [row.censored for row in rows],
        [row.entries for row in rows],
    )


def share(curve: Incidence, day: int) -> Share:
    """The curve's value at the end of a day."""
    found = curve.at(day)
    limits = found.lower, found.upper
    return Share(day, found.incidence, *limits, found.at_risk, found.reason)
