"""The registry matched to each study's patients, in words: results, balance, weights, what if."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from registry import words
from registry.published import Library
from registry.reports.charts.matched_row import effective
from registry.reports.charts.ratios import NONE, name_of, ratio
from registry.reports.charts.shown import Rows
from registry.reports.values import MatchedSide, SideBySide
from registry.statistics.maic import BINS, Matched, Matching
from registry.statistics.maic_contrasts import Contrasts
from registry.statistics.maic_sensitivity import Variant
from registry.statistics.policy import Suppressed
from registry.statistics.values import Estimate

HIDDEN = (
    "Not shown in releases: weights and effective sample sizes are made of patterns of patients "
    "that are small."
)
MEANS = (
    "Our patients, weighted so that they have the baseline figures that the study printed: what "
    "our treatment would have given among the study's patients, beside what was found there. It "
    "is adjusted for the measured characteristics that are named and for nothing else, and takes "
    "the outcome to follow from them. Characteristics that differ and were not matched go on to "
    "make a difference, and nobody knows how large a one. It does not enter the verdict."
)
Beside = Sequence[SideBySide]


def is_hidden(beside: Beside) -> bool:
    """Whether a release keeps all of it back."""
    return any(isinstance(each.matched, Suppressed) for each in beside)


def results(beside: Beside, library: Library) -> Rows:
    """A row per published figure: the matched share and its contrasts."""
    heads = ("Registry against", "Matched share", "Minus published", "Ratio", "Odds ratio")
    more = ("Effective size", "Matters, and is not matched")
    return Rows(
        "Matched to the study's patients",
        (*heads, *more),
        tuple(
            (name_of(each, library), *_cells(side.found, side.contrasts), _absent(side))
            for each, side in _sides(beside)
            if isinstance(side.found, Matched) and side.contrasts is not None
        ),
    )


def refusals(beside: Beside, library: Library) -> Rows:
    """A row per published figure that could not be matched, and why."""
    return Rows(
        "Not matched, because …",
        ("Registry against", "Why"),
        tuple(
            (name_of(each, library), side.found.refused)
            for each, side in _sides(beside)
            if not isinstance(side.found, Matched)
        ),
    )


def _absent(side: MatchedSide) -> str:
    return "; ".join(side.absent) or NONE


def _cells(found: Matched, made: Contrasts) -> tuple[str, ...]:
    size = [f"{effective(found)}, {found.method}", found.warning, _left_out(found), found.reason]
    return (
        words.estimate(found.estimate, found.lower, found.upper),
        _points(made.risk_difference),
        ratio(made.risk_ratio),
        ratio(made.odds_ratio),
        "; ".join(text for text in size if text),
    )


def _points(found: Estimate) -> str:
    if found.estimate is None:
        return found.reason or NONE
    return words.difference(found.estimate, found.lower, found.upper)


def _left_out(found: Matched) -> str:
    if not found.left_out:
        return ""
    return f"{words.plural(found.left_out, 'patient')} not known by all of it left out"


def balance(beside: Beside, library: Library) -> Rows:
    """A row per matched figure: in our patients before and after, and in the study."""
    heads = ("Registry against", "At baseline", "Ours", "Ours weighted", "Published")
    return Rows(
        "What was matched, before and after",
        (*heads[:2], *((head, "num") for head in heads[2:]), "Said of it"),
        tuple(
            (name_of(each, library), row.name, *_averages(row), _said(row, side))
            for each, side in _sides(beside)
            if isinstance(side.found, Matched)
            for row in side.found.balance
        ),
    )


def _averages(row: Matching) -> tuple[str, ...]:
    return tuple(words.number(value, 2) for value in (row.before, row.after, row.wanted))


def _said(row: Matching, side: MatchedSide) -> str:
    return "; ".join(note.text for note in side.notes if note.subject == row.subject)


def weights(beside: Beside, library: Library) -> Rows:
    """A row per published figure: how the weights lie, 1 being the average."""
    bins = [f"{low:g} to {high:g}" for low, high in pairwise(BINS)]
    columns = [*bins, f"{BINS[-1]:g} or more"]
    heads = ("Registry against", *columns, "Largest", "Carry half of all weight")
    return Rows(
        "Patients by their weight, 1 being the average",
        (heads[0], *((head, "num") for head in heads[1:])),
        tuple(
            (
                name_of(each, library),
                *map(words.whole, side.found.histogram),
                words.number(side.found.weights_max, 2),
                words.whole(side.found.half),
            )
            for each, side in _sides(beside)
            if isinstance(side.found, Matched)
        ),
    )


def without(beside: Beside, library: Library) -> Rows:
    """Unweighted, and the same matching with something left out, for each published figure."""
    return Rows(
        "The same with something left out",
        ("Registry against", "What", "Share", "Effective size"),
        tuple(
            (name_of(each, library), *cells)
            for each, side in _sides(beside)
            if isinstance(side.found, Matched)
            for cells in _variants(side.found, side.variants)
        ),
    )


def _variants(found: Matched, variants: Sequence[Variant]) -> Iterator[tuple[str, str, str]]:
    yield "not weighted", words.percent(found.unweighted), words.whole(found.n)
    for each in variants:
        other = each.found
        if isinstance(other, Matched):
            share = words.estimate(other.estimate, other.lower, other.upper)
            yield each.without, share, effective(other)
        else:
            yield each.without, other.refused, NONE


def _sides(beside: Beside) -> Iterator[tuple[SideBySide, MatchedSide]]:
    for each in beside:
        if not isinstance(each.matched, Suppressed):
            yield each, each.matched
