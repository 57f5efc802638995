"""Events so far by month beside those expected and the boundary: three lines, one of them bold."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from registry import words
from registry.reports.figures import sheet, svg
from registry.reports.figures.scale import Scale, up_to
from registry.reports.figures.sheet import Caption, Key

HEIGHT = 230
LEAST_MONTHS = 4


@dataclass(frozen=True)
class Look:
    """At the end of a month: events so far, those expected, the count that crosses (None: none)."""

    on: dt.date
    events: int
    expected: float
    boundary: int | None


def monitoring_figure(looks: Sequence[Look]) -> Markup:
    """The picture for a page, inside an element of class `canvas`."""
    return svg.inline(HEIGHT + 28, _drawn(looks), title=monitoring_title(looks))


def monitoring_download(looks: Sequence[Look], caption: Caption) -> Markup:
    """The picture as a file of its own."""
    height = HEIGHT + 28
    return sheet.sheet(
        caption, monitoring_key(), sheet.plot(90, 14, 820, height, _drawn(looks)), height + 14
    )


def monitoring_title(looks: Sequence[Look]) -> str:
    """What is seen, in a sentence."""
    if not looks:
        return "Serious events by month: no look was taken yet"
    last = looks[-1]
    limit = f"; {last.boundary} would cross" if last.boundary is not None else ""
    return (
        f"First serious events by {words.date(last.on)}: {words.whole(last.events)}, expected "
        f"{words.number(last.expected)}{limit}"
    )


def monitoring_key() -> Key:
    """Samples and words of the three lines."""
    samples = (
        ("trace line-1", "first serious events so far"),
        ("trace line-0", "expected"),
        ("trace line-2 dash", "boundary"),
    )
    return [(_sample(class_), text) for class_, text in samples]


def _sample(class_: str) -> Markup:
    return svg.el(
        "svg", svg.line(0, 7, 30, 7, class_), class_="chart", width=30, height=14,
        aria_hidden="true", focusable="false",
    )  # fmt: skip


def _drawn(looks: Sequence[Look]) -> Markup:
    months = Scale(0, max(len(looks), LEAST_MONTHS))
    tops = [max(look.events, look.expected, look.boundary or 0) for look in looks]
    scale = up_to(max([*tops, 4]))
    events = _stairs([float(look.events) for look in looks], months, scale)
    limits = [None if look.boundary is None else float(look.boundary) for look in looks]
    paths = (
        _path(_slope([look.expected for look in looks], months, scale), "trace line-0"),
        _path(_stairs(limits, months, scale), "trace line-2 dash"),
        _path(events, "trace line-1"),
    )
    return svg.join(_grid(scale), svg.stretched(HEIGHT, *paths), _dates(looks, months))


def _path(path: str, class_: str) -> Markup:
    if not path:
        return Markup("")
    return svg.el("path", d=path, class_=class_, vector_effect="non-scaling-stroke")


def _point(month: float, count: float, months: Scale, scale: Scale) -> str:
    return f"{1000 * months.at(month):.1f} {1000 * (1 - scale.at(count)):.1f}"


def _slope(counts: Sequence[float], months: Scale, scale: Scale) -> str:
    places = [(0.0, 0.0), *((place + 1.0, count) for place, count in enumerate(counts))]
    return "M" + "L".join(_point(*place, months, scale) for place in places) if counts else ""


def _stairs(counts: Sequence[float | None], months: Scale, scale: Scale) -> str:
    """Each count over the month that it ends; nothing where there is none."""
    drawn, is_open = "", False
    for place, count in enumerate(counts):
        if count is None:
            is_open = False
            continue
        ends = (_point(place + side, count, months, scale) for side in (0.0, 1.0))
        drawn += ("L" if is_open else "M") + "L".join(ends)
        is_open = True
    return drawn


def _grid(scale: Scale) -> Markup:
    drawn = []
    for tick in scale.ticks:
        y = round(HEIGHT * (1 - scale.at(tick)), 1)
        drawn.append(svg.line(0, y, "100%", y, "axis" if tick == scale.low else "grid"))
        drawn.append(svg.text(scale.label(tick), -8, y + 4, "end"))
    return svg.join(*drawn)


def _dates(looks: Sequence[Look], months: Scale) -> Markup:
    """The ends of a few months under the plot, three at most: a phone has room for them."""
    every = max(1, -(-len(looks) // 3))
    drawn = []
    for place in range(every - 1, len(looks), every):
        x = svg.percent(months.at(place + 1))
        anchor = "end" if place + 1 == months.high else "mid"
        drawn.append(svg.line(x, HEIGHT, x, HEIGHT + 5, "axis"))
        drawn.append(svg.text(f"{looks[place].on:%b %Y}", x, HEIGHT + 19, anchor))
    return svg.join(*drawn)
