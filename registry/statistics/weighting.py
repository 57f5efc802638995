"""The outcome of those who answered, weighted for who answers: inverse probability weighting.

Each answer counts for as many people as it stands for: one over the chance of answering that a
logistic regression on baseline covariates gives to people like that. Right if, among people with
the same covariates, those who answered are like those who did not, and none had no chance to.

The dead are no silent people: they do not have the outcome. The share of all due is the weighted
share of the living times the share that lives, and its error allows for both.

Sources: Seaman and White 2013 (weighting); Stefanski and Boos 2002 (M-estimation: the error allows
for the weights being estimated); Hajek 1971 (the ratio form); Kish 1965 (effective sample size).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from registry.statistics.design import UNKNOWN, Covariate, Design, design
from registry.statistics.logistic import Fit, NoFit, fit
from registry.statistics.proportions import clopper_pearson
from registry.statistics.risk_sets import Counts, Values
from registry.statistics.values import Json, number, z_value

PER_PARAMETER = 10
_BEYOND = 0.005  # further outside the bounds of the silent than rounding of weights explains


@dataclass(frozen=True)
class Refused:
    """No weights: the reason in words."""

    refused: str

    def as_json(self) -> Json:
        return {"refused": self.refused}


@dataclass(frozen=True)
class Balance:
    """One column of the model: its mean in the living due, the answering, and these weighted."""

    name: str
    living: float
    answering: float
    weighted: float
    spread: float

    @property
    def difference(self) -> float:
        """Standardised difference of the answering from the living, unweighted."""
        return (self.answering - self.living) / self.spread

    @property
    def difference_weighted(self) -> float:
        """The same, weighted."""
        return (self.weighted - self.living) / self.spread


@dataclass(frozen=True)
class Weighted:
    """The share of all due (`estimate`, limits, `se`), of the living (`mu`, `se_mu`), the weights.

    `se_fixed` would be the error of mu if the weights were known; `reason` says what was left out
    or is doubtful.
    """

    estimate: float
    lower: float
    upper: float
    se: float
    mu: float
    se_mu: float
    se_fixed: float
    ess: float
    weight_max: float
    covariates: tuple[str, ...]
    balance: tuple[Balance, ...]
    level: float = 0.95
    reason: str | None = None

    def as_json(self) -> Json:
        names = ("estimate", "mu", "lower", "upper", "se", "ess", "weight_max")
        written: Json = {name: number(getattr(self, name)) for name in names}
        written["covariates"] = list(self.covariates)
        return written if self.reason is None else written | {"reason": self.reason}


@dataclass(frozen=True, eq=False)
class DueCounts:
    """Of the due in each row: with the outcome, without it, dead without an answer; arrays."""

    due: Counts
    yes: Counts
    no: Counts
    dead: Counts

    @property
    def living(self) -> Counts:
        return self.due - self.dead

    @property
    def answered(self) -> Counts:
        return self.yes + self.no

    def rows(self, wanted: NDArray[np.bool_]) -> "DueCounts":
        """Some of the rows."""
        return DueCounts(self.due[wanted], self.yes[wanted], self.no[wanted], self.dead[wanted])


def weighted(
    counts: DueCounts, covariates: Sequence[Covariate], level: float = 0.95
) -> Weighted | Refused:
    """The composite share by weighting; covariates in the order in which they are given up last.

    Every row stands for people of the same covariates; rows may repeat. Refused, by name, where a
    category has nobody who answered and where the answers are separated.
    """
    none = _nobody(counts)
    if none is not None:
        return Refused(none)
    alive = counts.living > 0
    rows = counts.rows(alive)
    here = [
        Covariate(each.name, [v for v, is_in in zip(each.values, alive, strict=True) if is_in])
        for each in covariates
    ]
    if (rows.answered == rows.living).all():
        model, said = design([], rows.living), "everyone alive answered: no weights are needed"
    else:
        model, said = _affordable(here, rows)
        silent = _silent_category([c for c in here if c.name in model.covariates], rows)
        if silent is not None:
            return Refused(silent)
    found = fit(model, rows.living, rows.answered)
    if isinstance(found, NoFit):
        return Refused(found.reason)
    return _estimated(counts, rows, model, found, said, level)


def _nobody(counts: DueCounts) -> str | None:
    if not counts.due.any():
        return "no patient is due yet"
    if not counts.living.any():
        return "no patient due has lived so far"
    return None if counts.answered.any() else "nobody answered"


def _affordable(covariates: Sequence[Covariate], rows: DueCounts) -> tuple[Design, str]:
    """The model of as many covariates, from the first on, as there are answers and silences for."""
    fewer = int(min(rows.answered.sum(), (rows.living - rows.answered).sum()))
    for kept in range(len(covariates), -1, -1):
        model = design(covariates[:kept], rows.living)
        if len(model.names) * PER_PARAMETER <= fewer:
            break
    said = []
    if kept < len(covariates):
        names = ", ".join(each.name for each in covariates[kept:])
        said.append(
            f"fewer than {PER_PARAMETER} answers or silences per parameter: without {names}"
        )
    same = [each.name for each in covariates[:kept] if each.name not in model.covariates]
    if same:
        said.append(f"the same for everyone, or told by the others: {', '.join(same)}")
    if not model.names:
        said.append("no covariate is used: this is the share of those who answered")
    return model, "; ".join(said)


def _silent_category(covariates: Sequence[Covariate], rows: DueCounts) -> str | None:
    """The first category of which nobody answered, in words."""
    for each in covariates:
        for value, inside in (each.groups() or {}).items():
            if not (inside * rows.answered).any():
                people = int((inside * rows.living).sum())
                told = UNKNOWN if value is None else _plain(value)
                return f"nobody with {each.name} {told} answered (0 of {people}): no weights exist"
    return None


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _estimated(
    counts: DueCounts, rows: DueCounts, model: Design, found: Fit, said: str, level: float
) -> Weighted:
    weight = 1 / found.probabilities
    total = float((weight * rows.answered).sum())
    squares = float((weight**2 * rows.answered).sum())
    mu = float((weight * rows.yes).sum()) / total
    living, due = int(rows.living.sum()), int(counts.due.sum())
    lives = living / due
    se_mu = _sandwich(rows, model, found, mu)
    errors = rows.yes * (1 - mu) ** 2 + rows.no * mu**2
    se = float(np.sqrt(lives**2 * se_mu**2 + mu**2 * lives * (1 - lives) / due))
    result = Weighted(
        estimate=mu * lives,
        lower=np.nan,
        upper=np.nan,
        se=se,
        mu=mu,
        se_mu=se_mu,
        se_fixed=float(np.sqrt((weight**2 * errors).sum())) / total,
        ess=total**2 / squares,
        weight_max=float(weight[rows.answered > 0].max()),
        covariates=model.covariates,
        balance=_balance(rows, model, weight),
        level=level,
        reason=said or None,
    )
    return _with_doubts(_limited(result, lives), counts)


def _sandwich(rows: DueCounts, model: Design, found: Fit, mu: float) -> float:
    """The error of mu from the stacked equations of the regression and of the weighted mean."""
    x, p, living = model.matrix, found.probabilities, rows.living.sum()
    weight, mean = 1 / p, float((rows.answered / p).sum() / living)
    pull = (1 - p) / p * (rows.yes * (1 - mu) - rows.no * mu)
    h = -(x * pull[:, None]).sum(axis=0) / living
    bread = np.linalg.solve(found.information / living, h)
    drawn = x @ bread
    phi = {
        "yes": weight * (1 - mu) + drawn * (1 - p),
        "no": -weight * mu + drawn * (1 - p),
        "silent": -drawn * p,
    }
    silent = rows.living - rows.answered
    squares = rows.yes * phi["yes"] ** 2 + rows.no * phi["no"] ** 2 + silent * phi["silent"] ** 2
    return float(np.sqrt(squares.sum())) / mean / float(living)


def _limited(found: Weighted, lives: float) -> Weighted:
    """Limits on the logit scale; of a share of 0 or 1 Clopper-Pearson's with n the effective size,
    rounded down.
    """
    share = found.estimate
    if 0 < found.mu < 1:
        half = z_value(found.level) * found.se / (share * (1 - share))
        middle = float(special.logit(share))
        lower, upper = (float(special.expit(middle + sign * half)) for sign in (-1, 1))
        return replace(found, lower=lower, upper=upper)
    size = max(1, int(found.ess + 1e-9))
    exact = clopper_pearson(round(found.mu * size), size, found.level)
    lower, upper = exact.lower or 0.0, 1.0 if exact.upper is None else exact.upper
    return replace(found, lower=lower * lives, upper=upper * lives)


def _with_doubts(found: Weighted, counts: DueCounts) -> Weighted:
    """A share outside what no and all silent people could make it comes of extreme weights."""
    due, yes = int(counts.due.sum()), int(counts.yes.sum())
    silent = int((counts.living - counts.answered).sum())
    if yes / due - _BEYOND <= found.estimate <= (yes + silent) / due + _BEYOND:
        return found
    doubt = "outside the bounds of the silent: the weights are extreme"
    return replace(found, reason=doubt if found.reason is None else f"{found.reason}; {doubt}")


def _balance(rows: DueCounts, model: Design, weight: Values) -> tuple[Balance, ...]:
    def mean(column: Values, by: Values) -> float:
        return float((column * by).sum() / by.sum())

    found = []
    for name, column in zip(model.names, model.raw.T, strict=True):
        middle = mean(column, rows.living.astype(np.float64))
        spread = mean((column - middle) ** 2, rows.living.astype(np.float64)) ** 0.5
        answered = rows.answered.astype(np.float64)
        means = mean(column, answered), mean(column, weight * answered)
        found.append(Balance(name, middle, *means, spread))
    return tuple(found)
