"""Whether each due patient has each outcome: yes, no, or not known, as columns of one row.

Answers and scores come from the complete answer that counts; laboratory outcomes from the last
judged result inside the window; events and deaths from all that happened by the target day of the
time-point (`horizon`), unknown for those who left the registry before it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, literal, null, select
from sqlalchemy.orm import aliased

from registry.models import Covariate, LabResult, OutcomeValue, known
from registry.protocols import Outcome, OutcomeKind
from registry.queries.sufficient import Cut, day_of, seen, smaller
from registry.queries.sufficient_events import first_days
from registry.statistics.rates import DAYS_PER_YEAR
from surveys.timepoints import Timepoint

Tables = Select[Any]
TIMED = (OutcomeKind.EVENT, OutcomeKind.DEATH)


def horizon(month: int) -> int:
    """The day by which an event counts for a time-point: 30, 91, 183, 365, 730."""
    return round(month * DAYS_PER_YEAR / 12)


def outcome_columns(
    tables: Tables,
    person: CTE,
    answers: CTE,
    letter: ColumnElement[str],
    cut: Cut,
    timepoint: Timepoint,
    outcomes: Sequence[Outcome],
    baseline: Sequence[ColumnElement[Any]] = (),
) -> CTE:
    """Per due patient `letter`, the columns of `baseline` and, for outcome i, `within{i}`,
    `has{i}` (NULL: not known) and `dead{i}`, each 1 or 0; of TIMED outcomes also `days{i}`, those
    at risk up to the target day.
    """
    columns: list[ColumnElement[Any]] = [letter.label("letter"), *baseline]
    events = [o.event for o in outcomes if o.event is not None]
    firsts = first_days(person, cut, events) if events else None
    if firsts is not None:
        tables = tables.outerjoin(firsts, firsts.c.patient_id == person.c.patient_id)
    # as in the disposition: whoever answered at least in part is not counted as dead
    answered = func.coalesce(answers.c.rank, 2) < 2
    by_day = horizon(timepoint.month)
    for index, outcome in enumerate(outcomes):
        tables, within = _population(tables, person, outcome, cut)
        match outcome.kind:
            case OutcomeKind.ANSWER | OutcomeKind.SCORE:
                tables, has = _told(tables, answers, outcome, cut)
                dead = and_(person.c.death_day <= timepoint.closes_day, ~answered)
            case OutcomeKind.LAB:
                has = _measured(person, outcome, cut, timepoint)
                dead = person.c.death_day <= timepoint.closes_day
            case _:
                first = _first(person, firsts, outcome, events)
                has, dead = _happened(person, first, by_day), person.c.death_day <= by_day
                columns.append(_at_risk(person, first, by_day).label(f"days{index}"))
        columns += [within.label(f"within{index}"), has.label(f"has{index}")]
        columns.append(case((dead, 1), else_=0).label(f"dead{index}"))
    due = tables.with_only_columns(*columns, maintain_column_froms=True)
    return due.where(person.c.cut_day >= timepoint.closes_day).cte("fate")


def _population(
    tables: Tables, person: CTE, outcome: Outcome, cut: Cut
) -> tuple[Tables, ColumnElement[int]]:
    """Whether the patient belongs to the outcome's population; an unknown covariate: no."""
    rule = outcome.population
    if rule is None:
        return tables, literal(1)
    baseline = aliased(Covariate)
    ours = and_(
        baseline.patient_id == person.c.patient_id,
        baseline.name == rule.covariate,
        baseline.number >= rule.at_least,
        known(baseline, cut.known_at),
    )
    return tables.outerjoin(baseline, ours), case((baseline.id.is_not(None), 1), else_=0)


def _told(
    tables: Tables, answers: CTE, outcome: Outcome, cut: Cut
) -> tuple[Tables, ColumnElement[Any]]:
    """The value that the counting answer, if it is complete, has for the outcome."""
    value = aliased(OutcomeValue)
    ours = and_(
        value.response_id == answers.c.response_id,
        answers.c.rank == 0,
        value.code == outcome.code,
        known(value, cut.known_at),
    )
    return tables.outerjoin(value, ours), case((value.value > 0, 1), (value.value <= 0, 0))


def _measured(person: CTE, outcome: Outcome, cut: Cut, timepoint: Timepoint) -> ColumnElement[Any]:
    """The last result inside the window that the laboratory's limits could judge.

    Looked up patient by patient: joined, SQLite would scan all results for each.
    """
    if outcome.lab is None:
        return null()
    result = aliased(LabResult)
    flagged = case((result.flag == outcome.lab.flag, 1), else_=0)
    return (
        select(flagged)
        .where(
            result.patient_id == person.c.patient_id,
            known(result, cut.known_at),
            result.test == outcome.lab.test,
            result.flag.is_not(None),
            seen(person, result.collected_on, cut),
            day_of(result.collected_on, person).between(timepoint.opens_day, timepoint.closes_day),
        )
        .order_by(result.collected_on.desc(), flagged.desc())
        .limit(1)
        .scalar_subquery()
    )


def _first(
    person: CTE, firsts: CTE | None, outcome: Outcome, events: Sequence[str]
) -> ColumnElement[Any]:
    """The day of the patient's first such event; death is one."""
    if outcome.kind is OutcomeKind.DEATH:
        return case((person.c.death_day <= person.c.end_day, person.c.death_day))
    if firsts is None or outcome.event is None:
        return null()
    return firsts.c[f"c{events.index(outcome.event)}"]


def _at_risk(person: CTE, first: ColumnElement[Any], by_day: int) -> ColumnElement[Any]:
    """Days to the first event, or to the end of follow-up, or to the day."""
    return smaller(func.coalesce(first, by_day), smaller(person.c.end_day, literal(by_day)))


def _happened(person: CTE, first: ColumnElement[Any], by_day: int) -> ColumnElement[Any]:
    """1 by the day, 0 if followed to it without; NULL for who died or left before."""
    return case(
        (first <= by_day, 1),
        (person.c.death_day <= by_day, null()),
        (person.c.left_day < by_day, null()),
        else_=0,
    )
