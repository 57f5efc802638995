"""Ratios, exact tests, rates and tipping points of the comparisons, as tables of words."""

from collections.abc import Sequence

from registry import words
from registry.published import Library
from registry.reports.charts.published import label_of, where
from registry.reports.charts.shown import METHODS, Rows
from registry.reports.tipping import tipping_sentence
from registry.reports.values import SideBySide
from registry.statistics.comparison import Comparison
from registry.statistics.methods import Methods
from registry.statistics.tables import BOSCHLOO_LIMIT
from registry.statistics.tipping import TippingPoint
from registry.statistics.two_rates import RateComparison
from registry.statistics.values import Estimate, NotEstimable

NONE = "–"


def ratios(beside: Sequence[SideBySide], library: Library) -> Rows:
    """A row per published figure: ratios with their intervals, and p by every test."""
    heads = ("Registry against", "Risk ratio", "Odds ratio")
    tests = ("Fisher p", "Mid-p", "Boschloo p", "Pearson p")
    return Rows(
        "Ratios and tests",
        (*heads, *((test, "num") for test in tests)),
        tuple((name_of(each, library), *_cells(each.comparison)) for each in beside),
    )


def rates(beside: Sequence[SideBySide], library: Library) -> Rows:
    """A row per published figure that prints time at risk."""
    found = [(each, each.rates) for each in beside]
    return Rows(
        "Rates",
        ("Registry against", "Rate ratio", "Difference per 100 person-years", ("p", "num")),
        tuple(
            (name_of(each, library), *_rate_cells(rate))
            for each, rate in found
            if isinstance(rate, RateComparison) and rate.ratio.lower is not None
        ),
    )


def tipping(beside: Sequence[SideBySide], library: Library) -> Rows:
    """A row per published figure: how many of the silent would change what is said of it."""
    found = [(each, each.comparison and each.comparison.tipping) for each in beside]
    return Rows(
        "How many of the silent would change it",
        ("Registry against", "What it says, and what would change it"),
        tuple(
            (name_of(each, library), tipping_sentence(tip))
            for each, tip in found
            if isinstance(tip, TippingPoint)
        ),
    )


def note(methods: Methods) -> str:
    """How the ratios and tests were made."""
    return (
        f"Risk ratio: {METHODS[methods.risk_ratio]}; odds ratio: {METHODS[methods.odds_ratio]}; "
        f"95 % intervals. All p are two-sided and none is corrected for their number. Boschloo: "
        f"twice the smaller one-sided p, up to {words.whole(BOSCHLOO_LIMIT)} patients; beyond, "
        f"Pearson stands in its place. No continuity correction, nothing added to empty cells."
    )


def name_of(each: SideBySide, library: Library) -> str:
    """Outcome, month and paper, with its arm if it has several."""
    return f"{where(each)}: {label_of(each, library.study(each.study))}"


def _cells(found: Comparison | None) -> tuple[str, ...]:
    if found is None:
        return (words.HIDDEN,) * 6
    tests = found.tests
    ps = (tests.fisher, tests.fisher_mid_p, tests.boschloo, tests.pearson)
    return (ratio(found.risk_ratio), ratio(found.odds_ratio), *map(_p, ps))


def _rate_cells(rates: RateComparison) -> tuple[str, ...]:
    return ratio(rates.ratio), ratio(rates.difference), _p(rates.p)


def ratio(found: Estimate) -> str:
    """ "1.35 (0.83 to 2.21)"; unbounded is infinity, and the reason stands where there is none."""
    if found.lower is None or found.upper is None:
        return found.reason or NONE
    limits = f"({_number(found.lower)} to {_number(found.upper)})"
    if found.estimate is None:
        return f"{found.reason} {limits}"
    return f"{_number(found.estimate)} {limits}"


def _number(value: float) -> str:
    return "infinity" if value == float("inf") else words.number(value, 2)


def _p(p: float | NotEstimable) -> str:
    return NONE if isinstance(p, NotEstimable) else words.p_value(p)
