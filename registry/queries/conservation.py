"""Whether the plan adds up: every follow-up that was planned is there, and in one state.

Counted by the database, each table read once and nothing sorted: the time grows with the tables,
never with patients times tables. What should be there is known from elsewhere: a patient's
time-points from their protocol, letters and patients from the audit trail, which takes no deletion.
Two sets of numbers are held to be the same if their count, their sum and the sum of their remains
are; only where they are not is it looked for who it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from registry.models import (
    AuditEvent,
    Conservation,
    FollowUp,
    Instance,
    OutboxEmail,
    Patient,
    ProtocolVersion,
    Response,
    ResponseStatus,
    known,
)
from registry.queries import protocols
from surveys.lifecycle import FollowUpState

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = range(1, 5)
PAUSE_OF_A_DEMONSTRATION = timedelta(days=90)
MOST = 100  # faults that are named
WAITS = (FollowUpState.PLANNED, FollowUpState.OPEN)
ANSWERED = (FollowUpState.ANSWERED, FollowUpState.ANSWERED_LATE)
LETTERS = ("letter.queued", "letter.dropped")
ENROLLED = "patient.enrolled"
PLACES = 256  # more than there are months between any time-points
PRIME = 1_000_003


Plan: TypeAlias = tuple[int, list[int], int]
Faults: TypeAlias = tuple[int, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Reckoning:
    """`planned` follow-ups by protocol and patient; `states` of those there are; `faults`: how many
    disagreements, of which `found` names the first as (study number or what, in words).
    """

    patients: int
    planned: int
    states: Mapping[str, int]
    faults: int
    found: Sequence[tuple[str, str]]

    @property
    def is_clean(self) -> bool:
        """Whether all that was planned is accounted for, once."""
        return not self.faults


def newest(session: Session) -> Conservation | None:
    """The last reckoning that was kept."""
    return session.scalars(select(Conservation).order_by(Conservation.id.desc()).limit(1)).first()


def is_due(session: Session, at: datetime) -> bool:
    """Whether it is night (UTC) and the last reckoning is a night old; or there was none for two
    days. A demonstration, whose nights are seconds, reckons now and then.
    """
    last = newest(session)
    if last is None:
        return session.scalar(select(Patient.id).limit(1)) is not None
    age = at - last.ran_at
    if session.scalar(select(Instance.demo_now)) is not None:
        return age > PAUSE_OF_A_DEMONSTRATION
    return age > 2 * DAY or (age > DAY - 4 * HOUR and at.hour in NIGHT)


def reckon(session: Session) -> Reckoning:
    """Count everything anew: one pass over each table, and a closer look where it disagrees."""
    plans = list(_plans(session))
    patients = sum(count for _, _, count in plans)
    planned = sum(count * len(months) for _, months, count in plans)
    all_months = sorted({month for _, months, _ in plans for month in months})
    counted = _row(session, _pass(all_months))
    faults, found = 0, list[tuple[str, str]]()
    for number, named in (
        *_of_plans(session, plans, counted),
        *_of_states(session, counted),
        *_of_trail(session),
    ):
        faults, found = faults + number, [*found, *named]
    states = {state.value: counted[state] for state in FollowUpState if counted[state]}
    return Reckoning(patients, planned, states, faults, found[:MOST])


def _pass(months: Sequence[int]) -> Select[Any]:
    """All that is counted of the follow-ups, in one reading of them: by state, by month, those
    whose end does not fit their state, and the set of those that are answered.
    """
    answered = case((FollowUp.state.in_(ANSWERED), _place(FollowUp)))
    columns: list[ColumnElement[Any]] = [
        *(_how_many(FollowUp.state == state).label(state) for state in FollowUpState),
        *(_how_many(FollowUp.month == month).label(f"month {month}") for month in months),
        _how_many(_unended()).label("unended"),
        *_set_of(answered, "given"),
    ]
    return select(*columns).where(FollowUp.month > 0)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _place(of: type[FollowUp] | type[ResponseStatus]) -> ColumnElement[int]:
    """A number for a patient's time-point."""
    return of.patient_id * PLACES + of.month


def _set_of(number: Any, name: str) -> list[ColumnElement[Any]]:
    """What tells a set of numbers from another: how many, their sum, the sum of the remains of
    their squares. No row counts where there is no number.
    """
    rest = number % PRIME  # the square of the number itself may be too large
    sums = (func.sum(number), func.sum(rest * rest % PRIME))
    found = [func.count(number), *(func.coalesce(one, 0) for one in sums)]
    return [one.label(f"{name} {place}") for place, one in enumerate(found)]


def _set(counted: Mapping[str, Any], name: str) -> list[int]:
    return [int(counted[f"{name} {place}"]) for place in range(3)]


def _row(session: Session, rows: Select[Any]) -> Mapping[str, Any]:
    return dict(session.execute(rows).one()._mapping)


def _of_plans(
    session: Session, plans: Sequence[Plan], counted: Mapping[str, int]
) -> Iterator[Faults]:
    """Patients who lack a follow-up. Nobody has one month twice (a unique index), so with one plan
    as many rows of a month as patients means that everybody has it.
    """
    if len(plans) == 1 and all(counted[f"month {one}"] == plans[0][2] for one in plans[0][1]):
        return
    for protocol_id, months, _ in plans:
        yield _of_plan(session, protocol_id, months)


