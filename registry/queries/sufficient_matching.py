"""The due by the baseline characteristics that studies print: what matching to them starts from."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from registry.protocols import Outcome
from registry.queries.sufficient import Cut
from registry.queries.sufficient_covariates import (
    Patterns,
    baseline_columns,
    known_names,
    ordered,
    patterns,
)
from registry.queries.sufficient_waves import counts_by, fates
from surveys.timepoints import Timepoint


def matching(
    session: Session,
    cut: Cut,
    outcomes: Mapping[Timepoint, Sequence[Outcome]],
    covariates: Sequence[str],
) -> dict[int, Patterns]:
    """By month, everyone due there by their covariates, those not known of anybody left out.

    One statement per time-point; as many rows as there are patterns of covariates.
    """
    known = set(known_names(session))
    names = [name for name in dict.fromkeys(covariates) if name in known]
    return {each.month: _due(session, cut, each, some, names) for each, some in outcomes.items()}


def _due(
    session: Session,
    cut: Cut,
    timepoint: Timepoint,
    outcomes: Sequence[Outcome],
    names: Sequence[str],
) -> Patterns:
    due = fates(cut, timepoint, outcomes, names)
    found = session.execute(counts_by(due, baseline_columns(names), outcomes)).mappings().all()
    places = {outcome.code: index for index, outcome in enumerate(outcomes)}
    return patterns(ordered(found, names), names, places)
