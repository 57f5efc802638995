"""Day counts as survival curves, exact or as they may be released."""

from collections.abc import Sequence

from registry.queries.sufficient_incidence import CauseCounts
from registry.queries.sufficient_survival import DayCounts, SurvivalCounts
from registry.reports.incidence import exact_incidence
from registry.reports.sentences import DEFINITIONS
from registry.reports.values import At, CurveFigures, RiskRow, SurvivalFigures
from registry.statistics.survival import REPORTED_DAYS, Curve, kaplan_meier

TITLES = {"overall": "Survival", "overall_last_contact": "Survival, to the last contact"}


def exact_survival(
    counts: SurvivalCounts, first_serious: Sequence[CauseCounts], last_day: int
) -> SurvivalFigures:
    """All curves as they are."""
    return SurvivalFigures(
        overall=_exact("overall", counts.overall, last_day),
        last_contact=_exact("overall_last_contact", counts.last_contact, last_day),
        first_serious=exact_incidence(first_serious),
        silent_year=counts.silent_year,
        never_at_risk=counts.never_at_risk,
        follow_up=curve_of(counts.overall, reverse=True).median(),
    )


def _exact(name: str, rows: Sequence[DayCounts], last_day: int) -> CurveFigures:
    curve = curve_of(rows)
    reachable = last_day if curve.survival[-1] == 0 else min(last_day, curve.last_day)
    return CurveFigures(
        title=TITLES[name],
        definition=DEFINITIONS[name],
        deaths=curve.total_events,
        at={day: at(curve, day) for day in REPORTED_DAYS},
        median=curve.median(),
        rmst=curve.rmst(reachable),
        steps=tuple(curve.steps()),
        risk=tuple(
            RiskRow(
                day,
                curve.at(day).at_risk,
                sum(row.deaths for row in rows if row.day < day),
                sum(row.censored for row in rows if row.day < day),
            )
            for day in (0, *REPORTED_DAYS)
        ),
    )


def curve_of(rows: Sequence[DayCounts], *, reverse: bool = False) -> Curve:
    """Kaplan-Meier; reversed, leaving alive is the event: how long people are followed."""
    deaths, censored = [row.deaths for row in rows], [row.censored for row in rows]
    return kaplan_meier(
        [row.day for row in rows],
        censored if reverse else deaths,
        deaths if reverse else censored,
        [row.entries for row in rows],
    )


def at(curve: Curve, day: int) -> At:
    """The curve's value at the end of a day."""
    found = curve.at(day)
    return At(day, found.survival, found.lower, found.upper, found.at_risk, found.reason)
