"""The forests as files of their own: the same marks beside the same words."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from registry.reports.figures import marks, sheet, svg
from registry.reports.figures.forest import (
    DifferenceBlock,
    DifferenceRow,
    ShareBlock,
    ShareRow,
    counted_words,
    difference_marks,
    difference_words,
    share_count,
    share_marks,
    share_words,
    silent_words,
)
from registry.reports.figures.marks import ROW, Mark
from registry.reports.figures.scale import DIFFERENCES, SHARES, Scale, axis_marks, grid
from registry.reports.figures.sheet import LEFT, RIGHT, Caption

FIELD, FIELD_WIDTH = 400, 230
COUNTS = (290, 374)
VALUE = 800
WIDE, NARROW, LINE = 40, 25, 15
"""Letters of a label in a line beside one column of counts and beside two; a line's height."""


@dataclass(frozen=True)
class _Line:
    label: str
    counts: tuple[str, ...]
    drawn: Markup
    value: str
    silent: str
    reason: str


def share_download(blocks: Sequence[ShareBlock], caption: Caption, first: str = "Source") -> Markup:
    """The whole forest of shares as a file of its own; `first` heads the column of rows."""
    key = [(sample, words) for mark, sample, words in _share_key() if mark in _used(blocks)]
    drawn = [_head(SHARES, first, ("Counted",), "Share of patients, %", "Estimate")]
    y = 46.0
    for block in blocks:
        part, y = _block(block.title, block.about, map(_share_line, block.rows), SHARES, y)
        drawn.append(part)
    return sheet.sheet(caption, key, svg.join(*drawn), y + 8)


def _share_key() -> list[tuple[Mark | None, Markup, str]]:
    return [
        (Mark.REGISTRY, marks.key(Mark.REGISTRY), "registry, 95 % interval"),
        (Mark.PUBLISHED, marks.key(Mark.PUBLISHED), "published, 95 % interval"),
        (Mark.CONTROL, marks.key(Mark.CONTROL), "published, control or placebo arm"),
        (None, marks.bracket_key(), "registry if none or all of the silent had it"),
    ]


def _used(blocks: Sequence[ShareBlock]) -> set[Mark | None]:
    """The marks of the rows; None stands for the bracket."""
    return {None, *(row.mark for block in blocks for row in block.rows)}


def difference_download(blocks: Sequence[DifferenceBlock], caption: Caption) -> Markup:
    """The whole forest of differences as a file of its own."""
    key = [
        (marks.key(Mark.REGISTRY), "registry minus published, 95 % interval"),
        (marks.key(Mark.MATCHED), "registry matched to the study's patients, minus published"),
        (marks.bracket_key(), "if none or all of the silent had it"),
    ]
    title = "Registry minus published, points"
    drawn = [_head(DIFFERENCES, "Against", ("Registry", "Published"), title, "Difference")]
    y = 46.0
    for block in blocks:
        about = f"{block.verdict}. {block.about}" if block.verdict else block.about
        lines = map(_difference_line, block.rows)
        part, y = _block(block.title, about, lines, DIFFERENCES, y)
        drawn.append(part)
    return sheet.sheet(caption, key, svg.join(*drawn), y + 8)


def _share_line(row: ShareRow) -> _Line:
    return _Line(
        row.label, ("", share_count(row)), share_marks(row), share_words(row),
        "" if row.hidden else silent_words(row.silent), row.reason if row.unmade else "",
    )  # fmt: skip


def _difference_line(row: DifferenceRow) -> _Line:
    label = f"{row.label}: {row.about}" if row.about else row.label
    return _Line(
        label, (counted_words(row.registry), counted_words(row.published)),
        difference_marks(row), difference_words(row),
        "" if row.hidden else silent_words(row.silent), row.reason if row.unmade else "",
    )  # fmt: skip


def _head(scale: Scale, first: str, counts: Sequence[str], title: str, value: str) -> Markup:
    places = COUNTS[-len(counts) :]
    return svg.join(
        svg.text(first, LEFT, 34, "strong"),
        *(svg.text(label, x, 34, "strong end") for label, x in zip(counts, places, strict=True)),
        svg.text(title, FIELD, 18, "strong"),
        svg.text(value, VALUE, 18, "strong end"),
        svg.text("(95 % interval)", VALUE, 34, "strong end"),
        svg.text("If none or all", RIGHT, 18, "strong end"),
        svg.text("of the silent had", RIGHT, 34, "strong end"),
        sheet.plot(FIELD, 24, FIELD_WIDTH, 22, axis_marks(scale)),
        svg.line(LEFT, 46, RIGHT, 46, "axis"),
    )


def _block(
    title: str, about: str, lines: Iterable[_Line], scale: Scale, y: float
) -> tuple[Markup, float]:
    drawn = [
        svg.text(title, LEFT, y + 24, "head"),
        svg.text(about, LEFT, y + 42),
        svg.line(LEFT, y + 50, RIGHT, y + 50, "grid"),
    ]
    y += 50
    for line in lines:
        part, y = _line(line, scale, y)
        drawn.append(part)
    return svg.join(*drawn), y


def _line(line: _Line, scale: Scale, y: float) -> tuple[Markup, float]:
    """One row, higher for a label that needs more lines, and where the next would stand."""
    labels = textwrap.wrap(line.label, WIDE if not line.counts[0] else NARROW) or [""]
    more = LINE * (len(labels) - 1)
    base, bottom = y + 18 + more / 2, y + ROW + more
    drawn = [
        *(svg.text(text, LEFT, y + 18 + LINE * k, "row") for k, text in enumerate(labels)),
        *(svg.text(c, x, base, "row end") for c, x in zip(line.counts, COUNTS, strict=True)),
        svg.line(LEFT, bottom, RIGHT, bottom, "grid"),
    ]
    if line.reason:
        return svg.join(*drawn, svg.text(line.reason, FIELD, base)), bottom
    grid_ = sheet.plot(FIELD, y, FIELD_WIDTH, ROW + more, grid(scale, 0, ROW + more, 0.0))
    field = sheet.plot(FIELD, y + more / 2, FIELD_WIDTH, ROW, line.drawn)
    value = svg.text(line.value, VALUE, base, "row end")
    silent = svg.text(line.silent, RIGHT, base, "row end")
    return svg.join(*drawn, grid_, field, value, silent), bottom
