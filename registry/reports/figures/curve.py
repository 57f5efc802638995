"""A Kaplan-Meier curve with its band and, under the ticks, who is still at risk."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from registry import words
from registry.reports.figures import sheet, svg
from registry.reports.figures.scale import SHARES, Scale, up_to
from registry.reports.figures.sheet import Caption

HEIGHT = 230
FEWEST_AT_RISK = 10
LABEL = 0.4
"""The share of the axis that the last estimate in words may cover."""
RARE = 0.3
"""Below this share of events by the end the curve is drawn upwards from nought (Pocock 2002)."""


@dataclass(frozen=True)
class Step:
    """From `month` on: the share still free of the event, its limits, and who is at risk then.

    `lower` and `upper` are None before the first event.
    """

    month: float
    free: float
    lower: float | None
    upper: float | None
    at_risk: int


@dataclass(frozen=True)
class AtRisk:
    """Under a tick: at risk now; so far with the event, censored, and with the competing event, if
    there is one. They add up to n.
    """

    month: int
    at_risk: int | None
    events: int | None
    censored: int | None
    competing: int | None = None


@dataclass(frozen=True)
class Curve:
    """One curve: `event` is the word of its second row ("Died"), `end` the last month drawn.

    `competing`: the word of an event that leaves no way back; such a curve is always drawn upwards.
    `dots`: the steps are all that is known, so a dot with its limits stands at each, and no line.
    """

    title: str
    event: str
    steps: tuple[Step, ...]
    risk: tuple[AtRisk, ...]
    end: float = 24
    hidden: bool = False
    dots: bool = False
    competing: str = ""


def curve_figure(curve: Curve) -> Markup:
    """The curve for a page, inside an element of class `canvas`."""
    return svg.inline(_height(curve), _drawn(curve), title=curve_title(curve))


def curve_download(curve: Curve, caption: Caption) -> Markup:
    """The curve as a file of its own."""
    height = _height(curve)
    field = sheet.plot(90, 14, 820, height, _drawn(curve))
    return sheet.sheet(caption, (), field, height + 14)


def curve_title(curve: Curve) -> str:
    """What is seen, in a sentence."""
    if curve.hidden:
        return f"{curve.title}: hidden, small number"
    shown = drawn_steps(curve)
    if not shown:
        return f"{curve.title}: nobody to draw"
    return f"{curve.title}: {_end_words(shown[-1], curve, rises(curve))}"


def drawn_steps(curve: Curve) -> list[Step]:
    """The steps up to the last month, ending before fewer than ten remain at risk."""
    shown: list[Step] = []
    for step in curve.steps:
        if step.at_risk < FEWEST_AT_RISK or step.month > curve.end:
            break
        shown.append(step)
    return shown


def rises(curve: Curve) -> bool:
    """Whether events are rare enough to be drawn upwards from nought."""
    shown = drawn_steps(curve)
    return bool(curve.competing) or not shown or 1 - shown[-1].free < RARE


def curve_scale(curve: Curve) -> Scale:
    """From nought as high as the band needs, or the whole of 0 to 100 %."""
    if not rises(curve):
        return SHARES
    tops = [1 - (s.free if s.lower is None else s.lower) for s in drawn_steps(curve)]
    return up_to(max([*tops, 0.0]) or 0.04, factor=100)


def _height(curve: Curve) -> int:
    rows = 4 if curve.competing else 3
    return HEIGHT + 48 + (rows * 16 + 6 if curve.risk else 0)


def _drawn(curve: Curve) -> Markup:
    if curve.hidden:
        return svg.text("hidden", "50%", HEIGHT / 2, "mid")
    scale, up = curve_scale(curve), rises(curve)
    shown = [_turned(step) if up else step for step in drawn_steps(curve)]
    months = Scale(0, curve.end)
    parts = [_grid(scale), _months(curve, months)]
    if shown and curve.dots:
        parts += [_dot(step, months, scale) for step in shown if step.month]
        parts.append(_end_label(shown, curve, scale, up))
    elif shown:
        stop = _stop(curve)
        paths = [_band(shown, months, scale, stop), _trace(shown, months, scale, stop)]
        parts += [svg.stretched(HEIGHT, *paths), _end_label(shown, curve, scale, up)]
    return svg.join(*parts, _risk_table(curve, months))


def _turned(step: Step) -> Step:
    """The share with the event in place of the share without; the limits change places."""
    lower = None if step.upper is None else 1 - step.upper
    upper = None if step.lower is None else 1 - step.lower
    return replace(step, free=1 - step.free, lower=lower, upper=upper)


def _stop(curve: Curve) -> float:
    """Where the line ends: the first step with too few at risk, or the last month."""
    thin = [s.month for s in curve.steps if s.at_risk < FEWEST_AT_RISK]
    return min([curve.end, *thin])


def _grid(scale: Scale) -> Markup:
    drawn = []
    for tick in scale.ticks:
        y = round(HEIGHT * (1 - scale.at(tick)), 1)
        unit = words.PERCENT if tick == scale.ticks[-1] else ""
        drawn.append(svg.line(0, y, "100%", y, "axis" if tick == scale.low else "grid"))
        drawn.append(svg.text(scale.label(tick) + unit, -8, y + 4, "end"))
    return svg.join(*drawn)


def _months(curve: Curve, months: Scale) -> Markup:
    drawn = []
    for tick in months.ticks:
        x = svg.percent(months.at(tick))
        drawn.append(svg.line(x, HEIGHT, x, HEIGHT + 5, "axis"))
        drawn.append(svg.text(months.label(tick), x, HEIGHT + 19, "mid"))
    return svg.join(*drawn, svg.text("months after treatment", "50%", HEIGHT + 37, "mid"))


def _point(month: float, share: float, months: Scale, scale: Scale) -> str:
    return f"{1000 * months.at(month):.1f} {1000 * (1 - scale.at(share)):.1f}"


def _stairs(places: Sequence[tuple[float, float]], stop: float) -> list[tuple[float, float]]:
    """Corners of a step line through (month, share) that ends at `stop`."""
    ends = [*(month for month, _ in places[1:]), stop]
    return [
        corner
        for (month, share), end in zip(places, ends, strict=True)
        for corner in ((month, share), (end, share))
    ]


def _trace(shown: Sequence[Step], months: Scale, scale: Scale, stop: float) -> Markup:
    corners = _stairs([(s.month, s.free) for s in shown], stop)
    path = "M" + "L".join(_point(*corner, months, scale) for corner in corners)
    return svg.el("path", d=path, class_="trace line-1", vector_effect="non-scaling-stroke")


def _band(shown: Sequence[Step], months: Scale, scale: Scale, stop: float) -> Markup:
    lower = [(s.month, s.lower) for s in shown if s.lower is not None and s.upper is not None]
    upper = [(s.month, s.upper) for s in shown if s.lower is not None and s.upper is not None]
    if not lower:
        return Markup("")
    corners = _stairs(upper, stop) + _stairs(lower, stop)[::-1]
    path = "M" + "L".join(_point(*corner, months, scale) for corner in corners) + "Z"
    return svg.el("path", d=path, class_="band")


def _dot(step: Step, months: Scale, scale: Scale) -> Markup:
    x, y = svg.percent(months.at(step.month)), round(HEIGHT * (1 - scale.at(step.free)), 1)
    dot = svg.el("circle", cx=x, cy=y, r=5, class_="fill-1")
    if step.lower is None or step.upper is None:
        return dot
    low, high = (round(HEIGHT * (1 - scale.at(end)), 1) for end in (step.lower, step.upper))
    return svg.join(svg.line(x, low, x, high, "span line-1"), dot)


def _end_words(step: Step, curve: Curve, up: bool) -> str:
    seen = _turned(step) if up else step
    limits = ""
    if seen.lower is not None and seen.upper is not None:
        limits = f" ({words.interval(100 * seen.lower, 100 * seen.upper)})"
    return f"{words.percent(seen.free)}{limits} by month {_stop(curve):.3g}"


def _end_label(shown: Sequence[Step], curve: Curve, scale: Scale, up: bool) -> Markup:
    """The last estimate over the end of the line, clear of the band below the words."""
    stop = _stop(curve)
    ends = [*(step.month for step in shown[1:]), stop]
    under = [s for s, end in zip(shown, ends, strict=True) if end > stop - LABEL * curve.end]
    top = max(s.free if s.upper is None else s.upper for s in under)
    y = max(HEIGHT * (1 - scale.at(top)) - 8, 14)
    is_late = stop > LABEL * curve.end
    label = _end_words(drawn_steps(curve)[-1], curve, up)
    return svg.text(label, svg.percent(stop / curve.end), y, "strong end" if is_late else "strong")


def _risk_table(curve: Curve, months: Scale) -> Markup:
    if not curve.risk:
        return Markup("")
    top = HEIGHT + 62
    rows = (
        ("At risk", "strong", [r.at_risk for r in curve.risk]),
        (curve.event, "", [r.events for r in curve.risk]),
        (curve.competing, "", [r.competing for r in curve.risk]),
        ("Censored", "", [r.censored for r in curve.risk]),
    )
    drawn = []
    shown = [row for row in rows if any(count is not None for count in row[2])]
    for place, (label, class_, counts) in enumerate(shown):
        y = top + 16 * place
        drawn.append(svg.text(label, -22, y, "end"))
        for at, count in zip(curve.risk, counts, strict=True):
            x = svg.percent(months.at(at.month))
            drawn.append(svg.text(words.whole(count), x, y, f"mid {class_}".strip()))
    return svg.join(*drawn)
