"""Registry against published: shares and differences, each row its own small plot."""

from dataclasses import dataclass

from markupsafe import Markup

from registry import words
from registry.reports.figures import marks, svg
from registry.reports.figures.marks import Counted, Limits, Mark
from registry.reports.figures.scale import DIFFERENCES, SHARES, Scale, axis

Bounds = tuple[float, float]


@dataclass(frozen=True)
class ShareRow:
    """One source's share: who, x of n with its interval, and what silence could make of it.

    `about` is a flag in small print; with a `reason` nothing is drawn and the reason is printed.
    """

    label: str
    mark: Mark
    counted: Counted
    silent: Bounds | None = None
    about: str = ""
    reason: str = ""

    @property
    def unmade(self) -> bool:
        """Whether there is no figure but a reason."""
        return bool(self.reason) and self.counted.limits is None

    @property
    def hidden(self) -> bool:
        """Whether the figure may not be shown."""
        return self.counted.hidden and not self.unmade


@dataclass(frozen=True)
class DifferenceRow:
    """Registry minus published as a fraction, with both sides' counts and intervals."""

    label: str
    registry: Counted
    published: Counted
    difference: Limits | None
    mark: Mark = Mark.REGISTRY
    silent: Bounds | None = None
    about: str = ""
    reason: str = ""

    @property
    def unmade(self) -> bool:
        """Whether there is no difference but a reason."""
        return bool(self.reason) and self.difference is None

    @property
    def hidden(self) -> bool:
        """Whether either side may not be shown."""
        return not self.unmade and (self.registry.hidden or self.published.hidden)


@dataclass(frozen=True)
class ShareBlock:
    """The rows of one outcome and month, registry first; `about` says the rule on both sides."""

    title: str
    about: str
    rows: tuple[ShareRow, ...]


@dataclass(frozen=True)
class DifferenceBlock:
    """The comparisons of one outcome with one paper; `differs` are letters of the list below."""

    title: str
    about: str
    rows: tuple[DifferenceRow, ...]
    verdict: str = ""
    differs: tuple[str, ...] = ()


def share_axis() -> Markup:
    """The axis over the column of share plots, 0 to 100 %."""
    return axis(SHARES)


def share_cell(row: ShareRow) -> Markup:
    """The plot of one row, for a table cell."""
    return svg.inline(marks.ROW, share_marks(row))


def difference_axis() -> Markup:
    """The axis over the column of difference plots, -100 to 100 points."""
    return axis(DIFFERENCES)


def difference_cell(row: DifferenceRow) -> Markup:
    """The plot of one difference, for a table cell."""
    return svg.inline(marks.ROW, difference_marks(row))


def share_words(row: ShareRow) -> str:
    """What the value column says: estimate and interval, the reason, or that it is hidden."""
    limits = row.counted.limits
    if row.hidden:
        return words.HIDDEN
    return words.estimate(limits.value, limits.lower, limits.upper) if limits else row.reason


def difference_words(row: DifferenceRow) -> str:
    """What the value column says of a difference, in percentage points."""
    found = row.difference
    if row.hidden:
        return words.HIDDEN
    return words.difference(found.value, found.lower, found.upper) if found else row.reason


def share_count(row: ShareRow) -> str:
    """What the count column says of a share; empty where the source prints no count."""
    return "" if row.unmade and row.counted.hidden else counted_words(row.counted)


def counted_words(counted: Counted) -> str:
    """ "38 of 126", what stands instead, or that it is hidden."""
    if counted.hidden:
        return words.HIDDEN
    if counted.instead:
        return counted.instead
    return f"{words.whole(counted.x)} of {words.whole(counted.n)}"


def silent_words(silent: Bounds | None) -> str:
    """The bounds as "20.3 to 49.2", in per cent or points; empty where there are none."""
    if silent is None:
        return ""
    low, high = (words.number(100 * bound) for bound in silent)
    return f"{low} to {high}"


def share_marks(row: ShareRow) -> Markup:
    """Interval, marker and bracket of a row; the word hidden; nothing where there is a reason."""
    return Markup("") if row.unmade else _marks(SHARES, row.counted.limits, row)


def difference_marks(row: DifferenceRow) -> Markup:
    """Interval, marker and bracket of a difference, as of a share."""
    return Markup("") if row.unmade else _marks(DIFFERENCES, row.difference, row)


def _marks(scale: Scale, limits: Limits | None, row: ShareRow | DifferenceRow) -> Markup:
    if row.hidden:
        return marks.hidden_word()
    if limits is None:
        return Markup("")
    if row.silent is None:
        return marks.interval(scale, limits, row.mark)
    above, below = marks.MIDDLE - 3, marks.MIDDLE + 6
    drawn = marks.interval(scale, limits, row.mark, above)
    return svg.join(drawn, marks.bracket(scale, row.silent, below))
