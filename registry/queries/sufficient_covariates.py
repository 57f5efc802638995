"""Baseline covariates beside the due patients, and the patterns of them that share the counts.

`age` (whole years at treatment) and `sex` are known of patients apart; every other name is a
covariate of an import or of enrolment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import CTE, ColumnElement, RowMapping, and_, null, select
from sqlalchemy.orm import Session, aliased

from registry.models import Covariate, Demographics, known
from registry.queries.sufficient import Cut
from registry.queries.sufficient_outcomes import Tables
from registry.statistics import design
from registry.statistics.design import Value
from registry.statistics.weighting import DueCounts

OWN = ("age", "sex")


@dataclass(frozen=True, eq=False)
class Patterns:
    """The due by their covariates: rows of patterns, which may repeat, by outcome the counts."""

    covariates: tuple[design.Covariate, ...] = ()
    outcomes: Mapping[str, DueCounts] = field(default_factory=dict)


def known_names(session: Session) -> list[str]:
    """All covariates that are known of somebody, with age and sex."""
    names = session.scalars(select(Covariate.name).where(known(Covariate)).distinct())
    return sorted({*OWN, *names})


def with_baseline(
    tables: Tables, person: CTE, cut: Cut, names: Sequence[str]
) -> tuple[Tables, list[ColumnElement[Any]]]:
    """The tables with the covariates joined, and of each its `number{i}` and `code{i}`."""
    columns: list[ColumnElement[Any]] = []
    about = aliased(Demographics)
    if set(names) & set(OWN):
        ours = and_(about.patient_id == person.c.patient_id, known(about, cut.known_at))
        tables = tables.outerjoin(about, ours)
    for index, name in enumerate(names):
        value: tuple[Any, Any] = (about.age, null()) if name == "age" else (null(), about.sex)
        if name not in OWN:
            each = aliased(Covariate)
            ours = and_(
                each.patient_id == person.c.patient_id,
                each.name == name,
                known(each, cut.known_at),
            )
            tables, value = tables.outerjoin(each, ours), (each.number, each.code)
        columns += [value[0].label(f"number{index}"), value[1].label(f"code{index}")]
    return tables, columns


def baseline_columns(names: Sequence[str]) -> list[str]:
    """What `with_baseline` calls its columns."""
    return [f"{kind}{index}" for index, _ in enumerate(names) for kind in ("number", "code")]


def ordered(rows: Sequence[RowMapping], names: Sequence[str]) -> list[RowMapping]:
    """The rows in an order that is the same on every database: sums of fractions depend on it."""
    places = range(len(names))

    def key(row: RowMapping) -> tuple[str, list[tuple[int, float, str]]]:
        return row.get("letter", ""), [_rank(_value(row, i)) for i in places]

    return sorted(rows, key=key)


def _rank(value: Value) -> tuple[int, float, str]:
    if value is None:
        return (2, 0.0, "")
    return (1, 0.0, value) if isinstance(value, str) else (0, value, "")


def _value(row: RowMapping, index: int) -> Value:
    number, code = row[f"number{index}"], row[f"code{index}"]
    return code if number is None else float(number)


def patterns(
    rows: Sequence[RowMapping], names: Sequence[str], outcomes: Mapping[str, int]
) -> Patterns:
    """The rows as patterns; `outcomes`: the number that each outcome's columns carry, by code."""

    def column(name: str, index: int) -> Any:
        found = (int(row[f"{name}{index}"]) for row in rows)
        return np.fromiter(found, dtype=np.int64, count=len(rows))

    return Patterns(
        tuple(
            design.Covariate(name, [_value(row, index) for row in rows])
            for index, name in enumerate(names)
        ),
        {
            code: DueCounts(*(column(name, index) for name in ("due", "yes", "no", "dead")))
            for code, index in outcomes.items()
        },
    )
