"""The record of one patient, as the staff's pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import NotFound
from registry.models import (
    Administration,
    AdverseEvent,
    Alert,
    Consent,
    Covariate,
    Death,
    Demographics,
    Diagnosis,
    Disposition,
    FollowUp,
    LabResult,
    MailHold,
    Medicine,
    Observation,
    OutboxEmail,
    Patient,
    ReportedEvent,
    Response,
    ResponseStatus,
    Site,
    TreatmentCourse,
    Withdrawal,
    known,
)
from registry.models.versions import Versioned
from registry.protocols import Protocol
from registry.queries import protocols
from surveys.lifecycle import OutboxState

Fact = TypeVar("Fact", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Line:
    """One follow-up with its letters, calls, and the answer if one was begun."""

    follow_up: FollowUp
    letters: tuple[OutboxEmail, ...] = ()
    calls: tuple[Disposition, ...] = ()
    response: Response | None = None
    status: ResponseStatus | None = None

    @property
    def sent_on(self) -> tuple[date, ...]:
        """The days on which letters went out (UTC)."""
        return tuple(
            letter.ended_at.date()
            for letter in self.letters
            if letter.state == OutboxState.SENT and letter.ended_at
        )

    @property
    def is_sent(self) -> bool:
        """Whether the answers were sent, not only begun."""
        return self.status is not None and self.status.submitted_at is not None


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of one patient now, except who it is."""

    patient: Patient
    site: Site
    protocol: Protocol
    demographics: Demographics
    courses: Sequence[TreatmentCourse]
    administrations: Sequence[Administration]
    observations: Sequence[Observation]
    diagnosis: Diagnosis | None
    medicines: Sequence[Medicine]
    consents: Sequence[Consent]
    covariates: Sequence[Covariate]
    labs: Sequence[LabResult]
    events: Sequence[AdverseEvent]
    reported: Sequence[ReportedEvent]
    death: Death | None
    withdrawal: Withdrawal | None
    holds: Sequence[MailHold]
    alerts: Sequence[Alert]
    lines: Sequence[Line]

    @property
    def treated_on(self) -> date:
        """Day 0."""
        return self.courses[0].started_on

    @property
    def consent(self) -> Consent | None:
        """The newest consent."""
        return self.consents[-1] if self.consents else None

    def day(self, on: date) -> int:
        """Days since treatment."""
        return (on - self.treated_on).days


def record(session: Session, patient: Patient) -> Record:
    """Read the whole record."""

    def now(model: type[Fact], *order: Any) -> Sequence[Fact]:
        return current(session, model, patient.id, *order)

    diagnoses, deaths, withdrawals = now(Diagnosis), now(Death), now(Withdrawal)
    return Record(
        patient=patient,
        site=session.get_one(Site, patient.site_id),
        protocol=protocols.of_id(session, patient.protocol_id).protocol,
        demographics=now(Demographics)[0],
        courses=now(TreatmentCourse, TreatmentCourse.number),
        administrations=now(Administration, Administration.given_on),
        observations=now(Observation, Observation.observed_on),
        diagnosis=diagnoses[0] if diagnoses else None,
        medicines=now(Medicine, Medicine.medicine_class),
        consents=now(Consent, Consent.given_on),
        covariates=now(Covariate, Covariate.name),
        labs=now(LabResult, LabResult.test, LabResult.collected_on),
        events=now(AdverseEvent, AdverseEvent.onset_on.desc()),
        reported=now(ReportedEvent, ReportedEvent.recorded_at.desc()),
        death=deaths[0] if deaths else None,
        withdrawal=withdrawals[0] if withdrawals else None,
        holds=holds(session, patient.id),
        alerts=open_alerts(session, patient.id),
        lines=lines(session, patient.id),
    )


def current(session: Session, model: type[Fact], patient_id: int, *order: Any) -> Sequence[Fact]:
    """The current versions of the patient's facts of one kind."""
    table: Any = model
    return session.scalars(
        select(model).where(table.patient_id == patient_id, known(model)).order_by(*order, table.id)
    ).all()


