"""Sums of events and of days at risk, by clinic and by patient report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, func, literal, select
from sqlalchemy.orm import Session

from registry.models import ResponseStatus, known
from registry.queries.sufficient import Cut, counted, day_of, larger, people, seen, smaller
from registry.queries.sufficient_events import (
    clinic_events,
    labelled,
    reported_events,
    spelling,
)
from registry.statistics.rates import EventSums

Label = tuple[str, str]


@dataclass(frozen=True)
class LabelSums:
    """Patients with an event of one label, their events, and all days until the first of them."""

    patients: int
    sums: EventSums
    days_to_first: int


@dataclass(frozen=True)
class SafetyCounts:
    """One source of events. `people` are at risk, for `days` altogether.

    `before` and `after` count events outside follow-up; `labels` holds what was seen, by kind and
    key of the term, `spellings` how a term is written.
    """

    people: int
    days: int
    days_squared: int
    before: int
    after: int
    labels: Mapping[Label, LabelSums]
    spellings: Mapping[str, str]

    def of(self, label: Label) -> LabelSums:
        """The sums of a label; nobody had it if it was not seen."""
        none = EventSums(0, self.days, 0, 0, self.days_squared)
        return self.labels.get(label) or LabelSums(0, none, self.days)


@dataclass(frozen=True)
class Reported:
    """How many events patients told, and what the clinic made of them; `waiting`: nothing yet."""

    told: int = 0
    confirmed: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Safety:
    """Both sources, the events still to be looked at, and how many patients were ever asked."""

    clinic: SafetyCounts
    patient: SafetyCounts
    reported: Reported = field(default_factory=Reported)

    @property
    def never_asked(self) -> int:
        """Treated patients without an answered questionnaire."""
        return self.clinic.people - self.patient.people


def safety(session: Session, cut: Cut, named: Mapping[str, str]) -> Safety:
    """All that the safety tables need; `named`: category by the key of the term it stands for."""
    patient, reported = _by_patients(session, cut, named)
    return Safety(_by_clinic(session, cut, named), patient, reported)


def _by_clinic(session: Session, cut: Cut, named: Mapping[str, str]) -> SafetyCounts:
    person = people(cut)
    events = clinic_events(person, cut)
    labels = labelled(events, person, cut, named)
    first = _first_events(labels)
    each = (
        select(
            first.c.kind,
            first.c.name,
            first.c.e,
            person.c.end_day.label("t"),
            (person.c.end_day - first.c.first).label("lost"),
        )
        .join(person, person.c.patient_id == first.c.patient_id)
        .cte("each")
    )
    return _counts(session, person.c.end_day, _terms(session, events), each)


def _first_events(labels: CTE) -> CTE:
    """Per patient and label: how many events, and the day of the first."""
    return (
        select(
            labels.c.patient_id,
            labels.c.kind,
            labels.c.name,
            func.count().label("e"),
            func.min(labels.c.day).label("first"),
        )
        .group_by(labels.c.patient_id, labels.c.kind, labels.c.name)
        .cte("first_event")
    )


def _by_patients(
    session: Session, cut: Cut, named: Mapping[str, str]
) -> tuple[SafetyCounts, Reported]:
    person = people(cut)
    spells = _spells(person, cut)
    asked = _asked(spells)
    told = reported_events(person, asked, cut)
    events = select(told).where(told.c.state != "rejected").cte("accepted_event")
    labels = labelled(events, None, cut, named)
    first = _first_events(labels)
    after = larger(spells.c.stop - larger(spells.c.start, first.c.first), 0)
    each = (
        select(
            first.c.kind,
            first.c.name,
            func.max(first.c.e).label("e"),
            func.sum(larger(spells.c.stop - spells.c.start, 0)).label("t"),
            func.sum(after).label("lost"),
        )
        .join(spells, spells.c.patient_id == first.c.patient_id)
        .group_by(first.c.patient_id, first.c.kind, first.c.name)
        .cte("each")
    )
    terms = _terms(session, told, told.c.state)
    counts = {
        state: sum(term.events for term in terms if term.state == state)
        for state in ("confirmed", "waiting", "rejected")
    }
    reported = Reported(sum(counts.values()), counts["confirmed"], counts["waiting"])
    accepted = [term for term in terms if term.state != "rejected"]
    return _counts(session, asked.c.days, accepted, each), reported


def _spells(person: CTE, cut: Cut) -> CTE:
    """The days that answered questionnaires cover: one row per answer, none counted twice.

    An answer covers the days from its `recall_from` to the day it was given. Where that is not
    known it begins at the answer before, or at treatment. Answers stand in the order of their day;
    what a later one covers is taken off the earlier ones, so the spells of a patient never overlap.
    """
    answers = _answer_spells(person, cut)
    later = func.min(answers.c.start).over(
        partition_by=answers.c.patient_id,
        order_by=(answers.c.end.desc(), answers.c.response_id.desc()),
        rows=(None, -1),
    )
    return select(
        answers.c.patient_id,
        answers.c.start,
        answers.c.end,
        smaller(answers.c.end, func.coalesce(later, answers.c.end)).label("stop"),
    ).cte("spell")


def _answer_spells(person: CTE, cut: Cut) -> CTE:
    """One row per answer: from the day it asks about to the day it was given."""
    status = ResponseStatus
    day = day_of(status.answered_on, person)
    before = func.lag(day).over(
        partition_by=person.c.patient_id, order_by=(status.answered_on, status.response_id)
    )
    begins = func.coalesce(day_of(status.recall_from, person), before, 0)
    return (
        select(
            person.c.patient_id,
            status.response_id,
            larger(begins, 0).label("start"),
            smaller(day, person.c.end_day).label("end"),
        )
        .join(status, status.patient_id == person.c.patient_id)
        .where(
            known(status, cut.known_at),
            status.submitted_at.is_not(None),
            status.status.in_(("complete", "partial")),
            status.month > 0,
            seen(person, status.answered_on, cut),
        )
        .cte("answer_spell")
    )


def _asked(spells: CTE) -> CTE:
    """One row per patient who answered: days covered, and the last of them."""
    return (
        select(
            spells.c.patient_id,
            func.sum(larger(spells.c.stop - spells.c.start, 0)).label("days"),
            func.max(spells.c.end).label("last"),
        )
        .group_by(spells.c.patient_id)
        .cte("asked")
    )


def asked_people(person: CTE, cut: Cut) -> CTE:
    """One row per patient who answered at least once: days covered, and the last of them."""
    return _asked(_spells(person, cut))


@dataclass(frozen=True)
class _Term:
    """Events of one term, and of one state where they have one; `before`, `after` follow-up."""

    key: str
    spelling: str
    state: str
    events: int
    before: int
    after: int


def _terms(session: Session, events: CTE, state: ColumnElement[str] | None = None) -> list[_Term]:
    after = and_(events.c.day >= 0, func.coalesce(events.c.last, -1) < events.c.day)
    rows = session.execute(
        spelling(events)
        .add_columns(
            literal("") if state is None else state,
            func.count(),
            counted(events.c.day < 0),
            counted(after),
        )
        .group_by(*(() if state is None else (state,)))
    )
    return [_Term(key, text, of, *(int(n) for n in counts)) for key, text, of, *counts in rows]


def _counts(
    session: Session, days: ColumnElement[Any], terms: Sequence[_Term], each: CTE
) -> SafetyCounts:
    everyone = session.execute(select(func.count(), func.sum(days), func.sum(days * days))).one()
    people_, total, squared = (int(value or 0) for value in everyone)
    sums = session.execute(
        select(
            each.c.kind,
            each.c.name,
            func.count(),
            func.sum(each.c.e),
            func.sum(each.c.e * each.c.e),
            func.sum(each.c.e * each.c.t),
            func.sum(each.c.lost),
        ).group_by(each.c.kind, each.c.name)
    )
    labels = {
        (kind, name): LabelSums(
            int(patients),
            EventSums(int(e), total, int(e2), int(et), squared),
            total - int(lost),
        )
        for kind, name, patients, e, e2, et, lost in sums
    }
    spelled = sorted(((term.spelling, term.key) for term in terms), reverse=True)
    return SafetyCounts(
        people=people_,
        days=total,
        days_squared=squared,
        before=sum(term.before for term in terms),
        after=sum(term.after for term in terms),
        labels=labels,
        spellings={key: text for text, key in spelled},
    )
