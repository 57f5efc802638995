"""Counts of one wave: who is due, what became of the questionnaire, and the outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CTE, ColumnElement, RowMapping, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from registry.models import Disposition, ResponseStatus, known
from registry.protocols import Outcome
from registry.queries.sufficient import Cut, counted, day_of, people, seen
from registry.queries.sufficient_contacts import known_alive
from registry.queries.sufficient_covariates import (
    Patterns,
    baseline_columns,
    ordered,
    patterns,
    with_baseline,
)
from registry.queries.sufficient_outcomes import TIMED, outcome_columns
from registry.statistics.missing import OutcomeCounts
from registry.statistics.response_rates import Dispositions
from surveys.timepoints import Timepoint

COMPLETE, PARTIAL, BROKEN_OFF = 0, 1, 2


@dataclass(frozen=True)
class WaveCounts:
    """The sufficient statistics of one wave; `due` is the sum of the dispositions.

    `days`: of TIMED outcomes, the days at risk of those due, to the first event or the target day.
    """

    timepoint: Timepoint
    due: int
    not_yet_due: int
    dispositions: Dispositions
    out_of_window: int
    duplicates: int
    outcomes: Mapping[str, OutcomeCounts]
    days: Mapping[str, int]
    patterns: Patterns = field(default_factory=Patterns, repr=False, compare=False)


def waves(
    session: Session,
    cut: Cut,
    timepoints: Sequence[Timepoint],
    outcomes: Sequence[Outcome],
    covariates: Sequence[str] = (),
) -> dict[int, WaveCounts]:
    """The counts at each time-point, by month, of the outcomes that the protocol wants there, also
    by the patterns of the baseline covariates.
    """
    due = _due(session, cut, timepoints)
    spare = _spare(session, cut, timepoints)
    return {
        each.month: _wave(
            session, cut, each, outcomes, covariates, due[index], spare.get(each.month, (0, 0))
        )
        for index, each in enumerate(timepoints)
    }


def wave(
    session: Session, cut: Cut, timepoint: Timepoint, outcomes: Sequence[Outcome]
) -> WaveCounts:
    """The counts at one time-point."""
    return waves(session, cut, [timepoint], outcomes)[timepoint.month]


def _wave(
    session: Session,
    cut: Cut,
    timepoint: Timepoint,
    outcomes: Sequence[Outcome],
    covariates: Sequence[str],
    due: tuple[int, int],
    spare: tuple[int, int],
) -> WaveCounts:
    asked = [outcome for outcome in outcomes if timepoint.month in outcome.months]
    each = fates(cut, timepoint, asked, covariates)
    by = ["letter", *baseline_columns(covariates)]
    found = session.execute(counts_by(each, by, asked)).mappings().all()
    rows = ordered(found, covariates)
    return WaveCounts(
        timepoint,
        *due,
        _dispositions(rows),
        *spare,
        {outcome.code: _outcome(rows, index) for index, outcome in enumerate(asked)},
        {
            outcome.code: sum(int(row[f"days{index}"]) for row in rows)
            for index, outcome in enumerate(asked)
            if outcome.kind in TIMED
        },
        patterns(rows, covariates, {outcome.code: index for index, outcome in enumerate(asked)}),
    )


def _due(session: Session, cut: Cut, timepoints: Sequence[Timepoint]) -> list[tuple[int, int]]:
    """Due and not yet due, in the order of the time-points."""
    person = people(cut)
    closed = [person.c.cut_day >= each.closes_day for each in timepoints]
    sums = [*map(counted, closed), *(counted(~condition) for condition in closed)]
    counts = [int(count) for count in session.execute(select(*sums)).one()]
    return list(zip(counts[: len(closed)], counts[len(closed) :], strict=True))


def _answers(person: CTE, cut: Cut, timepoints: Sequence[Timepoint]) -> CTE:
    """All answers of the time-points, ranked: what was sent is complete or partial, what was saved
    and never sent is at most partial. `first` numbers those inside the window, the counting one 1.
    """
    status = ResponseStatus
    day = day_of(status.answered_on, person)
    rank = case(
        (and_(status.status == "complete", status.submitted_at.is_not(None)), COMPLETE),
        (status.status == "break_off", BROKEN_OFF),
        else_=PARTIAL,
    )
    windows = [
        and_(status.month == each.month, day.between(each.opens_day, each.closes_day))
        for each in timepoints
    ]
    inside = case((or_(*windows), 1), else_=0)
    number = func.row_number().over(
        partition_by=(person.c.patient_id, status.month, inside),
        order_by=(rank, day, status.response_id),
    )
    return (
        select(
            person.c.patient_id,
            person.c.cut_day,
            status.response_id,
            status.month,
            rank.label("rank"),
            inside.label("inside"),
            number.label("first"),
            case((status.submitted_at.is_not(None), 1), else_=0).label("sent"),
        )
        .join(status, status.patient_id == person.c.patient_id)
        .where(
            known(status, cut.known_at),
            status.month.in_([each.month for each in timepoints]),
            seen(person, status.answered_on, cut),
        )
        .cte("wave_answer")
    )


def _spare(
    session: Session, cut: Cut, timepoints: Sequence[Timepoint]
) -> dict[int, tuple[int, int]]:
    """By month, answers sent by the due: outside the window, and inside beside the counting one."""
    answers = _answers(people(cut), cut, timepoints)
    sent = and_(answers.c.sent == 1, answers.c.rank != BROKEN_OFF)
    closes = case({each.month: each.closes_day for each in timepoints}, value=answers.c.month)
    rows = session.execute(
        select(
            answers.c.month,
            counted(and_(sent, answers.c.inside == 0)),
            counted(and_(sent, answers.c.inside == 1, answers.c.first > 1)),
        )
        .where(answers.c.cut_day >= closes)
        .group_by(answers.c.month)
    )
    return {month: (int(outside), int(more)) for month, outside, more in rows}


def fates(
    cut: Cut, timepoint: Timepoint, outcomes: Sequence[Outcome], covariates: Sequence[str]
) -> CTE:
    """One row per due patient: disposition, covariates and, per outcome, whether they have it."""
    person = people(cut)
    answers = _answers(person, cut, [timepoint])
    log = _log(person, cut, timepoint)
    counting = and_(
        answers.c.patient_id == person.c.patient_id, answers.c.inside == 1, answers.c.first == 1
    )
    letter = _letter(person, answers.c.rank, log, cut, timepoint)
    tables = (
        select(person)
        .outerjoin(answers, counting)
        .outerjoin(log, log.c.patient_id == person.c.patient_id)
    )
    tables, baseline = with_baseline(tables, person, cut, covariates)
    return outcome_columns(tables, person, answers, letter, cut, timepoint, outcomes, baseline)


def _letter(
    person: CTE, rank: ColumnElement[int], log: CTE, cut: Cut, timepoint: Timepoint
) -> ColumnElement[str]:
    """The disposition: the first rule that applies."""
    lost = and_(log.c.undeliverable == 1, ~known_alive(person, cut, timepoint.closes_day))
    return case(
        (rank == COMPLETE, "I"),
        (rank == PARTIAL, "P"),
        (person.c.death_day <= timepoint.closes_day, "NE"),
        (person.c.left_day <= timepoint.closes_day, "R"),
        (rank == BROKEN_OFF, "R"),
        (log.c.refused == 1, "R"),
        (log.c.other == 1, "O"),
        (lost, "U"),
        else_="NC",
    )


def _log(person: CTE, cut: Cut, timepoint: Timepoint) -> CTE:
    """What calls, bounces and imports say of the patients' time-point."""
    note = Disposition

    def noted(code: str) -> ColumnElement[int]:
        return func.max(case((note.code == code, 1), else_=0)).label(code)

    return (
        select(person.c.patient_id, noted("refused"), noted("other"), noted("undeliverable"))
        .join(note, note.patient_id == person.c.patient_id)
        .where(
            known(note, cut.known_at),
            note.month == timepoint.month,
            or_(note.noted_on.is_(None), seen(person, note.noted_on, cut)),
        )
        .group_by(person.c.patient_id)
        .cte("survey_log")
    )


