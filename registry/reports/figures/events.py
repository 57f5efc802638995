"""Adverse events: first events per 100 person-years of every term, most frequent first."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from registry import words
from registry.reports.figures import marks, sheet, svg
from registry.reports.figures.marks import ROW, Counted, Limits, Mark
from registry.reports.figures.scale import Scale, axis, axis_marks, grid, up_to
from registry.reports.figures.sheet import LEFT, RIGHT, Caption

FARTHEST = 2
"""No axis runs farther than this many times the highest rate, lest one wide interval rule it."""


@dataclass(frozen=True)
class Term:
    """One term: patients with it, and first events per 100 person-years with exact limits.

    Nobody with it: `zero_upper` is the one-sided 95 % limit of the share and the rate's `upper`
    that of the rate. With a `reason` no rate is drawn and the reason is printed.
    """

    label: str
    counted: Counted
    rate: Limits | None
    zero_upper: float | None = None
    reason: str = ""

    @property
    def is_zero(self) -> bool:
        """Whether nobody had it."""
        return self.counted.x == 0


def by_frequency(terms: Sequence[Term]) -> list[Term]:
    """Most patients first, those with none last, the hidden after them, each by name."""
    return sorted(terms, key=lambda t: (t.counted.hidden, -(t.counted.x or 0), t.label))


def term_scale(terms: Sequence[Term]) -> Scale:
    """One axis for all terms of a panel, as long as the widest interval asks, within reason."""
    shown = [t.rate for t in terms if t.rate is not None and not t.counted.hidden]
    uppers = [r.upper for r in shown if r.upper is not None and marks.finite(r.upper)]
    highest = max((r.value for r in shown), default=0)
    widest = max([highest, *uppers], default=0)
    return up_to(min(widest, FARTHEST * highest) if highest else widest)


def term_axis(terms: Sequence[Term]) -> Markup:
    """The axis over the column of rates."""
    return axis(term_scale(terms))


def term_cell(term: Term, terms: Sequence[Term]) -> Markup:
    """The plot of one term on the scale of all, for a table cell."""
    return svg.inline(ROW, _marks(term, term_scale(terms)))


def patients_words(term: Term) -> str:
    """ "61 of 312", or that it is hidden."""
    if term.counted.hidden:
        return words.HIDDEN
    return f"{words.whole(term.counted.x)} of {words.whole(term.counted.n)}"


def share_of_term(term: Term) -> str:
    """The share with its interval; for nobody "0 (up to 1.0 %)"."""
    limits = term.counted.limits
    if term.counted.hidden:
        return words.HIDDEN
    if term.is_zero and term.zero_upper is not None:
        return f"0 (up to {words.percent(term.zero_upper)})"
    return words.estimate(limits.value, limits.lower, limits.upper) if limits else ""


def rate_of_term(term: Term) -> str:
    """The rate with its interval, the reason for none, or that it is hidden."""
    if term.counted.hidden:
        return words.HIDDEN
    if term.rate is None:
        return term.reason
    return words.rate(term.rate.value, term.rate.lower, term.rate.upper)


def events_download(terms: Sequence[Term], caption: Caption) -> Markup:
    """The plot of all terms as a file of its own."""
    scale = term_scale(terms)
    drawn = [
        svg.text("Event", LEFT, 34, "strong"),
        svg.text("Patients", 320, 34, "strong end"),
        svg.text("Share (95 % interval)", 480, 34, "strong end"),
        svg.text("First events per 100 person-years", 510, 18, "strong"),
        sheet.plot(510, 24, 240, 22, axis_marks(scale)),
        svg.text("Rate (95 % interval)", RIGHT, 34, "strong end"),
        svg.line(LEFT, 46, RIGHT, 46, "axis"),
    ]
    y = 46
    for term in by_frequency(terms):
        drawn += [
            svg.text(term.label, LEFT, y + 18, "row"),
            svg.text(patients_words(term), 320, y + 18, "row end"),
            svg.text(share_of_term(term), 480, y + 18, "row end"),
            sheet.plot(510, y, 240, ROW, grid(scale, 0, ROW, 0.0), _marks(term, scale)),
            svg.text(rate_of_term(term), RIGHT, y + 18, "row end"),
            svg.line(LEFT, y + ROW, RIGHT, y + ROW, "grid"),
        ]
        y += ROW
    return sheet.sheet(caption, (), svg.join(*drawn), y + 4)


def _marks(term: Term, scale: Scale) -> Markup:
    if term.counted.hidden:
        return marks.hidden_word()
    if term.rate is None:
        return Markup("")
    if term.is_zero and term.rate.upper is not None:
        return marks.from_nought(scale, term.rate.upper)
    return marks.interval(scale, term.rate, Mark.REGISTRY)
