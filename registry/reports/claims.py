"""Advertised statements tested on a report: verdict, what it rests on, what stands beside it.

Under a release nothing but released figures is looked at, and a hidden figure hides the verdict.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy.orm import Session

from registry.claims import Claim, Kind
from registry.protocols import Outcome
from registry.published import Apart, Why
from registry.queries.claims import ever
from registry.queries.sufficient import Cut
from registry.queries.sufficient_outcomes import TIMED, horizon
from registry.reports.report import Report
from registry.reports.values import Figure, Number, OutcomeFigures, SideBySide
from registry.statistics.claims import Verdict, none_verdict, share_verdict, why_undecided
from registry.statistics.policy import SUPPRESSED, Shown, Suppressed
from registry.statistics.proportions import wilson, zero_event_upper
from registry.statistics.values import NotEstimable, Proportion

HIDDEN = "the counts are too small to be released"
FOREVER = "no number of patients without shows that nobody will"
HAPPENED = NotEstimable("somebody had it")


@dataclass(frozen=True)
class Bounds:
    """The share if none, and if all, of those had it of whom it is not known."""

    lowest: Figure
    highest: Figure
    unknown: Shown


class Of(StrEnum):
    """Of whom a share is."""

    TREATED = "all patients treated"
    DUE = "the patients due"
    ANSWERED = "those who answered at that month or later"
    KNOWN = "the patients due whose outcome is known"


@dataclass(frozen=True)
class Nobody:
    """How many had it, and of whom; the upper limit (one-sided) if nobody had."""

    share: Figure
    upper: Number
    of: Of


@dataclass(frozen=True)
class Checked:
    """A statement with its verdict; None: it may not be told. `why` says why nothing is decided.

    `outcome` None: the protocol has none for it. Published figures stand beside and decide nothing.
    """

    claim: Claim
    outcome: Outcome | None
    verdict: Verdict | None
    why: str
    found: Bounds | Nobody | None
    beside: tuple[SideBySide, ...]
    apart: tuple[Apart, ...]


def checked(session: Session, report: Report, claims: Iterable[Claim]) -> list[Checked]:
    """Every statement tested on the report's cut, under its profile."""
    return [_checked(session, report, claim) for claim in claims]


def _checked(session: Session, report: Report, claim: Claim) -> Checked:
    outcome = report.protocol.by_outcome.get(claim.outcome or "")
    beside, apart = _published(report, outcome, claim.month)
    none_yet = Checked(claim, outcome, Verdict.NOT_TESTABLE, "", None, beside, apart)
    if outcome is None:
        return replace(none_yet, why="no outcome of the protocol is what the words speak of")
    if claim.month is None:
        return replace(none_yet, why="the words name no time at which it should hold")
    if claim.month not in outcome.months or claim.month not in report.waves:
        months = ", ".join(map(str, outcome.months))
        told = f"nobody is asked at month {claim.month}; the registry has months {months}"
        return replace(none_yet, why=told)
    figures = report.waves[claim.month].outcomes[outcome.code]
    if claim.kind is Kind.NONE:
        return _of_none(none_yet, _nobody(session, report, outcome, claim.month, figures))
    return _of_share(none_yet, _bounds(outcome, claim.kind, figures))


def _published(
    report: Report, outcome: Outcome | None, month: int | None
) -> tuple[tuple[SideBySide, ...], tuple[Apart, ...]]:
    """What papers print of the outcome, at the month and at others; all months without one."""
    if outcome is None:
        return (), ()
    beside = (each for each in report.comparisons if each.outcome.code == outcome.code)
    apart = (
        each
        for each in report.apart
        if each.outcome and each.outcome.code == outcome.code and each.why is Why.OTHER_TIME
    )
    return tuple(e for e in beside if month in (None, e.pair.months)), tuple(apart)


def _of_share(claim: Checked, found: Bounds) -> Checked:
    if not isinstance(found.lowest, Proportion) or not isinstance(found.highest, Proportion):
        return replace(claim, verdict=None, why=HIDDEN, found=found)
    kind, threshold = claim.claim.kind, float(claim.claim.threshold or 0)
    verdict = share_verdict(kind, threshold, found.lowest, found.highest)
    undecided = verdict is Verdict.NOT_DETERMINED
    why = why_undecided(kind, threshold, found.lowest, found.highest) if undecided else ""
    return replace(claim, verdict=verdict, why=why, found=found)


def _bounds(outcome: Outcome, kind: Kind, figures: OutcomeFigures) -> Bounds:
    """By the report's rules for the silent. The dead count as not having the outcome; where having
    it is what a claim denies, the highest share counts them as having it, lest they support it.
    """
    lowest, highest = figures.by_rule["worst_case"], figures.by_rule["best_case"]
    alive = figures.by_rule["while_alive"]
    if (
        isinstance(lowest, Suppressed)
        or isinstance(highest, Suppressed)
        or isinstance(alive, Suppressed)
    ):
        return Bounds(SUPPRESSED, SUPPRESSED, SUPPRESSED)
    dead = lowest.n - alive.n
    if dead and kind is Kind.AT_MOST and outcome.kind not in TIMED:
        highest = wilson(min(highest.n, highest.x + dead), highest.n, highest.level)
    return Bounds(lowest, highest, highest.x - lowest.x)


def _of_none(claim: Checked, found: Nobody) -> Checked:
    if isinstance(found.share, Suppressed):
        return replace(claim, verdict=None, why=HIDDEN, found=found)
    verdict = none_verdict(found.share.x)
    why = FOREVER if verdict is Verdict.NOT_DETERMINED else ""
    return replace(claim, verdict=verdict, why=why, found=found)


def _nobody(
    session: Session, report: Report, outcome: Outcome, month: int, figures: OutcomeFigures
) -> Nobody:
    """Events and deaths are of all treated, so that the first one counts on its day; a release,
    and every other outcome, is of those who are due.
    """
    if outcome.kind in TIMED and report.profile == "internal":
        return _ever(session, report, outcome, month)
    due, known = figures.by_rule["worst_case"], figures.by_rule["observed_only"]
    if isinstance(due, Suppressed) or isinstance(known, Suppressed):
        return Nobody(SUPPRESSED, SUPPRESSED, Of.DUE)
    if due.x:
        return Nobody(due, HAPPENED, Of.DUE)
    return Nobody(known, zero_event_upper(known.n), Of.KNOWN)


def _ever(session: Session, report: Report, outcome: Outcome, month: int) -> Nobody:
    """Nobody had it: of those who were there to tell of it, which the silent and those who are not
    so far yet were not.
    """
    code, last_day = report.protocol.code, report.protocol.safety_days
    cut = Cut(code, report.as_of, report.known_at, report.site, last_day)
    opens = report.protocol.by_month[month].opens_day
    found = ever(session, cut, outcome, horizon(month), opens)
    if found.had:
        return Nobody(wilson(found.had, found.treated), HAPPENED, Of.TREATED)
    return Nobody(wilson(0, found.answered), zero_event_upper(found.answered), Of.ANSWERED)
