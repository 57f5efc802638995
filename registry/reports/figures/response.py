"""What became of each questionnaire: one bar per wave, and response rate 1 beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from registry import words
from registry.reports.figures import marks, sheet, svg
from registry.reports.figures.marks import Limits, Mark
from registry.reports.figures.scale import SHARES, axis_marks, grid
from registry.reports.figures.sheet import LEFT, RIGHT, Caption

BAR = 24
WIDE_ENOUGH = 0.07
"""A segment of this share of the bar holds its number even on a phone."""

DISPOSITIONS = (
    ("complete", "complete", "fill-1"),
    ("partial", "partial", "hatched"),
    ("refused", "refused or left", "fill-2"),
    ("no_contact", "no contact", "fill-0"),
    ("other", "other: language, illness", "dotted"),
    ("unknown", "unknown: mail refused, not known alive", "empty"),
)
"""Field, words and fill, in the order in which they are drawn; it never changes."""

SOLID = {"complete", "refused", "no_contact"}
PATTERN = {"partial": "url(#hatch)", "other": "url(#dots)", "unknown": "none"}


@dataclass(frozen=True)
class Wave:
    """Dispositions of everybody due and alive at a month; None where a count may not be shown.

    `asked`: the denominator of the rate where it is shown by itself, as in a release, whose rounded
    counts need not add up to it.
    """

    month: int
    complete: int | None
    partial: int | None
    refused: int | None
    no_contact: int | None
    other: int | None
    unknown: int | None
    rate: Limits | None
    reason: str = ""
    asked: int | None = None

    @property
    def counts(self) -> tuple[int | None, ...]:
        """The six counts in drawing order."""
        return tuple(getattr(self, field) for field, _, _ in DISPOSITIONS)

    @property
    def hidden(self) -> bool:
        """Whether one hidden count hides the bar, from which it could be measured."""
        return None in self.counts

    @property
    def rate_hidden(self) -> bool:
        """Whether the rate is hidden: for itself, or because it would tell a hidden count."""
        return (self.rate is None and not self.reason) or (self.hidden and self.asked is None)

    @property
    def due(self) -> int:
        """Everybody in the bar."""
        return sum(count or 0 for count in self.counts)


def response_bar(wave: Wave) -> Markup:
    """The bar of one wave, for a table cell; needs `response_key` on the same page."""
    return svg.inline(BAR, _bar(wave))


def rate_cell(wave: Wave) -> Markup:
    """Response rate 1 with its interval, for a table cell under `share_axis`."""
    return svg.inline(marks.ROW, _rate(wave))


def rate_words(wave: Wave) -> str:
    """Response rate 1 as words, or why there is none."""
    if wave.rate_hidden:
        return words.HIDDEN
    if wave.rate is None:
        return wave.reason
    return words.estimate(wave.rate.value, wave.rate.lower, wave.rate.upper)


def complete_words(wave: Wave) -> str:
    """ "126 of 180", or that it is hidden."""
    asked = wave.due if wave.asked is None else wave.asked
    if wave.complete is None or (wave.hidden and wave.asked is None):
        return words.HIDDEN
    return f"{words.whole(wave.complete)} of {words.whole(asked)}"


def response_key() -> list[tuple[Markup, str]]:
    """Samples and words of the fills; the first sample also carries the patterns themselves."""
    samples = [
        svg.el(
            "svg", _patterns() if place == 0 else "", _segment(field, class_, 0.5, 1, 21, 11),
            class_="chart", width=22, height=12, aria_hidden="true", focusable="false",
        )
        for place, (field, _, class_) in enumerate(DISPOSITIONS)
    ]  # fmt: skip
    return [(sample, label) for sample, (_, label, _) in zip(samples, DISPOSITIONS, strict=True)]


def response_download(waves: Sequence[Wave], caption: Caption) -> Markup:
    """Bars and rates of all waves as a file of its own."""
    bars, field, width = (110, 320), 566, 180
    drawn = [
        svg.text("Wave", LEFT, 34, "strong"),
        svg.text("All patients due and alive", bars[0], 34, "strong"),
        svg.text("Complete", 536, 34, "strong end"),
        svg.text("Response rate 1, %", field, 18, "strong"),
        sheet.plot(field, 24, width, 22, axis_marks(SHARES)),
        svg.text("Rate (95 % interval)", RIGHT, 34, "strong end"),
        svg.line(LEFT, 46, RIGHT, 46, "axis"),
    ]
    y = 46
    for wave in waves:
        drawn += [
            svg.text(f"Month {wave.month}", LEFT, y + 22, "row"),
            sheet.plot(bars[0], y + 5, bars[1], BAR, _bar(wave)),
            svg.text(complete_words(wave), 536, y + 22, "row end"),
            sheet.plot(field, y, width, 34, grid(SHARES, 0, 34, 0.0), _rate(wave, 17)),
            svg.text(rate_words(wave), RIGHT, y + 22, "row end"),
            svg.line(LEFT, y + 34, RIGHT, y + 34, "grid"),
        ]
        y += 34
    return sheet.sheet(caption, response_key(), svg.join(*drawn), y + 4)


def _bar(wave: Wave) -> Markup:
    if wave.hidden and wave.asked is None:
        return svg.text("hidden", 0, BAR / 2 + 4)
    drawn, before = [], 0
    everyone = max(wave.due, wave.asked or 0)
    for (field, _, class_), count in zip(DISPOSITIONS, wave.counts, strict=True):
        if count:
            start, size = before / everyone, count / everyone
            x, width = svg.percent(start), svg.percent(size)
            drawn.append(_segment(field, class_, x, 1, width, BAR - 2))
            if field in SOLID and size >= WIDE_ENOUGH:
                middle = svg.percent(start + size / 2)
                drawn.append(svg.text(words.whole(count), middle, BAR / 2 + 4, "mid on"))
            before += count
    return svg.join(*drawn, _rest(before / everyone) if wave.hidden else "")


def _rest(start: float) -> Markup:
    """The end of a bar of shown counts: a dashed box for those that are hidden."""
    return svg.el(
        "rect", x=svg.percent(start), y=1, width=svg.percent(1 - start), height=BAR - 2,
        class_="window-plan",
    )  # fmt: skip


def _rate(wave: Wave, y: float = marks.MIDDLE) -> Markup:
    if wave.rate_hidden:
        return marks.hidden_word(y)
    return marks.interval(SHARES, wave.rate, Mark.REGISTRY, y) if wave.rate else Markup("")


def _segment(field: str, class_: str, x: object, y: float, width: object, height: float) -> Markup:
    class_ = f"{class_} gap" if field in SOLID else class_
    return svg.el(
        "rect", x=x, y=y, width=width, height=height, class_=class_, fill=PATTERN.get(field)
    )


def _patterns() -> Markup:
    hatch = svg.el(
        "pattern",
        svg.el("path", d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5", class_="hatch"),
        id="hatch", width=6, height=6, patternUnits="userSpaceOnUse",
    )  # fmt: skip
    dots = svg.el(
        "pattern",
        svg.el("circle", cx=2, cy=2, r=1, class_="dot"),
        id="dots", width=4, height=4, patternUnits="userSpaceOnUse",
    )  # fmt: skip
    return svg.el("defs", hatch, dots)
