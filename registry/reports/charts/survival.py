"""Survival curves with people at risk, and the days of the report as a table."""

from registry import words
from registry.reports.charts import shown
from registry.reports.charts.shown import Rows
from registry.reports.figures import AtRisk, Curve, Step
from registry.reports.sentences import follow_up_sentence
from registry.reports.values import At, CurveFigures, RiskRow, SurvivalFigures
from registry.statistics.policy import Suppressed
from registry.statistics.rates import DAYS_PER_YEAR
from registry.statistics.values import Estimate

DAYS_PER_MONTH = DAYS_PER_YEAR / 12
RISK = {"at_risk": "At risk", "events": "Died before", "censored": "Left before"}
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


def table(found: CurveFigures) -> Rows:
    """Alive, and at risk, on each day of the report."""
    risk = {row.day: row for row in found.risk}
    kept = [name for name in RISK if any(_is_shown(row, name) for row in risk.values())]
    heads = tuple((RISK[name], "num") for name in kept)
    return Rows(
        f"{found.title}: figures",
        ("Time", ("Alive (95 % interval)", "num"), *heads),
        tuple(_cells(day, at, risk[day], kept) for day, at in found.at.items()),
    )


def _is_shown(row: RiskRow, name: str) -> bool:
    return not isinstance(getattr(row, name), Suppressed)


def _cells(day: int, at: At | Suppressed, row: RiskRow, kept: list[str]) -> tuple[str, ...]:
    counts = (shown.whole(getattr(row, name)) for name in kept)
    return (f"Month {month_of(day)} (day {day})", _alive(at), *counts)


def _alive(at: At | Suppressed) -> str:
    if isinstance(at, Suppressed):
        return words.HIDDEN
    if at.survival is None:
        return at.reason or ""
    told = words.estimate(at.survival, at.lower, at.upper)
    return f"{told} ({at.reason})" if at.reason else told


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
