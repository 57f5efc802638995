"""Survival as it may leave the registry: few steps, each made of counts that may be shown.

Daily steps would give away single deaths. Deaths are put together until there are more than the
policy hides, and the curve steps on the last day of the report's that they reach; before that day,
and after the last such step, nothing is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from registry.queries.sufficient_incidence import CauseCounts
from registry.queries.sufficient_survival import DayCounts, SurvivalCounts
from registry.reports.released_incidence import Elsewhere, Known, released_incidence
from registry.reports.sentences import DEFINITIONS
from registry.reports.survival import TITLES, at, curve_of
from registry.reports.values import CurveFigures, RiskRow, SurvivalFigures
from registry.statistics.disclosure import release_counts, show_count
from registry.statistics.policy import SUPPRESSED, Policy, Shown, Sum
from registry.statistics.survival import REPORTED_DAYS, Curve, kaplan_meier
from registry.statistics.values import Estimate

Key: TypeAlias = tuple[str, int]


@dataclass(frozen=True)
class Stretch:
    """Some days up to `end`: at risk on them, died on them, still there at the end of the last."""

    end: int
    at_risk: int
    deaths: int
    remaining: int


def released_survival(
    counts: SurvivalCounts,
    first_serious: Sequence[CauseCounts],
    patients: Mapping[str, Known],
    policy: Policy,
) -> SurvivalFigures:
    """All curves for others' eyes; `patients`: treated, with any and with a serious event."""
    overall = _released("overall", counts.overall, policy)
    elsewhere = _elsewhere(counts.overall, overall, patients)
    people = sum(row.deaths + row.censored for row in counts.overall)
    median = curve_of(counts.overall, reverse=True).median()
    return SurvivalFigures(
        overall=overall,
        last_contact=_released("overall_last_contact", counts.last_contact, policy),
        first_serious=released_incidence(first_serious, elsewhere, policy),
        silent_year=show_count(counts.silent_year, policy),
        never_at_risk=show_count(counts.never_at_risk, policy),
        follow_up=SUPPRESSED if people < policy.group else _without_limits(median),
    )


def _elsewhere(
    rows: Sequence[DayCounts], shown: CurveFigures, patients: Mapping[str, Known]
) -> Elsewhere:
    """What is shown of patients with events, and of deaths: all, and those of each stretch."""
    steps = [step for step in shown.steps if step.day > 0]
    starts = [-1, *(step.day for step in steps)]
    died = [
        sum(row.deaths for row in rows if start < row.day <= step.day)
        for start, step in zip(starts, steps, strict=False)
    ]
    return Elsewhere(
        patients["treated"],
        patients["any"],
        patients["serious"],
        Known(sum(row.deaths for row in rows), shown.deaths),
        {step.day: Known(n, step.events) for step, n in zip(steps, died, strict=True)},
    )


def _without_limits(median: Estimate) -> Estimate:
    return Estimate(median.estimate, None, None, median.method, median.level, median.reason)


def stretches(rows: Sequence[DayCounts], policy: Policy) -> list[Stretch]:
    """The curve's days put together, each stretch with no death or more than a few.

    Who leaves alive on the last day of a stretch is still there at its end, who dies on it is not.
    """
    everyone = sum(row.deaths + row.censored for row in rows)
    late = sum(row.entries for row in rows)
    found: list[Stretch] = []
    present, died, entered = everyone - late, 0, 0
    for end in REPORTED_DAYS:
        dead = sum(row.deaths for row in rows if row.day <= end)
        if policy.is_small(dead - died):
            continue
        came = sum(row.entries for row in rows if row.day < end)
        left = sum(row.censored for row in rows if row.day < end)
        remaining = everyone - (late - came) - dead - left
        found.append(Stretch(end, present + came - entered, dead - died, remaining))
        present, died, entered = remaining, dead, came
    return found


