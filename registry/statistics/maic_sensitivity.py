"""What a matched share is worth: other resamples, one characteristic less, one patient less.

Source: Phillippo et al. 2016, NICE DSU TSD 18; Efron and Tibshirani 1993, chapter 13 (percentiles).
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from registry.statistics.design import Covariate
from registry.statistics.maic import Matched, match
from registry.statistics.moments import Mean, Target, known_rows, moments
from registry.statistics.risk_sets import Counts
from registry.statistics.tilting import NoWeights, tilt
from registry.statistics.values import Json
from registry.statistics.weighting import Refused

SEED = 1
PERCENTILES = "percentiles of resamples, weighted anew in each"
MEANS_ONLY = "means only, without standard deviations"
LARGEST = "without the patient of the largest weight"


@dataclass(frozen=True)
class Variant:
    """The same matching with something left out, and what it then gives."""

    without: str
    found: Matched | Refused


@dataclass(frozen=True)
class Resampled:
    """Percentile limits and spread of the weighted share in resamples, the weights made anew in
    each; `failed` is how many had none. The limits are None where half or more failed.
    """

    lower: float | None
    upper: float | None
    se: float | None
    resamples: int
    failed: int
    seed: int
    level: float = 0.95

    def as_json(self) -> Json:
        return {"method": PERCENTILES} | asdict(self)


def variants(
    targets: Sequence[Target], covariates: Sequence[Covariate], people: Counts, having: Counts
) -> Iterator[Variant]:
    """Means alone, then without each covariate, then without the most influential patient.

    The last is one of the outcome that its pattern has more of.
    """
    if any(isinstance(each, Mean) and each.sd is not None for each in targets):
        means = [replace(t, sd=None) if isinstance(t, Mean) else t for t in targets]
        yield Variant(MEANS_ONLY, match(means, covariates, people, having))
    names = dict.fromkeys(target.covariate for target in targets)
    for name in names if len(names) > 1 else ():
        others = [target for target in targets if target.covariate != name]
        yield Variant(f"without {name}", match(others, covariates, people, having))
    one_less = _without_heaviest(targets, covariates, people, having)
    if one_less is not None:
        yield Variant(LARGEST, match(targets, covariates, *one_less))


def _without_heaviest(
    targets: Sequence[Target], covariates: Sequence[Covariate], people: Counts, having: Counts
) -> tuple[Counts, Counts] | None:
    rows = np.flatnonzero(known_rows(targets, covariates) & (people > 0))
    inside = np.isin(np.arange(people.size), rows)
    found = tilt(moments(targets, covariates, inside), people[rows])
    if isinstance(found, NoWeights):
        return None
    place = rows[int(np.argmax(found.weights))]
    fewer, fewer_having = people.copy(), having.copy()
    fewer[place] -= 1
    fewer_having[place] -= int(2 * having[place] > people[place])
    return fewer, fewer_having


def resampled(
    targets: Sequence[Target],
    covariates: Sequence[Covariate],
    people: Counts,
    having: Counts,
    *,
    resamples: int,
    seed: int = SEED,
    level: float = 0.95,
) -> Resampled:
    """The bootstrap: as many patients drawn anew with replacement, from a recorded seed."""
    rows = known_rows(targets, covariates) & (people > 0)
    found, dice = moments(targets, covariates, rows), np.random.default_rng(seed)
    cells = np.concatenate([having[rows], (people - having)[rows]])
    shares = []
    for _ in range(resamples):
        yes, no = dice.multinomial(cells.sum(), cells / cells.sum()).reshape(2, -1)
        present = yes + no > 0
        some = replace(found, columns=found.columns[present])
        weighted = tilt(some, (yes + no)[present])
        if not isinstance(weighted, NoWeights):
            shares.append(float(weighted.weights @ yes[present]))
    failed = resamples - len(shares)
    if 2 * failed >= resamples:
        return Resampled(None, None, None, resamples, failed, seed, level)
    tail = (1 - level) / 2
    lower, upper = np.quantile(shares, [tail, 1 - tail])
    se = float(np.std(shares, ddof=1))
    return Resampled(float(lower), float(upper), se, resamples, failed, seed, level)
