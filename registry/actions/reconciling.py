"""Bringing a restored database to what the side journal knows, and letting letters go again.

Letters that went out since the backup are written down as sent, so that no rule sends them again;
where nobody knows whether one arrived, a person decides. Whoever left since has left.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit, letters, tokens
from registry.actions import installation, journal_facts
from registry.actions.attempts import end, entry
from registry.errors import DomainError
from registry.journal import Journal, JournalMissing, Line
from registry.models import FollowUp, Instance, JournalDebt, OutboxEmail, Patient, SurveyLink, User
from registry.queries import installation as standing
from registry.queries import outreach
from registry.settings import Settings
from surveys.lifecycle import FollowUpState, OutboxState

UNKNOWN = "handed over before the database was restored; whether it arrived is not known"
SENT = "sent before the database was restored (side journal)"
SETTLED = frozenset({OutboxState.SENT, OutboxState.FAILED, OutboxState.PARKED})
LOST = (
    "Put it back where REGISTRY_JOURNAL says, from the disk or the copy that has it. If there is "
    "none, run `registry reconcile --journal-lost`: letters that went out since the backup may "
    "then go out again, and whoever left since may be written to."
)


class NotReconcilable(DomainError):
    """The side journal cannot tell what this database lacks; the message says what to do."""


@dataclass
class Reconciled:
    """What was done: letters by outcome, what stops letters by kind, and what a person must see."""

    epoch: int = 0
    letters: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Post:
    """A letter by its lines: the last hand-over, and whether it arrived: True, or None: unknown."""

    line: Line
    arrived: bool | None


def reconcile(
    session: Session,
    journal: Journal,
    *,
    settings: Settings,
    journal_lost: bool = False,
    by: str,
    at: datetime,
) -> Reconciled:
    """Replay the side journal and begin a new epoch; a second call finds nothing more to do.

    `journal_lost`: there is none any more, so begin a new one. Raises NotReconcilable for a missing
    journal, for that of another registry, and JournalBroken for one that was changed.
    """
    instance = session.get_one(Instance, 1, with_for_update=True, populate_existing=True)
    lines = _lines(journal, instance, journal_lost)
    done = Reconciled()
    installation.keep_numbers(session, lines, by=by, at=at)
    for post in _posts(lines):
        done.letters[_take_over(session, post, settings, done.problems, by, at)] += 1
    _stop(session, lines, done, by, at)
    instance.epoch = done.epoch = max([instance.epoch, *(line.epoch for line in lines)]) + 1
    instance.restored_at = None
    told = {"epoch": instance.epoch, "letters": dict(done.letters), "stops": dict(done.stops)}
    audit.record(session, by=by, at=at, action="mail.reconciled", subject="registry", changes=told)
    journal.begin(instance.instance_id, instance.epoch, at=at)
    return done


def _lines(journal: Journal, instance: Instance, lost: bool) -> list[Line]:
    try:
        lines = list(journal.lines())
    except JournalMissing as fault:
        if lost:
            return []
        raise NotReconcilable(f"{fault} {LOST}") from fault
    if not lines and not lost:
        raise NotReconcilable(f"{journal.name} is empty. {LOST}")
    if lost and lines:
        raise NotReconcilable(f"{journal.name} is not lost: it has {len(lines)} lines.")
    if lines and lines[-1].instance != instance.instance_id:
        raise NotReconcilable(
            f"{journal.name} is the side journal of another registry. Name the right one in "
            "REGISTRY_JOURNAL."
        )
    return lines


def _posts(lines: Iterable[Line]) -> list[_Post]:
    """The letters that may have arrived: every hand-over that is not known to have come back."""
    found: dict[str, _Post] = {}
    doubtful: set[str] = set()
    for line in lines:
        name = str(line.told.get("message_id", ""))
        if line.kind == "handed_over":
            if name in found:
                doubtful.add(name)  # an earlier attempt ended without a word
            found[name] = _Post(line, None)
        elif line.kind == "sent" and name in found:
            found[name] = _Post(found[name].line, True)
        elif line.kind == "returned" and name not in doubtful:
            found.pop(name, None)
    return list(found.values())


def _take_over(
    session: Session,
    post: _Post,
    settings: Settings,
    problems: list[str],
    by: str,
    at: datetime,
) -> str:
    told, line = post.line.told, post.line
    follow_up = _follow_up(session, line)
    if told["follow_up"] is not None and follow_up is None:
        problems.append(
            f"line {line.number}: a letter of follow-up {told['follow_up']} (patient "
            f"{told['patient']}, month {told['month']}), which this database does not have"
        )
        return "of patients who are missing"
    row = _row(session, line)
    if row is not None and row.state in SETTLED:
        return "known"
    if row is None:
        row = _new_row(session, line, follow_up, by, at)
    if row is None:
        return "to accounts that are missing"
    is_sent = post.arrived is True
    end(row, OutboxState.SENT if is_sent else OutboxState.PARKED, SENT if is_sent else UNKNOWN, at)
    row.message_id = told["message_id"]
    row.dated_at = datetime.fromisoformat(told["dated_at"])
    if follow_up is not None:
        _bring_on(session, follow_up, line, settings, at)
    session.flush()
    return "written down as sent" if is_sent else "left to a person"


def _follow_up(session: Session, line: Line) -> FollowUp | None:
    """The follow-up that a line means. The same numbers may have been given again since."""
    told = line.told
    found = session.get(FollowUp, told["follow_up"]) if told["follow_up"] is not None else None
    if found is None or (found.patient_id, found.month) != (told["patient"], told["month"]):
        return None
    patient = session.get_one(Patient, found.patient_id)
    return found if patient.recorded_at <= line.at else None


def _row(session: Session, line: Line) -> OutboxEmail | None:
    told = line.told
    if told["follow_up"] is not None:
        mine = (OutboxEmail.follow_up_id == told["follow_up"]) & (
            OutboxEmail.number == told["number"]
        )
    else:
        mine = (OutboxEmail.id == told["letter"]) & (OutboxEmail.user_id == told["user"])
    return session.scalars(select(OutboxEmail).where(mine).with_for_update()).one_or_none()


def _new_row(
    session: Session, line: Line, follow_up: FollowUp | None, by: str, at: datetime
) -> OutboxEmail | None:
    """The row of a letter that was written and handed over after the backup."""
    told = line.told
    if follow_up is None and session.get(User, told["user"]) is None:
        return None
    words = letters.wording(follow_up.language if follow_up else "en")
    row = OutboxEmail(
        id=told["letter"] if session.get(OutboxEmail, told["letter"]) is None else None,
        kind=told["what"],
        patient_id=told["patient"],
        follow_up_id=told["follow_up"],
        user_id=told["user"],
        number=told["number"],
        template=told["what"],
        template_version=words.version,
        language=words.language,
        queued_at=line.at,
        next_attempt_at=line.at,
        attempts=1,
    )
    session.add(row)
    session.flush()
    # the trail was restored as well, and tells of every letter that there is
    why = f"side journal, line {line.number}"
    audit.record_many(session, [entry(row, "letter.queued", why)], by=by, at=at)
    return row


def _bring_on(
    session: Session, follow_up: FollowUp, line: Line, settings: Settings, at: datetime
) -> None:
    """What the letter's going out did to its follow-up: it is open, and its link opens it."""
    if follow_up.state == FollowUpState.PLANNED:
        follow_up.state, follow_up.opened_at = FollowUpState.OPEN.value, line.at
    if follow_up.state == FollowUpState.OPEN and follow_up.remind_on is None:
        follow_up.remind_on = outreach.local_day(follow_up.zone, at)
    number, version = line.told["number"], line.told["key"]
    link = (SurveyLink.follow_up_id == follow_up.id) & (SurveyLink.number == number)
    if version in settings.token_keys and session.scalar(select(SurveyLink.id).where(link)) is None:
        token = tokens.survey_token(
            settings.token_keys, version, line.instance, follow_up.id, number
        )
        session.add(
            SurveyLink(
                follow_up_id=follow_up.id,
                number=number,
                key_version=version,
                token_sha256=tokens.digest(token),
                made_at=line.at,
            )
        )


def _stop(session: Session, lines: Sequence[Line], done: Reconciled, by: str, at: datetime) -> None:
    owed = [
        Line(0, one.at, "", 0, "", one.kind, one.told)
        for one in session.scalars(select(JournalDebt).order_by(JournalDebt.id))
    ]
    lost = standing.lost_facts(session, [*lines, *owed], at + standing.UNDER_WAY)
    done.stops.update(line.kind for line in lost)
    done.problems += journal_facts.apply(session, lost, by=by, at=at)
    done.problems += [
        f"line {line.number}: {line.kind.replace('_', ' ')}, patient {line.told['patient']}; here "
        "it still stands, so no letters go out. Lift it on the patient's page if that is right"
        for line in standing.lost_undoings(session, lines)
    ]


def described(done: Reconciled) -> Mapping[str, int]:
    """All counts in words, for whoever ran it."""
    words = {"withdrawn": "withdrawals", "died": "deaths", "held": "holds"}
    stops = {f"{words[kind]} taken over": n for kind, n in sorted(done.stops.items())}
    return {f"letters {what}": n for what, n in sorted(done.letters.items())} | stops