def _released(name: str, rows: Sequence[DayCounts], policy: Policy) -> CurveFigures:
    deaths = sum(row.deaths for row in rows)
    shown, steps = _longest(stretches(rows, policy), deaths, policy)
    curve = _curve(steps) if steps else None
    at_risk: dict[int, Shown] = {step.end: SUPPRESSED for step in steps}
    for day, step in zip((0, *at_risk), steps, strict=False):
        at_risk[day] = step.at_risk
    return CurveFigures(
        title=TITLES[name],
        definition=DEFINITIONS[name],
        deaths=shown,
        at={
            day: replace(at(curve, day), at_risk=at_risk[day])
            if curve is not None and day in at_risk
            else SUPPRESSED
            for day in REPORTED_DAYS
        },
        median=curve.median() if curve and REPORTED_DAYS[-1] in at_risk else SUPPRESSED,
        rmst=SUPPRESSED,
        steps=tuple(curve.steps()) if curve else (),
        risk=tuple(
            RiskRow(day, at_risk.get(day, SUPPRESSED), SUPPRESSED, SUPPRESSED)
            for day in (0, *REPORTED_DAYS)
        ),
    )


def _longest(kept: Sequence[Stretch], deaths: int, policy: Policy) -> tuple[Shown, list[Stretch]]:
    """The deaths, and as many stretches as can be shown together, in counts as shown."""
    for length in range(len(kept), -1, -1):
        some = kept[:length]
        shown = _shown(some, deaths, policy)
        steps = [_step(each, k, shown) for k, each in enumerate(some)]
        found = [step for step in steps if step is not None and step.at_risk >= policy.group]
        if len(found) == length and (found or not length):
            return shown["deaths", 0], found
    return SUPPRESSED, []


def _step(each: Stretch, k: int, shown: Mapping[Key, Shown]) -> Stretch | None:
    at_risk, died = shown["at risk", k], shown["died", k]
    if not isinstance(at_risk, int) or not isinstance(died, int) or died > at_risk:
        return None
    return Stretch(each.end, at_risk, died, at_risk - died)


def _shown(kept: Sequence[Stretch], deaths: int, policy: Policy) -> dict[Key, Shown]:
    """At risk and died on each stretch. Protected besides: who left between two, or came."""
    table: dict[Key, int] = {("deaths", 0): deaths}
    sums: list[Sum[Key]] = []
    latent: set[Key] = set()
    for k, each in enumerate(kept):
        there = each.at_risk - each.deaths
        table |= {("at risk", k): each.at_risk, ("died", k): each.deaths, ("lived", k): there}
        latent.add(("lived", k))
        sums.append(Sum(("at risk", k), (("died", k), ("lived", k)), margin=False))
        if k:
            came = each.at_risk - kept[k - 1].remaining
            left = table["lived", k - 1] - kept[k - 1].remaining
            table |= {("came", k): came, ("left", k): left, ("stayed", k): each.at_risk - came}
            latent |= {("came", k), ("left", k), ("stayed", k)}
            stayed: Key = ("stayed", k)
            sums.append(Sum(("lived", k - 1), (("left", k), stayed), group=False, margin=False))
            parts = (stayed, ("came", k)) if came else (stayed,)
            sums.append(Sum(("at risk", k), parts, group=False, margin=False))
    table["died later", 0] = deaths - sum(each.deaths for each in kept)
    latent.add(("died later", 0))
    died: tuple[Key, ...] = (*(("died", k) for k in range(len(kept))), ("died later", 0))
    sums.append(Sum(("deaths", 0), died, group=False, margin=False))
    return release_counts(table, sums, policy, latent)


def _curve(steps: Sequence[Stretch]) -> Curve:
    """Kaplan-Meier with all deaths of a stretch on its last day, among all at risk on it."""
    following = [step.at_risk for step in steps[1:]] + [0]
    left = [step.at_risk - step.deaths - n for step, n in zip(steps, following, strict=True)]
    return kaplan_meier(
        [step.end for step in steps],
        [step.deaths for step in steps],
        [max(0, count) for count in left],
        [max(0, -count) for count in left],
    )
