"""What a figure looks like: the registry a blue filled circle, published an orange square."""

import math
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from registry.reports.figures import svg
from registry.reports.figures.scale import Scale

ROW = 28
MIDDLE = 14


class Mark(StrEnum):
    """Whose figure it is; every kind has its own colour and its own shape."""

    REGISTRY = "registry"
    WEIGHTED = "weighted"
    MATCHED = "matched"
    PUBLISHED = "published"
    CONTROL = "control"


SERIES = {
    Mark.REGISTRY: 1, Mark.WEIGHTED: 1, Mark.MATCHED: 3, Mark.PUBLISHED: 2, Mark.CONTROL: 2,
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """An estimate with its interval, in the unit of the axis; `upper` may be infinite."""

    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Counted:
    """`x` of `n` patients and the share's limits as fractions; None for `x` may not be shown.

    `instead`: words in place of a count, of a share that is not made of one.
    """

    x: int | None
    n: int | None
    limits: Limits | None = None
    instead: str = ""

    @property
    def hidden(self) -> bool:
        """Whether the small-cell rule hides this figure, mark and all."""
        return not self.instead and (self.x is None or self.n is None)


def shape(mark: Mark, x: object, y: float = MIDDLE) -> Markup:
    """The marker itself, about the point (x, y)."""
    match mark:
        case Mark.REGISTRY:
            return svg.el("circle", cx=x, cy=y, r=5, class_="fill-1")
        case Mark.WEIGHTED:
            return svg.el("circle", cx=x, cy=y, r=5, class_="hollow-1")
        case Mark.MATCHED:
            return svg.placed(x, y, svg.el("path", d="M0 -6L6 5H-6Z", class_="fill-3"))
        case Mark.PUBLISHED:
            return svg.placed(x, y, _square("fill-2"))
        case Mark.CONTROL:
            return svg.placed(x, y, _square("hollow-2"))


def interval(scale: Scale, limits: Limits, mark: Mark, y: float = MIDDLE) -> Markup:
    """Line and marker; a limit beyond the axis runs to its end and carries an arrow."""
    drawn: list[Markup] = []
    series = SERIES[mark]
    if limits.lower is not None and limits.upper is not None:
        left, right = scale.clipped(limits.lower), scale.clipped(limits.upper)
        drawn.append(svg.line(*_ends(left, right, y), f"span line-{series}"))
        if limits.lower < scale.low:
            drawn.append(_arrow(0.0, y, series))
        if limits.upper > scale.high:
            drawn.append(_arrow(1.0, y, series))
    if scale.contains(limits.value):
        drawn.append(shape(mark, svg.percent(scale.at(limits.value)), y))
    return svg.join(*drawn)


def from_nought(scale: Scale, upper: float, y: float = MIDDLE) -> Markup:
    """No event: a short stroke on the axis and a line to the upper limit, without a marker."""
    end = scale.clipped(upper)
    stroke = svg.line("0%", y - 4, "0%", y + 4, "span line-1")
    arrow = _arrow(1.0, y, 1) if upper > scale.high else ""
    return svg.join(stroke, svg.line(*_ends(0.0, end, y), "span line-1"), arrow)


def bracket(scale: Scale, silent: tuple[float, float], y: float) -> Markup:
    """The bounds if none or all of the silent had it: a thin line under the interval, ends up."""
    left, right = (svg.percent(scale.clipped(bound)) for bound in silent)
    return svg.join(
        svg.line(left, y, right, y, "silent"),
        svg.line(left, y - 5, left, y, "silent"),
        svg.line(right, y - 5, right, y, "silent"),
    )


def hidden_word(y: float = MIDDLE) -> Markup:
    """What stands in place of a figure that may not be shown."""
    return svg.text("hidden", 8, y + 4)


def key(mark: Mark) -> Markup:
    """A short line with its marker, for a legend."""
    sample = svg.line(0, 8, 34, 8, f"span line-{SERIES[mark]}")
    return _sample(sample, shape(mark, 17, 8))


def bracket_key() -> Markup:
    """The bracket of the silent, for a legend."""
    return _sample(svg.el("path", d="M1 5V11H33V5", class_="silent"))


def arrow_key() -> Markup:
    """The arrow of a limit beyond the axis, for a legend."""
    return _sample(svg.line(4, 8, 34, 8, "span line-1"), _arrow_path("M0 8L8 4V12Z", 1))


def _sample(*children: object) -> Markup:
    return svg.el(
        "svg", *children, class_="chart", width=34, height=16, aria_hidden="true", focusable="false"
    )


def _square(class_: str) -> Markup:
    return svg.el("rect", x=-5, y=-5, width=10, height=10, class_=class_)


def _ends(left: float, right: float, y: float) -> tuple[str, float, str, float]:
    return svg.percent(left), y, svg.percent(right), y


def _arrow(end: float, y: float, series: int) -> Markup:
    path = "M-3 0L5 -4.5V4.5Z" if end == 0 else "M3 0L-5 -4.5V4.5Z"
    return svg.placed(svg.percent(end), y, _arrow_path(path, series))


def _arrow_path(path: str, series: int) -> Markup:
    return svg.el("path", d=path, class_=f"fill-{series}")


def finite(value: float | None) -> bool:
    """Whether a limit is a number that has a place on some axis."""
    return value is not None and math.isfinite(value)
