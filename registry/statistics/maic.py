"""Matching-adjusted indirect comparison without a common comparator: our patients weighted so that
they have the baseline figures that a study printed of its own.

What is estimated is the outcome of the registry's treatment in the study's population, not in ours.
It is right only if the outcome can be told from the matched characteristics: those that differ and
are not matched go on to make a difference, and nobody knows how large a one.

Sources: Signorovitch et al. 2010, Pharmacoeconomics 28:935; Phillippo et al. 2016, NICE DSU TSD
18; Stefanski and Boos 2002 (the error allows for the weights being estimated); Chandler and
Proskorovsky 2024, Res Synth Methods 15:1094 (at a small effective size the scaled error holds up
best).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from registry.statistics.design import Covariate
from registry.statistics.moments import (
    Mean,
    Median,
    Moments,
    Target,
    impossible,
    known_rows,
    moments,
)
from registry.statistics.proportions import clopper_pearson
from registry.statistics.risk_sets import Counts, Values
from registry.statistics.tilting import NoWeights, Tilt, tilt
from registry.statistics.values import Json, number, z_value
from registry.statistics.weighting import Refused

STACKED, SCALED = "stacked equations", "effective sample size"
EXACT = "Clopper-Pearson at the effective sample size"
NOBODY = "nobody counts for this outcome"
FEW, PART = 50, 0.5
VERY_FEW, LITTLE = 30, 0.1
BINS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Matching:
    """One matched figure, and its subject: in our patients before and after, and in the study."""

    name: str
    subject: str
    before: float
    after: float
    wanted: float

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "before": number(self.before),
            "after": number(self.after),
            "published": number(self.wanted),
        }


@dataclass(frozen=True)
class Matched:
    """The weighted share with its interval, and how far the weights can be trusted.

    `n` patients with everything known, `left_out` without; `unweighted` their share before;
    `se_stacked` and `se_scaled` the two errors of which `method` names the one in use.
    `weights_max`: the largest weight where they are 1 on average; `half`: how many patients carry
    half of all weight; `histogram`: patients with weights from each of BINS to the next.
    """

    n: int
    left_out: int
    unweighted: float
    estimate: float
    lower: float
    upper: float
    method: str
    se_stacked: float
    se_scaled: float
    ess: float
    weights_max: float
    half: int
    histogram: tuple[int, ...]
    balance: tuple[Matching, ...]
    reason: str | None = None
    level: float = 0.95

    @property
    def se(self) -> float:
        """The error of the interval."""
        return self.se_stacked if self.method == STACKED else self.se_scaled

    @property
    def warning(self) -> str | None:
        """What must be said of few patients carrying the estimate; None if they are not few."""
        if self.ess < VERY_FEW or self.ess < LITTLE * self.n:
            return "little overlap: the estimate rests on few patients"
        if self.ess < PART * self.n:
            return "the effective sample size is less than half of the patients"
        return None

    def as_json(self) -> Json:
        names = ("ess", "n", "left_out", "estimate", "lower", "upper", "level", "weights_max")
        written: Json = {name: number(getattr(self, name)) for name in names}
        written |= {"method": self.method, "warning": self.warning}
        written["balance"] = [each.as_json() for each in self.balance]
        return written if self.reason is None else written | {"reason": self.reason}


def match(
    targets: Sequence[Target],
    covariates: Sequence[Covariate],
    people: Counts,
    having: Counts,
    level: float = 0.95,
) -> Matched | Refused:
    """The share having the outcome, weighted to the targets.

    Every row stands for `people` with the same covariates, of whom `having` have the outcome; rows
    may repeat. Rows in which a matched covariate is not known are left out and counted. Refused, by
    name, where no weights do it.
    """
    if not people.any():
        return Refused(NOBODY)
    usable = _usable(targets, covariates)
    if usable is not None:
        return Refused(usable)
    rows = known_rows(targets, covariates) & (people > 0)
    if not rows.any():
        return Refused("no patient is known by all the matched characteristics")
    found, here, having_here = moments(targets, covariates, rows), people[rows], having[rows]
    weighted = tilt(found, here)
    if isinstance(weighted, NoWeights):
        return Refused(weighted.reason)
    left_out = int(people.sum() - here.sum())
    return _estimated(found, weighted, here, having_here, targets, left_out, level)


def _usable(targets: Sequence[Target], covariates: Sequence[Covariate]) -> str | None:
    """Why these cannot be matched whatever the patients are, in words."""
    if not targets:
        return "nothing to match"
    codes = {each.name for each in covariates if not each.is_numeric}
    for target in targets:
        if isinstance(target, Mean | Median) and target.covariate in codes:
            return f"{target.covariate} is no number here"
        if (reason := impossible(target)) is not None:
            return reason
    return None


def _estimated(
    found: Moments,
    weighted: Tilt,
    people: Counts,
    having: Counts,
    targets: Sequence[Target],
    left_out: int,
    level: float,
) -> Matched:
    weights, n = weighted.weights, int(people.sum())
    share = min(1.0, float(weights @ having)) if having.sum() < n else 1.0
    ess = 1 / float(people @ weights**2)
    errors = stacked_error(weighted, people, having), float(np.sqrt(share * (1 - share) / ess))
    method = _method(share, ess, n, errors)
    lower, upper = _limits(share, errors[method != STACKED], ess, method, level)
    unused = ", ".join(weighted.unused)
    return Matched(
        n=n,
        left_out=left_out,
        unweighted=float(having.sum() / n),
        estimate=share,
        lower=lower,
        upper=upper,
        method=method,
        se_stacked=errors[0],
        se_scaled=errors[1],
        ess=ess,
        weights_max=float(n * weights.max()),
        half=_half(weights, people),
        histogram=_histogram(n * weights, people),
        balance=_balance(found, people, weights),
        reason=f"follows from the others: {unused}" if unused else None,
        level=level,
    )


def _method(share: float, ess: float, n: int, errors: tuple[float, float]) -> str:
    """Where the matched figures alone fix the share, the stacked error is 0 and says nothing."""
    if not 0 < share < 1:
        return EXACT
    is_little = ess < FEW or ess < PART * n or errors[0] < 1e-6 * errors[1]
    return SCALED if is_little else STACKED


def stacked_error(weighted: Tilt, people: Counts, having: Counts) -> float:
    """The error of the weighted share from the equations of the weights and of the share together.

    What the study printed is taken as known.
    """
    weights, x = weighted.weights, weighted.matched
    share = weights @ having
    pull = ((having - people * share) * weights) @ x
    spread = x.T @ (x * (weights * people)[:, None])
    drawn = x @ np.linalg.lstsq(spread, pull, rcond=None)[0]
    with_it, without = weights * (1 - share - drawn), weights * (-share - drawn)
    return float(np.sqrt(having @ with_it**2 + (people - having) @ without**2))


def _limits(
    share: float, error: float, ess: float, method: str, level: float
) -> tuple[float, float]:
    """On the logit scale; where all or none have it, of the effective size rounded down."""
    if method == EXACT:
        size = max(1, int(ess + 1e-9))
        exact = clopper_pearson(round(share * size), size, level)
        return exact.lower or 0.0, 1.0 if exact.upper is None else exact.upper
    half = z_value(level) * error / (share * (1 - share))
    middle = special.logit(share)
    return float(special.expit(middle - half)), float(special.expit(middle + half))


def _half(weights: Values, people: Counts) -> int:
    """The fewest patients who carry half of the weight together."""
    order = np.argsort(-weights, kind="stable")
    carried = np.cumsum((weights * people)[order])
    row = int(np.searchsorted(carried, 0.5 - 1e-12))
    before = float(carried[row - 1]) if row else 0.0
    within = np.ceil((0.5 - 1e-12 - before) / weights[order][row])
    return int(people[order][:row].sum() + within)


def _histogram(scaled: Values, people: Counts) -> tuple[int, ...]:
    places = np.searchsorted(BINS, scaled, side="right") - 1
    return tuple(np.bincount(places, people, minlength=len(BINS)).astype(int).tolist())


def _balance(found: Moments, people: Counts, weights: Values) -> tuple[Matching, ...]:
    """Every figure before and after; standard deviations around the mean that they then have."""
    counts = people.astype(np.float64)
    before, after = counts @ found.columns / counts.sum(), (weights * counts) @ found.columns
    rows = []
    for place, (name, subject) in enumerate(zip(found.names, found.subjects, strict=True)):
        means = [float(each[place]) for each in (before, after, found.wanted)]
        if name.endswith(", SD"):
            # the square was taken around the wanted mean, one column before
            shifts = [float(each[place - 1] - found.wanted[place - 1]) for each in (before, after)]
            means = [
                float(np.sqrt(max(0.0, mean - shift**2)))
                for mean, shift in zip(means, (*shifts, 0.0), strict=True)
            ]
        rows.append(Matching(name, subject, *means))
    return tuple(rows)
