"""Axes: five round ticks at most, four equal steps, so that a cell's grid never changes."""

import math
from dataclasses import dataclass

from markupsafe import Markup

from registry.reports.figures import svg
from registry.words import number

STEPS = (1, 2, 2.5, 4, 5)


@dataclass(frozen=True)
class Scale:
    """A linear axis from `low` to `high`; `factor` turns values into what is printed."""

    low: float
    high: float
    factor: float = 1

    def at(self, value: float) -> float:
        """The place of a value, 0 at the left end and 1 at the right, beyond them outside."""
        return (value - self.low) / (self.high - self.low)

    def clipped(self, value: float) -> float:
        """The place of a value, moved to the end of the axis if it lies beyond."""
        return min(max(self.at(value), 0.0), 1.0)

    def contains(self, value: float) -> bool:
        """Whether the value has a place on the axis."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> tuple[float, ...]:
        """Five values, a quarter of the axis apart."""
        return tuple(self.low + (self.high - self.low) * step / 4 for step in range(5))

    def label(self, value: float) -> str:
        """A tick as it is printed, without needless digits."""
        shown = round(value * self.factor, 6)
        digits = next(d for d in range(7) if round(shown, d) == shown)
        return number(shown, digits)


SHARES = Scale(0, 1, factor=100)
DIFFERENCES = Scale(-1, 1, factor=100)


def up_to(largest: float, factor: float = 1) -> Scale:
    """The shortest axis from nought whose four steps are round and that holds `largest`."""
    wanted = largest * factor / 4 if largest > 0 else 0.25
    power = 10.0 ** math.floor(math.log10(wanted))
    candidates = [step * power for step in STEPS] + [10 * power]
    step = next((c for c in candidates if c >= wanted * (1 - 1e-9)), 10 * power)
    return Scale(0, 4 * step / factor, factor)


def axis(scale: Scale, height: float = 22) -> Markup:
    """The numbers and ticks that stand over a column of plots."""
    return svg.inline(height, axis_marks(scale, height))


def axis_marks(scale: Scale, height: float = 22) -> Markup:
    """Numbers and ticks, to be put over a plot."""
    return svg.join(
        *(
            svg.join(
                svg.line(place, height - 5, place, height, "axis"),
                svg.text(scale.label(tick), place, height - 9, "mid"),
            )
            for tick in scale.ticks
            for place in [svg.percent(scale.at(tick))]
        )
    )


def grid(scale: Scale, top: float, bottom: float, zero: float) -> Markup:
    """The lines behind a plot of a downloaded chart; that at `zero` is the stronger one."""
    return svg.join(
        *(
            svg.line(place, top, place, bottom, "axis" if tick == zero else "grid")
            for tick in scale.ticks
            for place in [svg.percent(scale.at(tick))]
        )
    )
