"""Where a statement stops being true: limits of intervals that have no closed form."""

from collections.abc import Callable

_HALVINGS = 200


def bisect(outside: float, inside: float, holds: Callable[[float], bool]) -> float:
    """The border between `inside`, where `holds` is true, and `outside`; `outside` if true there.

    Halves until two neighbouring floating-point numbers are left.
    """
    if holds(outside):
        return outside
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        if middle in (outside, inside):
            break
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


def reach(start: float, step: float, holds: Callable[[float], bool]) -> float:
    """A point from `start` in the direction of `step` at which `holds` is false; steps double."""
    while holds(start + step):
        step *= 2
    return start + step