def _of_states(session: Session, counted: Mapping[str, Any]) -> Iterator[Faults]:
    if counted["unended"]:
        words = "has a follow-up that is over without an end, or waits with one"
        yield _named(session, _in_state(_unended()), words)
    given = select(*_set_of(_place(ResponseStatus), "given"))
    kept = _row(session, given.where(*_is_sent(), ResponseStatus.month > 0))
    if _set(counted, "given") != _set(kept, "given"):
        words = "has a follow-up marked as answered without answers"
        yield _named(session, _in_state(_unanswered()), words)
        words = "has answers that were sent, and a follow-up that waits"
        yield _named(session, _answered_unseen(), words)
    words = "has an open follow-up for which no letter was ever written"
    yield _named(session, _in_state(_silent()), words)


def _of_trail(session: Session) -> Iterator[Faults]:
    told = _row(session, _told())
    letters = _row(session, select(*_set_of(OutboxEmail.patient_id, "letters")))
    if _set(letters, "letters") != _set(told, "letters"):
        words = "has another number of letters than the trail tells of"
        yield _named(session, _letters(), words)
    people = _row(session, select(*_set_of(Patient.id, "people")))
    if _set(people, "people") != _set(told, "people"):
        words = "is in the trail and not among the patients, or the other way round"
        yield _named(session, _people(), words)


def _told() -> Select[Any]:
    """Of whom the trail tells that they were enrolled, and whom a letter was written to."""
    patient = cast(func.substr(AuditEvent.subject, len("patient:") + 1), BigInteger)
    is_letter = AuditEvent.action.in_(LETTERS)
    return select(
        *_set_of(case((is_letter, patient)), "letters"),
        *_set_of(case((AuditEvent.action == ENROLLED, patient)), "people"),
    ).where(AuditEvent.action.in_((ENROLLED, *LETTERS)), AuditEvent.subject.like("patient:%"))


def _plans(session: Session) -> Iterator[Plan]:
    """Each protocol that patients were enrolled under: its id, its months, their number."""
    counts = select(Patient.protocol_id, func.count()).group_by(Patient.protocol_id)
    known_ids = set(session.scalars(select(ProtocolVersion.id)))
    for protocol_id, count in session.execute(counts).all():
        if protocol_id in known_ids:
            points = protocols.of_id(session, protocol_id).protocol.timepoints
            yield protocol_id, [one.month for one in points], count


def _of_plan(session: Session, protocol_id: int, months: Sequence[int]) -> Faults:
    here = func.count(FollowUp.id)
    mine = and_(FollowUp.patient_id == Patient.id, FollowUp.month.in_(months))
    rows = (
        select(Patient.study_number, here)
        .outerjoin(FollowUp, mine)
        .where(Patient.protocol_id == protocol_id)
        .group_by(Patient.id, Patient.study_number)
        .having(here != len(months))
    )
    return _named(
        session, rows, f"{{}} of {len(months)} planned follow-ups are there: rows are gone"
    )


def _named(session: Session, rows: Any, words: str) -> Faults:
    """How many rows, and the first of them in words (a second column is filled in)."""
    found = session.execute(rows.limit(MOST + 1)).all()
    total = len(found)
    if total > MOST:
        total = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
    return total, [(str(row[0]), words.format(*row[1:])) for row in found[:MOST]]


def _in_state(condition: ColumnElement[bool]) -> Select[Any]:
    return (
        select(Patient.study_number)
        .join(FollowUp, FollowUp.patient_id == Patient.id)
        .where(FollowUp.month > 0, condition)
    )


def _unended() -> ColumnElement[bool]:
    return FollowUp.state.in_(WAITS) == FollowUp.ended_at.is_not(None)


def _is_sent() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return known(ResponseStatus), ResponseStatus.submitted_at.is_not(None)


def _unanswered() -> ColumnElement[bool]:
    """Also an imported answer settles its time-point, and has no link to the follow-up."""
    sent = exists().where(
        ResponseStatus.patient_id == FollowUp.patient_id,
        ResponseStatus.month == FollowUp.month,
        *_is_sent(),
    )
    return and_(FollowUp.state.in_(ANSWERED), ~sent)


def _answered_unseen() -> Select[Any]:
    """From the answers, which are fewer than the follow-ups that wait."""
    return (
        select(Patient.study_number)
        .join(Response, Response.patient_id == Patient.id)
        .join(FollowUp, FollowUp.id == Response.follow_up_id)
        .join(ResponseStatus, ResponseStatus.response_id == Response.id)
        .where(*_is_sent(), FollowUp.month > 0, FollowUp.state.in_(WAITS))
    )


def _silent() -> ColumnElement[bool]:
    """Begun, nothing says why there is no letter, and there is none."""
    letter = exists().where(OutboxEmail.follow_up_id == FollowUp.id)
    return and_(
        FollowUp.state == FollowUpState.OPEN,
        FollowUp.state_reason.is_(None),
        FollowUp.link_asked_at.is_(None),
        ~letter,
    )


def _letters() -> Select[Any]:
    """Patients whose letters are more or fewer than were written down in the trail."""
    written = AuditEvent.action.in_(LETTERS)
    told = select(AuditEvent.subject.label("subject"), literal(1).label("n")).where(
        written, AuditEvent.subject.like("patient:%")
    )
    kept = select(_subject(OutboxEmail.patient_id).label("subject"), literal(-1)).where(
        OutboxEmail.patient_id.is_not(None)
    )
    return _unequal(union_all(told, kept).subquery())


def _people() -> Select[Any]:
    enrolled = select(AuditEvent.subject.label("subject"), literal(1).label("n")).where(
        AuditEvent.action == ENROLLED
    )
    kept = select(_subject(Patient.id).label("subject"), literal(-1))
    return _unequal(union_all(enrolled, kept).subquery())


def _subject(patient_id: Any) -> ColumnElement[str]:
    return literal("patient:").concat(cast(patient_id, String))


def _unequal(both: Subquery) -> Select[Any]:
    return select(both.c.subject).group_by(both.c.subject).having(func.sum(both.c.n) != 0)