def counts_by(due: CTE, by: Sequence[str], outcomes: Sequence[Outcome]) -> Select[Any]:
    """People by columns of `fates` with the counts of each outcome beside them."""
    sums: list[ColumnElement[Any]] = []
    for index, outcome in enumerate(outcomes):
        within, has, dead = (due.c[f"{name}{index}"] for name in ("within", "has", "dead"))
        sums += [
            counted(within == 1).label(f"due{index}"),
            counted(and_(within == 1, has == 1)).label(f"yes{index}"),
            counted(and_(within == 1, has == 0)).label(f"no{index}"),
            counted(and_(within == 1, has.is_(None), dead == 1)).label(f"dead{index}"),
        ]
        if outcome.kind in TIMED:
            days = case((within == 1, due.c[f"days{index}"]), else_=0)
            sums.append(func.sum(days).label(f"days{index}"))
    groups = [due.c[name] for name in by]
    return select(*groups, func.count().label("people"), *sums).group_by(*groups)


def _dispositions(rows: Sequence[RowMapping]) -> Dispositions:
    people: dict[str, int] = {}
    for row in rows:
        people[row["letter"]] = people.get(row["letter"], 0) + int(row["people"])
    return Dispositions.from_letters(people)


def _outcome(rows: Sequence[RowMapping], index: int) -> OutcomeCounts:
    due, yes, no, dead = (
        sum(int(row[f"{name}{index}"]) for row in rows) for name in ("due", "yes", "no", "dead")
    )
    return OutcomeCounts(due, yes, no, dead)
