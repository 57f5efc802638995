"""Adverse events: four figures of each source, and a row per term, also for those nobody had."""

from collections.abc import Sequence

from registry import words
from registry.reports.charts import shown
from registry.reports.charts.shown import Rows, Stat
from registry.reports.either import EitherFigures
from registry.reports.figures import Counted, Limits, Term
from registry.reports.values import Figure, LabelFigures, SafetyFigures
from registry.statistics.policy import Suppressed
from registry.statistics.values import Rate


def stats(safety: SafetyFigures) -> list[Stat]:
    """Any, serious, grade 3 or higher, related: patients, share, rate."""
    return [_stat(found) for found in safety.kinds.values()]


def either(found: Sequence[EitherFigures]) -> list[Stat]:
    """Known of from either source, and the bound that the never asked leave open."""
    return [_either(each) for each in found]


def _either(found: EitherFigures) -> Stat:
    if isinstance(found.known, Suppressed):
        return Stat(found.label, hidden=True)
    under = shown.full(found.known).partition(" ")[2]
    return Stat(found.label, words.whole(found.known.x), under, f"at most {_highest(found)}")


def _highest(found: EitherFigures) -> str:
    """The upper bound in words; its interval counts the never asked as having had the event."""
    return shown.full(found.highest)


def _stat(found: LabelFigures) -> Stat:
    share = found.incidence
    if isinstance(share, Suppressed):
        return Stat(found.label, hidden=True)
    return Stat(
        found.label,
        words.whole(share.x),
        _under(share, found),
        f"{shown.rate(found.eair)} first events per 100 person-years" if share.n else "",
    )


def _under(share: Figure, found: LabelFigures) -> str:
    """ "of 312 (19.6 %, 15.5–24.3)": what stands under the count."""
    told = shown.full(share, found.zero_event_upper)
    return told.partition(" ")[2]


def terms(safety: SafetyFigures) -> list[Term]:
    """One row per term for the dot plot."""
    return [_term(label, found) for label, found in safety.by_term.items()]


def _term(label: str, found: LabelFigures) -> Term:
    upper = found.zero_event_upper
    return Term(
        label[:1].upper() + label[1:],
        _counted(found),
        _rate(found.eair),
        upper if isinstance(upper, float) else None,
        reason=shown.reason(found.eair),
    )


def _counted(found: LabelFigures) -> Counted:
    return shown.counted(found.incidence)


def _rate(found: Rate | Suppressed) -> Limits | None:
    return shown.limits(found)


def table(safety: SafetyFigures, caption: str) -> Rows:
    """Every figure of every label."""
    heads: tuple[str | tuple[str, str], ...] = (
        "Event",
        ("Patients", "num"),
        ("Share", "num"),
        ("Events", "num"),
        ("Person-years", "num"),
        ("All events per 100", "num"),
        ("Years to first", "num"),
        ("First events per 100", "num"),
    )
    labels = [*safety.kinds.values(), *_sorted(safety)]
    return Rows(caption, heads, tuple(_cells(found) for found in labels))


def _sorted(safety: SafetyFigures) -> list[LabelFigures]:
    return sorted(safety.by_term.values(), key=lambda f: (-(shown.count(f.patients) or 0), f.label))


def _cells(found: LabelFigures) -> tuple[str, ...]:
    return (
        found.label[:1].upper() + found.label[1:],
        shown.of(found.incidence),
        _share(found),
        shown.whole(found.events),
        shown.years(found.person_years),
        shown.rate(found.event_rate),
        shown.years(found.person_years_to_first),
        shown.rate(found.eair),
    )


def _share(found: LabelFigures) -> str:
    upper = found.zero_event_upper
    if isinstance(upper, float) and not isinstance(found.incidence, Suppressed):
        return f"0 (up to {words.percent(upper)})"
    return shown.share(found.incidence)


def reconciled(safety: SafetyFigures) -> list[Stat]:
    """What patients told, and what the clinic made of it."""
    rows = (
        ("Told by patients", safety.reported, "health problems in questionnaires"),
        ("Confirmed", safety.confirmed, "entered by the clinic, or found to be known"),
        ("Not yet looked at", safety.unreconciled, "counted as told, until the clinic decides"),
        ("Never asked", safety.never_asked, "treated patients without an answered questionnaire"),
    )
    return [
        Stat(label, hidden=True)
        if isinstance(amount, Suppressed)
        else Stat(label, words.whole(amount), under)
        for label, amount, under in rows
    ]


def excluded(safety: SafetyFigures) -> str:
    """Events that are in no figure."""
    before, after = shown.whole(safety.before_treatment), shown.whole(safety.after_follow_up)
    return f"Not counted: before treatment {before}, after the end of follow-up {after}."
