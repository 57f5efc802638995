"""Small multiples of scores over time, all on one time axis with true spacing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from registry import words
from registry.reports.figures import sheet, svg
from registry.reports.figures.marks import Limits
from registry.reports.figures.scale import Scale
from registry.reports.figures.sheet import Caption

TOP = 16
DEEP = 64
FLOOR = TOP + DEEP
HALF_GAP = 2.0
"""Months to either side of a follow-up without an answer that its dashed box covers."""


@dataclass(frozen=True)
class Point:
    """A month's score: of one patient a value, of a group a mean with limits and its n.

    No `score` is a follow-up that has gone by without an answer; later ones are left out.
    """

    month: int
    score: Limits | None
    n: int | None = None
    hidden: bool = False


@dataclass(frozen=True)
class Scores:
    """One panel: `about` says what both ends of the scale mean."""

    title: str
    about: str
    low: float
    high: float
    points: tuple[Point, ...]
    end: int = 24
    digits: int = 0


def scores_figure(scores: Scores) -> Markup:
    """One panel for a page."""
    return svg.inline(_height(scores), _drawn(scores), title=scores_title(scores))


def scores_download(panels: Sequence[Scores], caption: Caption) -> Markup:
    """All panels, three in a row, as a file of its own."""
    drawn, y = [], 20
    for place, scores in enumerate(panels):
        column = place % 3
        if place and column == 0:
            y += 200
        x = sheet.LEFT + 16 + column * 304
        drawn.append(svg.text(scores.title, x, y, "head"))
        drawn.append(svg.text(scores.about, x, y + 17))
        drawn.append(sheet.plot(x, y + 26, 268, _height(scores), _drawn(scores)))
    return sheet.sheet(caption, (), svg.join(*drawn), y + 170)


def scores_title(scores: Scores) -> str:
    """First and last value in a sentence."""
    known = [p for p in scores.points if p.score is not None and not p.hidden]
    if not known:
        return f"{scores.title}: no answer yet"
    first, last = known[0], known[-1]
    start = f"{scores.title}: {_number(first, scores)} at month {first.month}"
    return start if first is last else f"{start}, {_number(last, scores)} at month {last.month}"


def _height(scores: Scores) -> int:
    return FLOOR + (54 if any(p.n is not None for p in scores.points) else 22)


def _months(scores: Scores) -> Scale:
    return Scale(-0.1 * scores.end, 1.04 * scores.end)


def _y(value: float, scores: Scores) -> float:
    return round(FLOOR - DEEP * (value - scores.low) / (scores.high - scores.low), 1)


def _number(point: Point, scores: Scores) -> str:
    return "" if point.score is None else words.number(point.score.value, scores.digits)


def _drawn(scores: Scores) -> Markup:
    months = _months(scores)
    top = words.number(scores.high, 0)
    parts = [
        svg.line(0, TOP, "100%", TOP, "grid"),
        svg.text(top, "100%", TOP - 4, "end"),
        svg.line(0, FLOOR, "100%", FLOOR, "axis"),
        *(_gap(p, scores, months) for p in scores.points if p.score is None and not p.hidden),
        _trace(scores, months),
        *(_mark(p, scores, months) for p in scores.points),
        _ends(scores, months),
        _ticks(scores, months),
    ]
    return svg.join(*parts)


def _trace(scores: Scores, months: Scale) -> Markup:
    """Lines between neighbours that both have a value, never across a gap."""
    return svg.join(
        *(
            svg.line(
                svg.percent(months.at(a.month)), _y(a.score.value, scores),
                svg.percent(months.at(b.month)), _y(b.score.value, scores), "trace line-1",
            )
            for a, b in pairwise(scores.points)
            if a.score is not None and b.score is not None and not (a.hidden or b.hidden)
        )
    )  # fmt: skip


def _mark(point: Point, scores: Scores, months: Scale) -> Markup:
    x = svg.percent(months.at(point.month))
    if point.hidden:
        anchor = "end" if months.at(point.month) > 0.9 else "mid"
        return svg.text("hidden", x, FLOOR - 6, anchor)
    if point.score is None:
        return Markup("")
    dot = svg.el("circle", cx=x, cy=_y(point.score.value, scores), r=4, class_="fill-1")
    lower, upper = point.score.lower, point.score.upper
    if lower is None or upper is None:
        return dot
    low, high = max(lower, scores.low), min(upper, scores.high)
    return svg.join(svg.line(x, _y(low, scores), x, _y(high, scores), "trace line-1"), dot)


def _gap(point: Point, scores: Scores, months: Scale) -> Markup:
    """A dashed box about a follow-up without an answer, clear of its neighbours."""
    near = [abs(p.month - point.month) for p in scores.points if p.month != point.month]
    half = min([HALF_GAP, *(0.45 * away for away in near)])
    left, right = months.clipped(point.month - half), months.clipped(point.month + half)
    box = svg.el(
        "rect", x=svg.percent(left), y=TOP, width=svg.percent(right - left), height=DEEP,
        class_="window-plan",
    )  # fmt: skip
    if half < HALF_GAP:
        return box
    word = svg.text("none", svg.percent((left + right) / 2), TOP + DEEP / 2 + 4, "mid")
    return svg.join(box, word)


def _ends(scores: Scores, months: Scale) -> Markup:
    """First and last value in figures, clear of the line."""
    known = [p for p in scores.points if p.score is not None and not p.hidden]
    drawn = []
    for point, shift, class_ in [(p, -9, "strong end") for p in known[:1]] + [
        (p, 9, "strong") for p in known[1:][-1:]
    ]:
        label = svg.text(_number(point, scores), shift, 4, class_)
        height = 0.0 if point.score is None else _y(point.score.value, scores)
        drawn.append(svg.placed(svg.percent(months.at(point.month)), height, label))
    return svg.join(*drawn)


def _ticks(scores: Scores, months: Scale) -> Markup:
    counted = [p for p in scores.points if p.n is not None and not p.hidden]
    shown = {0, scores.end // 4, scores.end // 2, scores.end}
    drawn = [
        svg.text(str(month), svg.percent(months.at(month)), FLOOR + 16, "mid")
        for month in sorted({*shown, *(p.month for p in counted)})
    ]
    if counted:
        drawn.append(svg.text("n", 0, FLOOR + 32))
    for point, is_close in zip(counted, _closeness(counted), strict=True):
        x, y = svg.percent(months.at(point.month)), FLOOR + (48 if is_close else 32)
        drawn.append(svg.text(words.whole(point.n), x, y, "mid"))
    return svg.join(*drawn)


def _closeness(points: Sequence[Point]) -> list[bool]:
    """Whether a point's n would touch that before it and goes a line lower."""
    close: list[bool] = []
    for before, point in pairwise([Point(-99, None), *points]):
        near = point.month - before.month <= HALF_GAP
        close.append(near and not (close and close[-1]))
    return close
