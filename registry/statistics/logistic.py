"""Logistic regression by unpenalised maximum likelihood, on rows that stand for several people.

Newton's method with halved steps. Where the answers are separated (a combination of the covariates
tells them apart) there is no maximum: what the iteration last reached is never returned.

Sources: McCullagh and Nelder 1989, 4.4; separation by a linear program, Konis 2007 after Albert and
Anderson 1984.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from registry.statistics.design import Design
from registry.statistics.risk_sets import Counts, Values

_STEPS, _HALVINGS = 60, 30
_TOLERANCE = 1e-11
_FAR = 10.0
"""Linear predictors beyond this raise the question whether there is a maximum at all."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Fitted probabilities by row and the information matrix, both at the maximum."""

    coefficients: Values
    probabilities: Values
    information: Values


@dataclass(frozen=True)
class NoFit:
    """There is no maximum, or it was not reached; the reason in words."""

    reason: str


def fit(found: Design, people: Counts, having: Counts) -> Fit | NoFit:
    """The regression of having on the design: `having` of `people` in each row."""
    matrix, beta = found.matrix, np.zeros(found.matrix.shape[1])
    likelihood = _likelihood(matrix @ beta, people, having)
    for _ in range(_STEPS):
        probabilities = special.expit(matrix @ beta)
        gradient = matrix.T @ (having - people * probabilities)
        information = _information(matrix, people, probabilities)
        if np.abs(gradient).max() <= _TOLERANCE * people.sum():
            break
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        beta, likelihood, moved = _halved(matrix, beta, step, likelihood, people, having)
        if not moved:
            break
    far = bool(np.abs(matrix @ beta).max() > _FAR)
    names = separating(found, people, having) if far else ()
    if names:
        return NoFit(f"the answers are separated by {', '.join(names)}: no weights exist")
    if np.abs(gradient).max() > 1e-6 * people.sum():
        return NoFit("the regression did not converge")
    return Fit(beta, probabilities, information)


def _likelihood(eta: Values, people: Counts, having: Counts) -> float:
    return float((having * eta - people * np.logaddexp(0, eta)).sum())


def _information(matrix: Values, people: Counts, probabilities: Values) -> Values:
    weights = people * probabilities * (1 - probabilities)
    information: Values = matrix.T @ (matrix * weights[:, None])
    return information


def _halved(
    matrix: Values, beta: Values, step: Values, before: float, people: Counts, having: Counts
) -> tuple[Values, float, bool]:
    """The longest of the step, its half, … after which the likelihood is not lower."""
    for halving in range(_HALVINGS):
        tried = beta + step / 2**halving
        likelihood = _likelihood(matrix @ tried, people, having)
        if likelihood >= before - 1e-12 * abs(before):
            return tried, likelihood, True
    return beta, before, False


def separating(found: Design, people: Counts, having: Counts) -> tuple[str, ...]:
    """The covariates of a combination that tells those who have it from those who do not."""
    some, others = found.matrix[having > 0], found.matrix[having < people]
    solved = optimize.linprog(
        others.sum(axis=0) - some.sum(axis=0),
        A_ub=np.vstack([-some, others]),
        b_ub=np.zeros(len(some) + len(others)),
        bounds=(-1, 1),
        method="highs",
    )
    if solved.x is None or -solved.fun < 1e-7:
        return ()
    used = np.abs(solved.x[1:]) > 1e-6
    owners = (owner for owner, is_used in zip(found.owners, used, strict=True) if is_used)
    return tuple(dict.fromkeys(owners))