def fact(session: Session, model: type[Fact], patient_id: int, key: str) -> Fact:
    """The current version of one fact of that patient. Raises NotFound, for other patients' too."""
    table: Any = model
    found = session.scalars(
        select(model).where(table.patient_id == patient_id, table.fact_key == key, known(model))
    ).one_or_none()
    if found is None:
        raise NotFound("This entry is not in the record, or was corrected in the meantime.")
    return found


def follow_up(session: Session, patient_id: int, month: int) -> FollowUp:
    """The patient's follow-up of that month. Raises NotFound."""
    found = session.scalars(
        select(FollowUp).where(FollowUp.patient_id == patient_id, FollowUp.month == month)
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no follow-up of month {month}.")
    return found


def alert(session: Session, patient_id: int, alert_id: int) -> Alert:
    """An alert of that patient. Raises NotFound."""
    found = session.get(Alert, alert_id)
    if found is None or found.patient_id != patient_id:
        raise NotFound("There is no such alert.")
    return found


def open_alerts(session: Session, patient_id: int) -> Sequence[Alert]:
    """The patient's alerts that nobody has closed."""
    return session.scalars(
        select(Alert)
        .where(Alert.patient_id == patient_id, Alert.closed_at.is_(None))
        .order_by(Alert.recorded_at)
    ).all()


def lines(session: Session, patient_id: int) -> list[Line]:
    """The plan of follow-ups by month, month 0 included once it was opened."""
    rows = session.scalars(
        select(FollowUp).where(FollowUp.patient_id == patient_id).order_by(FollowUp.month)
    ).all()
    letters = _by_follow_up(session, patient_id)
    calls = _calls(session, patient_id)
    answers = _answers(session, patient_id)
    return [
        Line(
            row,
            tuple(letters.get(row.id, ())),
            tuple(calls.get(row.month, ())),
            *answers.get(row.id, (None, None)),
        )
        for row in rows
    ]


def line(session: Session, patient_id: int, month: int) -> Line:
    """The follow-up of that month with its letters, calls and answer. Raises NotFound."""
    found = [one for one in lines(session, patient_id) if one.follow_up.month == month]
    if not found:
        raise NotFound(f"There is no follow-up of month {month}.")
    return found[0]


def letters_of(session: Session, patient_id: int) -> Sequence[OutboxEmail]:
    """Every letter to the patient, the newest first."""
    return session.scalars(
        select(OutboxEmail)
        .where(OutboxEmail.patient_id == patient_id)
        .order_by(OutboxEmail.queued_at.desc(), OutboxEmail.id.desc())
    ).all()


def _by_follow_up(session: Session, patient_id: int) -> dict[int, list[OutboxEmail]]:
    found: dict[int, list[OutboxEmail]] = {}
    for letter in reversed(letters_of(session, patient_id)):
        found.setdefault(letter.follow_up_id or 0, []).append(letter)
    return found


def _calls(session: Session, patient_id: int) -> dict[int, list[Disposition]]:
    found: dict[int, list[Disposition]] = {}
    for call in current(session, Disposition, patient_id, Disposition.noted_on):
        found.setdefault(call.month, []).append(call)
    return found


def _answers(
    session: Session, patient_id: int
) -> Mapping[int, tuple[Response, ResponseStatus | None]]:
    rows = session.execute(
        select(Response, ResponseStatus)
        .outerjoin(
            ResponseStatus, (ResponseStatus.response_id == Response.id) & known(ResponseStatus)
        )
        .where(Response.patient_id == patient_id, Response.follow_up_id.is_not(None))
    )
    return {response.follow_up_id or 0: (response, status) for response, status in rows}


def holds(session: Session, patient_id: int) -> Sequence[MailHold]:
    """Why the patient gets no letters, each kind by itself."""
    return session.scalars(
        select(MailHold).where(MailHold.patient_id == patient_id, MailHold.lifted_at.is_(None))
    ).all()
