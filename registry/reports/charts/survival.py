"""Survival curves with people at risk, and the days of the report as a table."""

from collections.abc import Mapping, Sequence

from registry import words
from registry.reports.charts import shown
from registry.reports.charts.shown import Rows
from registry.reports.figures import AtRisk, Curve, Step
from registry.reports.sentences import follow_up_sentence
from registry.reports.values import (
    At,
    CauseRow,
    CurveFigures,
    IncidenceFigures,
    RiskRow,
    Share,
    SurvivalFigures,
)
from registry.statistics.policy import Suppressed
from registry.statistics.rates import DAYS_PER_YEAR
from registry.statistics.values import Estimate

DAYS_PER_MONTH = DAYS_PER_YEAR / 12
RISK = {"at_risk": "At risk", "events": "Died before", "censored": "Left before"}
CAUSES = {
    "at_risk": "At risk",
    "events": "Had one before",
    "deaths": "Died before",
    "censored": "Left before",
}
DRAWN_MONTHS = (0, 6, 12, 24)


def month_of(day: int) -> int:
    """The time-point in months that a day of the report stands for."""
    return round(day / DAYS_PER_MONTH)


def curve(found: CurveFigures, *, released: bool, end: int = 24) -> Curve:
    """The curve for drawing, hidden if it may not be drawn; released, it is known on few days."""
    return Curve(
        found.title,
        "Died",
        _steps(found),
        tuple(_at_risk(row) for row in found.risk if month_of(row.day) in DRAWN_MONTHS),
        end,
        hidden=isinstance(found.deaths, Suppressed) or not found.steps,
        dots=released,
    )


def _steps(found: CurveFigures) -> tuple[Step, ...]:
    return tuple(
        Step(step.day / DAYS_PER_MONTH, step.survival, step.lower, step.upper, step.at_risk)
        for step in found.steps
        if step.survival is not None
    )


def _at_risk(row: RiskRow) -> AtRisk:
    counts = (shown.count(row.at_risk), shown.count(row.events), shown.count(row.censored))
    return AtRisk(month_of(row.day), *counts)


def incidence(found: IncidenceFigures, *, released: bool, end: int = 24) -> Curve:
    """The cumulative incidence for drawing, upwards from nought."""
    return Curve(
        found.title,
        "Had one",
        tuple(
            Step(step.day / DAYS_PER_MONTH, *_free(step.incidence, step.lower, step.upper), n)
            for step, n in ((step, step.at_risk) for step in found.steps)
            if step.incidence is not None
        ),
        tuple(
            AtRisk(*_at_risk_counts(row), shown.count(row.deaths))
            for row in found.risk
            if month_of(row.day) in DRAWN_MONTHS
        ),
        end,
        hidden=not found.steps,
        dots=released,
        competing="Died",
    )


def _free(
    share: float, lower: float | None, upper: float | None
) -> tuple[float, float | None, float | None]:
    """The share without the event, with its limits."""
    return 1 - share, None if upper is None else 1 - upper, None if lower is None else 1 - lower


def _at_risk_counts(row: CauseRow) -> tuple[int, int | None, int | None, int | None]:
    counts = (shown.count(row.at_risk), shown.count(row.events), shown.count(row.censored))
    return month_of(row.day), *counts


def table(found: CurveFigures) -> Rows:
    """Alive, and at risk, on each day of the report."""
    cells = {day: _alive(at) for day, at in found.at.items()}
    return _table(found.title, "Alive", cells, found.risk, RISK)


def incidence_table(found: IncidenceFigures) -> Rows:
    """The share with the event, and who is at risk, on each day of the report."""
    cells = {day: _share(at) for day, at in found.at.items()}
    return _table(found.title, "Had one", cells, found.risk, CAUSES)


def _table(
    title: str,
    what: str,
    cells: Mapping[int, str],
    risk: Sequence[RiskRow | CauseRow],
    names: Mapping[str, str],
) -> Rows:
    by_day = {row.day: row for row in risk}
    kept = [name for name in names if any(_is_shown(row, name) for row in risk)]
    return Rows(
        f"{title}: figures",
        ("Time", (f"{what} (95 % interval)", "num"), *((names[name], "num") for name in kept)),
        tuple(
            (
                f"Month {month_of(day)} (day {day})",
                cell,
                *(shown.whole(getattr(by_day[day], name)) for name in kept),
            )
            for day, cell in cells.items()
        ),
    )


def _is_shown(row: RiskRow | CauseRow, name: str) -> bool:
    return not isinstance(getattr(row, name), Suppressed)


def _alive(at: At | Suppressed) -> str:
    if isinstance(at, Suppressed):
        return words.HIDDEN
    return _told(at.survival, at.lower, at.upper, at.reason)


def _share(at: Share | Suppressed) -> str:
    if isinstance(at, Suppressed):
        return words.HIDDEN
    return _told(at.incidence, at.lower, at.upper, at.reason)


def _told(share: float | None, lower: float | None, upper: float | None, reason: str | None) -> str:
    if share is None:
        return reason or ""
    told = words.estimate(share, lower, upper)
    return f"{told} ({reason})" if reason else told


def incidence_facts(found: IncidenceFigures) -> list[tuple[str, str]]:
    """Events and deaths before one, as term and words."""
    return [
        ("Patients with one", shown.whole(found.events)),
        ("Died without one", shown.whole(found.deaths)),
    ]


def facts(found: CurveFigures) -> list[tuple[str, str]]:
    """Deaths, median and mean time, as term and words."""
    return [
        ("Deaths", shown.whole(found.deaths)),
        ("Median survival", _days(found.median)),
        ("Mean time alive", _mean(found)),
    ]


def _days(found: Estimate | Suppressed) -> str:
    if isinstance(found, Suppressed):
        return words.HIDDEN
    if found.estimate is None:
        return found.reason or ""
    told = f"{words.whole(round(found.estimate))} days"
    if found.lower is None or found.upper is None:
        return f"{told} ({found.reason})" if found.reason else told
    return f"{told} ({words.interval(found.lower, found.upper, 0)})"


def _mean(found: CurveFigures) -> str:
    if isinstance(found.rmst, Suppressed):
        return words.HIDDEN
    return f"{_days(found.rmst.mean)}, of the first {words.whole(found.rmst.tau)} days"


def follow_up(survival: SurvivalFigures) -> str:
    """How long people are followed."""
    return follow_up_sentence(survival.follow_up)


def lead(survival: SurvivalFigures, treated: str) -> list[str]:
    """What a reader should know first."""
    deaths, silent = shown.whole(survival.overall.deaths), shown.whole(survival.silent_year)
    never = survival.never_at_risk
    told = [
        f"Of {treated} treated, {deaths} are known to have died within two years.",
        f"{silent} are neither dead nor gone and have not been heard of for a year.",
        "The first curve takes them to be alive, the second follows them to the last contact.",
    ]
    if never != 0:
        told.append(
            f"{shown.whole(never)} consented on or after their last day and are in neither."
        )
    return told
