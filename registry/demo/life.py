"""Day after day: the clinics work, the jobs run, letters arrive, people answer at the door."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from queue import SimpleQueue

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from registry.db import reading
from registry.demo import clinic, patients
from registry.demo.browser import Line
from registry.demo.door import HOST
from registry.demo.fates import FIRST_DAY
from registry.demo.files import Files
from registry.demo.truth import MONTHS, Note
from registry.demo.visitor import Visitor
from registry.demo.world import AFTERNOON, EVENING, LATER, MORNING, Someone, Visit, World
from registry.errors import DomainError
from registry.mail import SmtpMailer
from registry.models import FollowUp, OutboxEmail, Patient
from surveys.lifecycle import FollowUpState, OutboxState
from surveys.timepoints import add_months
from workers.schedule import run_jobs_once

HAND_OVER_DAY = 14  # of every month: the clinics' files
ON_TABLET = 0.6  # share of people who answer at enrolment
Tell = Callable[[date, str], None]


class JobFailed(DomainError):
    """A job of the registry failed."""


class Life:
    """Lives the days from the first to `end`, both included. `doors`: the ports at which people
    are let in, one at a time at each. `tell` hears what is happening.
    """

    def __init__(self, world: World, end: date, *, doors: Sequence[int], tell: Tell) -> None:
        self._world, self._end, self._tell = world, end, tell
        self._files = Files(world)
        self._mailer = SmtpMailer(world.post.url)
        self._lines: SimpleQueue[Line] = SimpleQueue()
        self._pool = ThreadPoolExecutor(len(doors))
        self._all_lines = [Line(HOST, port, world.port) for port in doors]
        for line in self._all_lines:
            self._lines.put(line)
        self._by_address = {one.fate.email: one for one in world.everyone if one.fate.email}

    @property
    def requests(self) -> int:
        """How often somebody's browser asked the door."""
        return sum(line.requests for line in self._all_lines)

    def live(self) -> None:
        """Every day."""
        day = FIRST_DAY
        while day <= self._end:
            self._morning(day)
            self._afternoon(day)
            self._evening(day)
            day += timedelta(days=1)
        self._files.write_whole()
        self._mailer.close()
        self._pool.shutdown()
        for line in self._all_lines:
            line.close()

    # ---- the clinics

    def _morning(self, day: date) -> None:
        self._world.today = day
        acts = self._world.mornings.pop(day, [])
        if day.day == HAND_OVER_DAY:
            acts.append(self._hand_over)
        if acts:
            self._world.move_to(day, MORNING)
        for act in acts:
            act(day)

    def _hand_over(self, day: date) -> None:
        """The clinics' files of the month: new patients, what was given and what happened."""
        new = [one for one in self._world.everyone if not one.patient_id and one.is_known(day)]
        self._files.hand_over(day, new)
        self._enrolled(new, day)
        known = sum(bool(one.patient_id) for one in self._world.everyone)
        self._tell(day, f"{known} patients, {self._world.post.letters} letters")

    def _enrolled(self, new: Sequence[Someone], day: date) -> None:
        world = self._world
        numbers = [one.fate.number for one in new]
        with reading(world.runtime) as session:
            rows = session.execute(
                select(Patient.study_number, Patient.id).where(Patient.study_number.in_(numbers))
            )
            ids = {row.study_number: row.id for row in rows}
        for number, one in enumerate(new):
            one.patient_id = ids[one.fate.number]
            world.ledger.people.append(one.truth)
            clinic.expect(world, one)
            if one.truth.consented_on is not None and number % 10 < 10 * ON_TABLET:
                clinic.enter(world, one, 0, day, "tablet")

    # ---- the post

    def _afternoon(self, day: date) -> None:
        """Run the jobs on working days, if there is anything to do: on others no letter goes out,
        and what closes meanwhile is closed the next time.
        """
        world = self._world
        for one in world.everyone:
            if one.fate.mailbox_ends == day and one.fate.email:
                world.post.gone.add(one.fate.email)
        if day.weekday() > 4 or not self._anything_due(day):
            return
        world.move_to(day, AFTERNOON)
        self._run_jobs(day)
        if self._anything_due(day):  # letters that were turned away for a while
            world.move_to(day, LATER)
            self._run_jobs(day)

    def _anything_due(self, day: date) -> bool:
        with reading(self._world.runtime) as session:
            return anything_due(
                session, datetime.combine(day, LATER, self._world.clock.now().tzinfo)
            )

    def _run_jobs(self, day: date) -> None:
        world = self._world
        faults = run_jobs_once(world.runtime, self._mailer)
        if faults:
            raise JobFailed("; ".join(f"{job}: {fault}" for job, fault in faults.items()))
        for address in world.post.collect_refused():
            one = self._by_address[address]
            month = max(month for month in MONTHS if one.due_on(month) <= day)
            one.truth.notes.append(Note(month, "undeliverable", day))
        for letter in world.post.collect():
            patients.receive(world, self._by_address[letter.recipient], letter, day)

    # ---- the door

    def _evening(self, day: date) -> None:
        visits = patients.visits(self._world, day)
        if not visits:
            return
        self._world.move_to(day, EVENING)
        for visit, _ in zip(visits, self._pool.map(self._go, visits), strict=True):
            visit.after()

    def _go(self, visit: Visit) -> None:
        line = self._lines.get()
        try:
            visit.go(Visitor(line))
        finally:
            self._lines.put(line)


def anything_due(session: Session, at: datetime) -> bool:
    """Whether the jobs would find anything to do at that instant, in the clinics' zones, where the
    civil day of the afternoon is that of UTC.
    """
    day = at.date()
    waiting = (FollowUpState.PLANNED, FollowUpState.OPEN)
    follow_up = or_(
        (FollowUp.state == FollowUpState.PLANNED) & (FollowUp.month > 0) & (FollowUp.due_on <= day),
        FollowUp.state.in_(waiting) & (FollowUp.closes_on < day),
        (FollowUp.state == FollowUpState.OPEN) & (FollowUp.remind_on <= day),
        FollowUp.link_asked_at.is_not(None)
        & or_(FollowUp.link_made_at.is_(None), FollowUp.link_made_at < FollowUp.link_asked_at),
    )
    letter = or_(
        (OutboxEmail.state == OutboxState.QUEUED) & (OutboxEmail.next_attempt_at <= at),
        OutboxEmail.state.in_((OutboxState.LEASED, OutboxState.HANDOVER)),
    )
    return bool(session.scalar(select(or_(exists().where(follow_up), exists().where(letter)))))


def last_day(months: int) -> date:
    """The day on which the demonstration stops."""
    return add_months(FIRST_DAY, months)
