"""The stand-alone picture: title, measure, key, chart, method and source on one sheet."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from registry.reports.figures import svg

WIDTH = 960
LEFT = 24
RIGHT = WIDTH - LEFT
KEY_GAP = 26


@dataclass(frozen=True)
class Caption:
    """What must stand beside a chart wherever it goes.

    `measure`: unit, denominator and date; `note`: interval method, rule for missing answers,
    cut-off; `source`: the line to cite.
    """

    title: str
    measure: str
    note: str
    source: str


Key = Sequence[tuple[Markup, str]]


def sheet(caption: Caption, key: Key, chart: Markup, height: float) -> Markup:
    """A whole SVG file of 960 units width around a chart that is `height` high."""
    head, top = _head(caption, key)
    foot, bottom = _foot(caption, top + height)
    return svg.el(
        "svg",
        svg.el("title", caption.title, id="title"),
        svg.el("desc", f"{caption.measure} {caption.note} {caption.source}", id="desc"),
        svg.el("style", style()),
        svg.el("rect", width="100%", height="100%", class_="paper"),
        head,
        svg.el("svg", chart, y=top, width=WIDTH, height=height, overflow="visible"),
        foot,
        xmlns=svg.NAMESPACE,
        class_="chart",
        role="img",
        aria_labelledby="title desc",
        viewBox=f"0 0 {WIDTH} {bottom:.0f}",
        width=WIDTH,
        height=round(bottom),
    )


@cache
def style() -> str:
    """The marks' own style sheet, the same that the pages use, both schemes in it."""
    return (files("registry") / "web" / "static" / "figures.css").read_text(encoding="utf-8")


def plot(x: float, y: float, width: float, height: float, *children: object) -> Markup:
    """A field of the sheet in which per cent count as they do in a page's plot column."""
    return svg.el("svg", *children, x=x, y=y, width=width, height=height, overflow="visible")


def paragraph(words: str, y: float, columns: int = 135) -> tuple[Markup, float]:
    """Wrapped lines of small text from `y` on, and where the next line would stand."""
    lines = textwrap.wrap(words, columns)
    drawn = [svg.text(line, LEFT, y + 17 * place) for place, line in enumerate(lines)]
    return svg.join(*drawn), y + 17 * len(lines)


def _head(caption: Caption, key: Key) -> tuple[Markup, float]:
    title = svg.text(caption.title, LEFT, 36, "title")
    measure, y = paragraph(caption.measure, 58)
    drawn, x = [title, measure], float(LEFT)
    for sample, words in key:
        width = 42 + 7.2 * len(words) + KEY_GAP
        if x + width > RIGHT and x > LEFT:
            x, y = float(LEFT), y + 20
        drawn.append(svg.el("g", sample, transform=f"translate({x:.0f} {y - 4:.0f})"))
        drawn.append(svg.text(words, x + 42, y + 8))
        x += width
    return svg.join(*drawn), y + (28 if key else 8)


def _foot(caption: Caption, y: float) -> tuple[Markup, float]:
    note, y = paragraph(caption.note, y + 28)
    source, y = paragraph(caption.source, y + 6)
    return svg.join(note, source), y + 10
