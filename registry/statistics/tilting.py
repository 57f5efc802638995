"""Weights exp(a'x) under which patients have the averages that are wanted: the method of moments.

The a that does it is the minimum of a convex function, found by Newton's method on standardised
columns. There is none if and only if some combination of the characteristics has nobody below what
is wanted: then a minimiser stops with all weight on a few patients and calls it success, so that
what it reached is never returned. That combination is looked for by a linear program.

Sources: Signorovitch et al. 2010, Pharmacoeconomics 28:935; Phillippo et al. 2016, NICE DSU TSD 18;
Stiemke 1915, Math Ann 76:340 (either positive weights or such a combination).
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from registry.statistics.moments import Moments
from registry.statistics.risk_sets import Counts, Values

_STEPS, _HALVINGS = 100, 40
_TOLERANCE = 1e-10
_FAR = 8.0
"""Logarithms of weights further apart raise the question whether there are weights at all."""
_BALANCED = 1e-6
_SAME, _NEW = 1e-12, 1e-10
"""What is left of a column around its mean, and of its variance after others, to count at all."""


@dataclass(frozen=True, eq=False)
class Tilt:
    """Weight of one patient of each row, all patients' adding up to 1.

    `matched`: the standardised columns around what is wanted, of full rank; `unused`: the names of
    columns that the others imply.
    """

    weights: Values
    matched: Values
    unused: tuple[str, ...]


@dataclass(frozen=True)
class NoWeights:
    """There are no such weights; the reason in words."""

    reason: str


def tilt(found: Moments, people: Counts) -> Tilt | NoWeights:
    """The weights of rows that stand for so many people each, at least one."""
    few, many = int(people.sum()), len(found.names)
    if few <= many:
        return NoWeights(f"{few} patients are too few to match {many} figures at once")
    counts = people.astype(np.float64)
    middle = counts @ found.columns / few
    scaled = found.columns - middle
    spread = np.sqrt(counts @ scaled**2 / few)
    spread[spread <= _SAME * np.maximum(1.0, np.abs(middle))] = np.inf
    scaled /= spread
    kept = _independent(scaled.T @ (scaled * counts[:, None]) / few)
    scaled = scaled[:, kept] + ((middle - found.wanted) / spread)[kept]
    weights, far = _newton(scaled, counts)
    if weights is None or far > _FAR:
        reason = _one_sided(found.only(kept), scaled)
        if reason is not None:
            return NoWeights(reason)
    if weights is None:
        return NoWeights("the weights did not converge")
    missed = _unbalanced(found, (weights * counts) @ found.columns, spread)
    if missed is not None:
        return NoWeights(missed)
    unused = tuple(name for i, name in enumerate(found.names) if i not in kept)
    return Tilt(weights, scaled, unused)


def _independent(correlations: Values) -> list[int]:
    """The places of the columns that are not made of those before them, from left to right."""
    kept: list[int] = []
    for place, own in enumerate(correlations.diagonal()):
        mine = correlations[kept, place]
        before = correlations[np.ix_(kept, kept)]
        if own - mine @ np.linalg.solve(before, mine) > _NEW:
            kept.append(place)
    return kept


def _newton(scaled: Values, people: Values) -> tuple[Values | None, float]:
    """The weights, None if the averages were not reached, and how far apart their logarithms are.

    Minimises the logarithm of the sum of exp(a'x) with halved steps.
    """
    a = np.zeros(scaled.shape[1])
    value, log, share = _at(scaled @ a, people)
    for _ in range(_STEPS):
        slope = share @ scaled
        if np.abs(slope).max(initial=0.0) < _TOLERANCE:
            return np.exp(log), float(np.ptp(log))
        curve = scaled.T @ (scaled * share[:, None]) - np.outer(slope, slope)
        step = -np.linalg.lstsq(curve, slope, rcond=None)[0]
        for halving in range(_HALVINGS):
            tried = a + step / 2**halving
            new, log, share = _at(scaled @ tried, people)
            if new <= value + 1e-4 / 2**halving * (slope @ step) + 1e-14:
                break
        else:
            break
        a, value = tried, new
    return None, np.inf


def _at(eta: Values, people: Values) -> tuple[float, Values, Values]:
    """The function, the logarithm of a patient's weight in each row, and the rows' shares."""
    top = eta.max()
    raw = people * np.exp(eta - top)
    total = raw.sum()
    return float(np.log(total) + top), eta - top - np.log(total), raw / total


def _one_sided(free: Moments, scaled: Values) -> str | None:
    """A combination of few characteristics in which nobody lies below what is wanted, in words.

    The smallest a, by the sum of its sizes, with a'x at least 0 everywhere and 1 on average.
    """
    rows = np.unique(scaled, axis=0)
    rows = rows / max(1.0, float(np.abs(rows).max()))
    columns = rows.shape[1]
    both = np.hstack([rows, -rows])
    solved = optimize.linprog(
        np.ones(2 * columns),
        A_ub=-both,
        b_ub=np.zeros(len(rows)),
        A_eq=both.mean(axis=0, keepdims=True),
        b_eq=[1.0],
        bounds=(0, None),
        method="highs",
    )
    if solved.x is None:
        return None
    a = solved.x[:columns] - solved.x[columns:]
    used = [int(place) for place in np.flatnonzero(np.abs(a) > 1e-6 * np.abs(a).max())]
    return _outside(free.only(used))


def _outside(found: Moments) -> str:
    if len(found.names) > 1:
        names = ", ".join(found.names)
        return f"no mix of our patients has what the study printed together: {names}"
    (name,), (wanted,), column = found.names, found.wanted, found.columns[:, 0]
    low, high = float(column.min()), float(column.max())
    if name.endswith(", SD"):
        low, high, wanted = (float(np.sqrt(each)) for each in (low, high, wanted))
        name = f"{name} {wanted:g}: our patients' distances from the study's mean"
        return f"{name} go from {low:g} to {high:g}"
    place = "outside" if not low <= wanted <= high else "at the edge of"
    return f"{name} {wanted:g} lies {place} what our patients have ({low:g} to {high:g})"


def _unbalanced(found: Moments, got: Values, spread: Values) -> str | None:
    """The first average that is not what is wanted, in words: of columns the others imply, and of
    those that are the same for everyone.
    """
    for name, mean, wanted, each in zip(found.names, got, found.wanted, spread, strict=True):
        room = abs(wanted) if np.isinf(each) else max(abs(wanted), each)
        if abs(mean - wanted) > _BALANCED * room:
            if np.isinf(each):
                return f"{name}: all our patients have {mean:g}, the study {wanted:g}"
            return f"{name} cannot be {wanted:g} with the other figures as they are"
    return None
