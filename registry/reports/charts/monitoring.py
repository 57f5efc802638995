"""The monthly looks at serious events: a sentence, a picture, a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry import words
from registry.models import SafetyLook
from registry.protocols.monitoring import Monitoring
from registry.reports.charts.shown import Rows
from registry.reports.figures.monitoring import Look
from registry.statistics.rates import person_years

HEADS = (
    "Look",
    ("First serious events", "num"),
    ("Person-years", "num"),
    ("Expected", "num"),
    ("Crosses at", "num"),
    ("Crossed", "num"),
)


@dataclass(frozen=True)
class Monitored:
    """What the page shows: the rule and the standing in words, marks, rows, the first crossing."""

    rule: str
    basis: str
    standing: str
    looks: tuple[Look, ...]
    table: Rows
    alert: SafetyLook | None


@dataclass(frozen=True)
class Earlier:
    """Of looks under other numbers: when those of now began anew, in words, and the crossings."""

    anew: str
    crossings: tuple[SafetyLook, ...]


def earlier(now: Sequence[SafetyLook], before: Sequence[SafetyLook]) -> Earlier:
    """Looks under the plan in force, and all others, each in order of time."""
    crossings = tuple(look for look in before if look.is_first_crossing)
    if not now or not before or now[0].id < before[0].id:
        return Earlier("", crossings)
    day = words.date(now[0].recorded_at.date())
    anew = f"The looks began anew on {day}, when the protocol had other numbers: "
    return Earlier(f"{anew}the error rate is that of the looks since then.", crossings)


def monitored(monitoring: Monitoring, looks: Sequence[SafetyLook]) -> Monitored:
    """The looks under a plan, in order of time."""
    marks = tuple(_look(monitoring, look) for look in looks)
    alert = next((look for look in looks if look.is_first_crossing), None)
    rows = tuple(_row(mark, look) for mark, look in zip(marks, looks, strict=True))
    return Monitored(
        rule=_rule(monitoring),
        basis=monitoring.basis,
        standing=_standing(marks, alert),
        looks=marks,
        table=Rows("Monthly looks at first serious events", HEADS, rows),
        alert=alert,
    )


def _rule(monitoring: Monitoring) -> str:
    """What was fixed before any look."""
    study, alpha = monitoring.published, words.percent(float(monitoring.alpha))
    if study is None:
        rate = words.number(float(monitoring.tolerated_per_100_years or 0), 2)
        held = f"a tolerated {rate} per 100 person-years, a constant by decision"
    else:
        years = words.number(float(study.years))
        held = f"the published {study.events} in {years} person-years ({study.source})"
    how = "exact Poisson" if study is None else "exact, carrying the published events"
    return (
        f"First serious events by the clinic against {held}: one-sided, {how}, at the end of each "
        f"month. Over all looks together the chance of a false alarm is at most {alpha}, spent "
        f"{_spending(monitoring)}, all of it by {monitoring.most_expected} expected events."
    )


def _spending(monitoring: Monitoring) -> str:
    if monitoring.exponent == 1:
        return "in proportion to the expected events"
    return f"as the expected events to the power of {monitoring.exponent}"


def _standing(marks: Sequence[Look], alert: SafetyLook | None) -> str:
    """Whether the boundary was crossed, and today's distance."""
    if not marks:
        return "No look was taken yet: the first comes at the end of a month."
    last = marks[-1]
    by = f"By {words.date(last.on)}"
    seen = f"{words.whole(last.events)} with {words.number(last.expected)} expected"
    if alert is not None:
        when = words.date(alert.on)
        enough = f"{alert.events} events where {alert.boundary} are enough"
        return f"Crossed on {when}: {enough}. {by}: {seen}."
    if last.boundary is None:
        return f"Not crossed. {by}: {seen}; nothing could cross yet."
    left = words.plural(last.boundary - last.events, "event")
    return f"Not crossed. {by}: {seen}; {left} more would have crossed."


def _look(monitoring: Monitoring, look: SafetyLook) -> Look:
    return Look(look.on, look.events, monitoring.plan.expected(look.days), look.boundary)


def _row(mark: Look, look: SafetyLook) -> tuple[str, ...]:
    is_crossed = mark.boundary is not None and mark.events >= mark.boundary
    return (
        words.date(mark.on),
        words.whole(mark.events),
        words.number(person_years(look.days)),
        words.number(mark.expected, 2),
        "none yet" if mark.boundary is None else words.whole(mark.boundary),
        "yes" if is_crossed else "no",
    )
